import type { AcceleratorFigures, DesignFigures } from './accelerator-figures.ts'
import { figure } from './accelerator-parts.ts'
import type { Block } from './page.ts'

type Quantity = readonly [name: string, of: (of: DesignFigures) => number | undefined]

const isTime = ({ longestPath }: DesignFigures) => longestPath.unit === 'ns'

/** Rows of the summary: how long an inference takes at the clock of the configuration, and what the clock is to wait for. */
export const timingQuantities = ({ design, periodNs }: AcceleratorFigures): readonly Quantity[] => [
  [`latency of an inference at ${periodNs} ns a cycle, us`, ({ cycles }) => (cycles * periodNs) / 1000],
  [`longest path, ${design.longestPath.unit}`, ({ longestPath }) => longestPath.delay],
]

/** Whether the clock is met. */
export function timingBlock(figures: AcceleratorFigures): Block {
  return { kind: 'text', text: verdict(figures) }
}

function verdict({ design, periodNs, library, script }: AcceleratorFigures): string {
  const { module, delay, unit } = design.longestPath
  const path = `the longest path takes ${figure(delay)} ${unit}, in ${module}`
  if (!isTime(design))
    return `Clock: not judged. The library ${library} knows no times: ${path}, and the latency is that of the clock that was asked for (synth.clock_ns).`
  if (delay <= periodNs) return `The clock of ${periodNs} ns (synth.clock_ns) is met before layout: ${path}.`
  const others = design.area.modules.filter((one) => one.module !== module && one.delay > periodNs)
  const more = others.length === 0 ? '' : ` ${others.length} other modules have paths above ${periodNs} ns.`
  const buffers =
    script === 'buffered'
      ? ''
      : ` The script ${script} inserts no buffers, which nets with many sinks need: "--script buffered" does.`
  const latency = figure((design.cycles * delay) / 1000)
  return `THE CLOCK of ${periodNs} ns (synth.clock_ns) IS NOT MET: ${path}.${more}${buffers} With a clock that waits for it, an inference takes ${latency} us.`
}
