import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { dataError } from '../base/errors.ts'
import { writeFileAtomically } from '../base/files.ts'
import { pageFiles } from '../emit/page-files.ts'
import { recordOfRun } from '../emit/run-directory.ts'
import { acceleratorPage } from '../report/accelerator.ts'
import type { AcceleratorFigures } from '../report/accelerator-figures.ts'
import { memorySources } from '../synth/memory-model.ts'
import type { AcceleratorCost } from './accelerator/cost.ts'
import { readSynthesis, type StoredSynthesis } from './accelerator/stored.ts'
import { readMetrics } from './compare.ts'
import { ratesOf, readAccuracy } from './run-accuracy.ts'

export interface WrittenReport {
  readonly net: string
  readonly directory: string
  readonly files: readonly string[]
}

/** Writes report/ into a run's directory, from what earlier commands left there: nothing is measured again. */
export async function reportRun(directory: string): Promise<WrittenReport> {
  if (!existsSync(directory))
    throw dataError('there is no such directory', {
      where: directory,
      hint: `A run makes it, such as: xgen synth --net lenet5 --out ${directory}`,
    })
  const synthesis = readSynthesis(directory)
  checkSynthesis(directory, synthesis)
  const { design, baselines, errors, request } = synthesis
  const evaluated = readAccuracy(directory, design.plan)
  const accuracy = evaluated === undefined ? null : ratesOf(evaluated)
  // a design without approximate multipliers is the exact one
  const exact = evaluated?.exact ?? accuracy
  const figures: AcceleratorFigures = {
    net: design.net,
    plan: design.plan,
    library: design.library,
    engine: design.engine,
    script: design.script,
    areaUnit: design.areaUnit,
    wires: design.wires,
    technology: design.technology,
    periodNs: design.periodNs,
    design: { ...design, name: 'this design', accuracy },
    baselines: baselines.map((baseline) => ({ ...baseline, accuracy: isExact(baseline) ? exact : null })),
    accuracy:
      evaluated === undefined || exact === null
        ? null
        : { data: evaluated.data, images: evaluated.images, exact },
    memorySources: Object.values(memorySources),
    errors,
    known: knownOf(directory),
    request,
  }
  const page = await acceleratorPage(figures)
  const files = pageFiles(page, figures, 'report')
  for (const [name, text] of files) writeFileAtomically(join(directory, 'report', name), text)
  return { net: design.net, directory: join(directory, 'report'), files: [...files.keys()] }
}

/** Whether all products are, so that the accuracy is that of the exact network. */
const isExact = ({ multipliers }: AcceleratorCost): boolean =>
  multipliers.every(({ specs }) => specs.every((spec) => /^exact(:|$)/.test(spec)))

/** The figures of a run are of its design, and of what its configuration asks for. */
function checkSynthesis(directory: string, { design, request }: StoredSynthesis): void {
  const record = recordOfRun(directory)
  if (record === undefined) return
  const remedy = `xgen synth --config ${join(directory, 'run.json')}`
  if (record.plan !== design.plan)
    throw dataError('another design stands there than the one that was measured', {
      where: directory,
      hint: `Measure it: ${remedy} --lib ${design.library} --out ${directory} --force`,
    })
  const { synth = {} } = record.configuration as { readonly synth?: Readonly<Record<string, unknown>> }
  const measured: Readonly<Record<string, unknown>> = { ...request.synth }
  for (const name of new Set([...Object.keys(synth), ...Object.keys(measured)])) {
    if (synth[name] === measured[name]) continue
    const text = (value: unknown) => (value === undefined ? 'unset' : String(value))
    throw dataError(
      `synth.${name} is ${text(synth[name])} in run.json, and was ${text(measured[name])} when the design was measured`,
      { where: directory, hint: `Measure it as run.json says: ${remedy} --out ${directory}` },
    )
  }
}

/** What verification left in metrics.json. */
function knownOf(directory: string): AcceleratorFigures['known'] {
  const file = join(directory, 'metrics.json')
  if (!existsSync(file)) return []
  const metrics = readMetrics(file)
  const text = (value: number) => value.toLocaleString('en-US', { maximumFractionDigits: 6 })
  const sources: readonly (readonly [name: string, metric: string, source: string])[] = [
    ['values compared', 'verify__compared__count', 'xgen verify: emulator, cycle model, netlist, Verilator'],
    ['of these, differing', 'verify__mismatch__count', 'xgen verify'],
    ['images verified', 'verify__image__count', 'xgen verify'],
  ]
  return sources.flatMap(([name, metric, source]) => {
    const value = metrics[metric]
    return typeof value === 'number' ? [{ name, value: text(value), source }] : []
  })
}
