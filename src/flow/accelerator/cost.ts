import { toStream } from '../../../sim/stream.ts'
import type { Progress } from '../../base/progress.ts'
import { clockedModules } from '../../hdl/hierarchy.ts'
import { inferenceCycles } from '../../plan/any-plan.ts'
import { coreName, type InterfaceName } from '../../plan/names.ts'
import { circuitGraph } from '../../synth/circuit-graph.ts'
import { designMemories, mapDesign } from '../../synth/design.ts'
import type { OpenLibrary } from '../../synth/libraries.ts'
import type { MappingOptions } from '../../synth/mapping.ts'
import type { Technology } from '../../synth/memory-model.ts'
import { analyseTiming } from '../../synth/timing.ts'
import type { Configuration } from '../configuration.ts'
import { type Prepared, quantiseInput, testImages } from '../preparation.ts'
import { type Design, generate } from '../rtl.ts'
import { type AcceleratorArea, acceleratorArea } from './area.ts'
import { blocksOf } from './blocks.ts'
import { type AcceleratorEnergy, acceleratorEnergy } from './energy.ts'
import { type MultiplicationEnergy, multiplicationEnergy } from './multiplications.ts'

export interface CostOptions extends MappingOptions {
  readonly library: OpenLibrary
  /** Of the memories; without one they are not estimated. */
  readonly technology: Technology | undefined
  /** Modules mapped at a time. */
  readonly jobs: number
  /** Instances of a module whose gates are simulated at most. */
  readonly samples: number
  readonly seed: number
  /** ns of a clock cycle, for the share of leakage. */
  readonly period: number
  readonly progress: Progress
}

/** What a generated accelerator costs: logic measured in cells, memories estimated. */
export interface AcceleratorCost {
  readonly net: string
  readonly plan: string
  readonly array: string
  readonly dataflow: string
  readonly interface: InterfaceName
  /** Of each layer that multiplies. */
  readonly multipliers: readonly { readonly layer: string; readonly specs: readonly string[] }[]
  readonly library: string
  /** Such as `Yosys 0.55`. */
  readonly engine: string
  readonly script: string
  readonly areaUnit: 'um2' | 'GE'
  /** The library's wire load model. */
  readonly wires: string | null
  readonly technology: Technology | null
  /** Of one inference without stalls. */
  readonly cycles: number
  readonly periodNs: number
  /** Of the slowest module: paths from and to its ports count from the clock edge, as if what is around it took no time. */
  readonly longestPath: { readonly module: string; readonly delay: number; readonly unit: 'ns' | 'tau' }
  readonly area: AcceleratorArea
  /** null where the library knows no energies. */
  readonly energy: (AcceleratorEnergy & { readonly stream: string }) | null
  readonly multiplications: readonly MultiplicationEnergy[] | null
}

/**
 * Area and energy of a network's accelerator. Its modules are mapped one by one; energy comes from their gates, simulated on what they took in an inference of the first
 * image that `testImages` draws. The interface is measured, but takes no part in the inference: its energy is not in the sums.
 */
export async function measureAccelerator(
  configuration: Configuration,
  prepared: Prepared,
  options: CostOptions,
): Promise<AcceleratorCost> {
  const { library, technology, jobs, progress, period, seed, script, yosys, signal, cache } = options
  const mapping = { script, yosys, signal, ...(cache === undefined ? {} : { cache }) }
  progress.step('generate')
  const design = generate(configuration, prepared)
  const { plan, top, interfaceName } = design
  progress.done(`${design.files.size} files`)
  progress.step('map modules to cells', clockedModules(top).length)
  let count = 0
  const mapped = await mapDesign(top, library, { ...mapping, jobs, onMapped: () => progress.update(++count) })
  progress.done(`${mapped.length} modules, ${mapped[0]!.mapping.engine}`)
  const timed = mapped.map((part) => ({
    part,
    delay: analyseTiming(circuitGraph(part.mapping.netlist), library.content.wireLoad).delay,
  }))
  const slowest = timed.reduce((a, b) => (b.delay > a.delay ? b : a))
  const blockOf = blocksOf(plan, interfaceName)
  const { hasPower } = library.content
  const image = testImages(prepared.network, 1, seed, prepared.data)
  const codes = toStream(quantiseInput(prepared.graph, image.images[0]!), plan.input.shape)
  const energy = hasPower
    ? {
        ...(await acceleratorEnergy({ ...design, top: coreOf(design) }, codes, mapped, blockOf, {
          ...options,
          library: library.content,
        })),
        stream: `one inference, ${image.source}`,
      }
    : null
  return {
    net: plan.network,
    plan: plan.hash,
    array: `${plan.array.rows}x${plan.array.columns}`,
    dataflow: plan.array.dataflow,
    interface: interfaceName,
    multipliers: layerMultipliers(prepared),
    library: library.name,
    engine: mapped[0]!.mapping.engine,
    script,
    areaUnit: library.content.areaUnit,
    wires: library.content.wireLoad?.name ?? null,
    technology: technology ?? null,
    cycles: inferenceCycles(plan),
    periodNs: period,
    longestPath: { module: slowest.part.module.name, delay: slowest.delay, unit: hasPower ? 'ns' : 'tau' },
    area: acceleratorArea(timed, designMemories(top, technology), blockOf),
    energy,
    multiplications: hasPower
      ? await multiplicationEnergy(prepared, plan, library, { ...mapping, period, seed, operations: 2000 })
      : null,
  }
}

/** The design without its interface. */
function coreOf({ top, plan, interfaceName }: Design) {
  if (interfaceName === 'native') return top
  return clockedModules(top).find(({ module }) => module.name === coreName(plan.network))!.module
}

/** The specs of each layer's multipliers. */
export const layerMultipliers = ({ assignment }: Prepared): AcceleratorCost['multipliers'] =>
  [...assignment].map(([layer, { multipliers }]) => ({ layer, specs: multipliers.map(({ spec }) => spec) }))
