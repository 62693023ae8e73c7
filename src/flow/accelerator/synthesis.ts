import { isDeepStrictEqual } from 'node:util'
import { domainName } from '../../arith/domain.ts'
import { errorMap } from '../../arith/error-map.ts'
import { usageError } from '../../base/errors.ts'
import { sha256 } from '../../base/hash.ts'
import type { Progress } from '../../base/progress.ts'
import { dataDirectory } from '../../net/data/store.ts'
import { openLibrary, withWires } from '../../synth/libraries.ts'
import { technologyOf } from '../../synth/memory-model.ts'
import { openYosys } from '../../tools/yosys.ts'
import type { Configuration } from '../configuration.ts'
import { libraryPath, libraryPlace } from '../named-files.ts'
import { type Prepared, prepare } from '../preparation.ts'
import { baselinesOf } from './baselines.ts'
import { type AcceleratorCost, layerMultipliers, measureAccelerator } from './cost.ts'
import type { StoredSynthesis } from './stored.ts'

export interface SynthesisOptions {
  /** Whether the baselines are measured too. */
  readonly baselines: boolean
  /** Instances of a module whose gates are simulated at most. */
  readonly samples: number
  readonly seed: number
  readonly jobs: number
  /** The library's wire load model, or `none`; its own default where it is not given. */
  readonly wires?: string
  /** A Yosys program; without one, that of the packages. */
  readonly yosys?: string
  readonly progress: Progress
  readonly signal: AbortSignal
}

/** Measures a network's accelerator, and the baselines it is compared with. */
export async function synthesiseNetwork(
  configuration: Configuration,
  prepared: Prepared,
  { baselines, yosys, wires, progress, signal, ...options }: SynthesisOptions,
): Promise<StoredSynthesis> {
  const { liberty, script, node_nm: node, clock_ns: period } = configuration.synth
  progress.step(`read the library ${liberty}`)
  // by the name that was written, wherever xgen runs
  const opened = {
    ...(await openLibrary(libraryPath(configuration), {
      data: dataDirectory(),
      signal,
      where: libraryPlace(configuration),
    })),
    name: liberty,
  }
  const library = wires === undefined ? opened : withWires(opened, wires)
  progress.done(`${library.content.cells.size} cells`)
  const technology = library.content.areaUnit === 'um2' ? technologyOf(library, node) : undefined
  if (library.content.areaUnit !== 'um2' && node !== undefined)
    throw usageError(`the library ${liberty} has no feature size`, {
      where: 'synth.node_nm',
      hint: 'Areas in gate equivalents belong to no technology.',
    })
  const given = { ...options, library, technology, script, period, progress, signal, yosys: openYosys(yosys) }
  const measure = (of: Configuration, what: Prepared) => measureAccelerator(of, what, given)
  const design = await measure(configuration, prepared)
  const others: (AcceleratorCost & { readonly name: string })[] = []
  for (const baseline of baselines ? baselinesOf(configuration) : []) {
    progress.step(`baseline: ${baseline.name}`)
    progress.done('')
    const other = prepare(baseline.configuration)
    // a design that is its own baseline is not measured twice
    const same = isDeepStrictEqual(layerMultipliers(other), design.multipliers)
    others.push({ ...(same ? design : await measure(baseline.configuration, other)), name: baseline.name })
  }
  const request = {
    synth: configuration.synth,
    libraryHash: sha256(await library.text()),
    wires: wires ?? null,
    samples: options.samples,
    seed: options.seed,
  }
  return { request, design, baselines: others, errors: errorsOf(prepared) }
}

function errorsOf({ assignment }: Prepared): StoredSynthesis['errors'] {
  const approximate = new Map(
    [...assignment.values()]
      .flatMap(({ multipliers }) => multipliers)
      .filter(({ exact }) => !exact)
      .map((multiplier) => [multiplier.id, multiplier]),
  )
  return [...approximate.values()].map((multiplier) => {
    const { rows, columns, values } = errorMap(multiplier)
    const title = `${multiplier.spec} (${domainName(multiplier.domain)})`
    return { title, rows, columns, values: [...values] }
  })
}
