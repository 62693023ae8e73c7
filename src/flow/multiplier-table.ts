import { tabulatedDesigns } from '../arith/designs.ts'
import { type Domain, domainName } from '../arith/domain.ts'
import type { ErrorMetrics } from '../arith/metrics.ts'
import type { Multiplier } from '../arith/multiplier.ts'
import { usageError } from '../base/errors.ts'
import { paretoMembers } from '../base/pareto.ts'
import type { Progress } from '../base/progress.ts'
import { dataDirectory } from '../net/data/store.ts'
import { csvOf } from '../report/plot.ts'
import { type Characterisation, standardPeriod } from '../synth/characterise.ts'
import { openLibrary } from '../synth/libraries.ts'
import type { MappingScript } from '../synth/scripts.ts'
import { runJobs } from '../tools/jobs.ts'
import { checkPairs, showFamily } from './mult.ts'
import { type Figures, openBench } from './multiplier-figures.ts'
import { figureOf, parseQuantities, type Quantity } from './quantities.ts'
import { scriptOf } from './synth.ts'

export interface MultiplierTableOptions {
  readonly library: string
  readonly script: string
  /** Two quantities, as in `mred,energy`; without them, the relative error against the energy, or the area where a library has no energies. */
  readonly pareto?: string
  /** Pairs that errors are measured with above 8x8 bits. */
  readonly pairs: number
  readonly seed: number
  readonly jobs: number
  /** A Yosys program; without one, that of the packages. */
  readonly yosys?: string
  /** Where figures are kept; the user's cache unless given. */
  readonly cache?: string
  /** The designs; those of the domain unless given. */
  readonly designs?: readonly Multiplier[]
  readonly signal: AbortSignal
  readonly progress: Progress
}

/** A narrower exact multiplier is one of fewer bits, whose product is shifted: what `trunc` is. */
export type DesignKind = 'exact' | 'narrower exact' | 'approximate'

type Errors = Pick<ErrorMetrics, 'mae' | 'wce' | 'ep' | 'mred' | 'bias' | 'mse' | 'zeroExact' | 'rank'>

/** A design of the table. Ratios are in percent; `best` is the least of all exact designs, `array` is exact:arch=array. */
export interface TabulatedDesign extends Errors {
  readonly spec: string
  readonly id: string
  readonly family: string
  readonly kind: DesignKind
  /** The operands that a narrower exact multiplier has, such as `7x6`. */
  readonly operands: string
  /** What its family is, in a line, and the product. */
  readonly summary: string
  readonly definition: string
  readonly area: number
  readonly cells: number
  readonly delay: number
  /** pJ of an operation, null where the library knows no energies. */
  readonly energy: number | null
  readonly areaToBest: number
  readonly areaToArray: number
  readonly energyToBest: number | null
  readonly energyToArray: number | null
  /** Whether no other design is as good in both quantities and better in one. */
  readonly pareto: boolean
}

/** Where links to a design lead. */
export const placeOf = ({ id }: Pick<TabulatedDesign, 'id'>): string => `design-${id}`

export interface MultiplierTable {
  readonly domain: string
  readonly library: string
  readonly engine: string
  readonly script: MappingScript
  readonly areaUnit: Characterisation['areaUnit']
  readonly delayUnit: Characterisation['delay']['unit']
  /** What energy is measured with; null where the library knows no energies. */
  readonly stream: string | null
  readonly periodNs: number
  /** How errors were measured, and whether on drawn pairs, which may miss the largest. */
  readonly errors: string
  readonly sampled: boolean
  readonly quantities: readonly [Quantity, Quantity]
  /** The exact designs of the smallest area and energy, and the array that ratios are to. */
  readonly bestArea: string
  readonly bestEnergy: string | null
  readonly array: string
  /** By the first quantity, then the second. */
  readonly designs: readonly TabulatedDesign[]
}

const arraySpec = 'exact:arch=array'

/** Characterises all designs of a domain. What is measured is kept at once: an interrupted run goes on where it was. */
export async function multiplierTable(
  domain: Domain,
  options: MultiplierTableOptions,
): Promise<MultiplierTable> {
  const { progress, signal, pairs, seed, jobs } = options
  checkPairs(pairs)
  const script = scriptOf(options.script)
  const library = await openLibrary(options.library, { data: dataDirectory(), signal })
  const quantities = parseQuantities(options.pareto, {
    name: library.name,
    hasEnergy: library.content.hasPower,
  })
  const designs = options.designs ?? tabulatedDesigns(domain)
  const bench = openBench(domain, library, { ...options, script, sampling: { seed, pairs } })
  progress.step(`characterise ${designs.length} multipliers in ${library.name}`, designs.length)
  let [done, kept] = [0, 0]
  const tasks = designs.map((design) => async (inner: AbortSignal) => {
    const found = await bench.figures(design, inner)
    if (found.kept) kept++
    progress.update(++done, design.spec)
    return found.figures
  })
  const figures = await runJobs(tasks, Math.min(jobs, designs.length), signal).finally(bench.close)
  progress.done(`${kept} of ${designs.length} were kept from earlier`)
  const rows = tabulate(designs, figures, quantities)
  const exact = rows.filter(({ kind }) => kind === 'exact')
  const [first] = figures
  return {
    domain: domainName(domain),
    library: library.name,
    engine: first!.cost.engine,
    script,
    areaUnit: library.content.areaUnit,
    delayUnit: first!.cost.delay.unit,
    stream: library.content.hasPower ? bench.stream.name : null,
    periodNs: standardPeriod,
    errors: `${first!.metrics.pairs} pairs, ${first!.metrics.method}`,
    sampled: first!.metrics.method !== 'exhaustive',
    quantities,
    bestArea: leastOf(exact, 'area').spec,
    bestEnergy: library.content.hasPower ? leastOf(exact, 'energy').spec : null,
    array: arraySpec,
    designs: rows,
  }
}

function tabulate(
  designs: readonly Multiplier[],
  figures: readonly Figures[],
  quantities: readonly [Quantity, Quantity],
): readonly TabulatedDesign[] {
  const plain = designs.map((design, i) => describe(design, figures[i]!))
  const exact = plain.filter(({ kind }) => kind === 'exact')
  const array = exact.find(({ spec }) => spec === arraySpec)
  if (array === undefined) throw usageError(`a table needs ${arraySpec}, which ratios are to`)
  const best = { area: leastOf(exact, 'area').area, energy: leastOf(exact, 'energy').energy }
  const percent = (value: number | null, of: number | null) =>
    value === null || of === null ? null : (100 * value) / of
  const [x, y] = quantities
  const members = paretoMembers(plain.map((design) => [figureOf(design, x), figureOf(design, y)]))
  return plain
    .map((design, i) => ({
      ...design,
      areaToBest: (100 * design.area) / best.area,
      areaToArray: (100 * design.area) / array.area,
      energyToBest: percent(design.energy, best.energy),
      energyToArray: percent(design.energy, array.energy),
      pareto: members[i]!,
    }))
    .sort(
      (one, other) =>
        figureOf(one, x) - figureOf(other, x) ||
        figureOf(one, y) - figureOf(other, y) ||
        (one.spec < other.spec ? -1 : 1),
    )
}

function describe(design: Multiplier, { metrics, cost }: Figures) {
  const { family, domain, parameters } = design
  const { mae, wce, ep, mred, bias, mse, zeroExact, rank } = metrics
  const { summary, definition } = showFamily(family, domain)
  const narrower = family === 'trunc'
  const kind: DesignKind = narrower ? 'narrower exact' : design.exact ? 'exact' : 'approximate'
  const [ka, kb] = narrower ? [Number(parameters['ka']), Number(parameters['kb'])] : [0, 0]
  return {
    spec: design.spec,
    id: design.id,
    family,
    kind,
    operands: `${domain.nA - ka}x${domain.nB - kb}`,
    summary,
    definition,
    ...{ mae, wce, ep, mred, bias, mse, zeroExact, rank },
    area: cost.area,
    cells: cost.cells,
    delay: cost.delay.own,
    energy: cost.energy?.total ?? null,
  }
}

function leastOf<
  T extends { readonly family: string; readonly area: number; readonly energy: number | null },
>(designs: readonly T[], quantity: 'area' | 'energy'): T {
  const value = (design: T) => design[quantity] ?? Infinity
  const named = ({ family }: T) => family === 'exact'
  return designs.reduce((least, design) => {
    const difference = value(design) - value(least)
    return difference < 0 || (difference === 0 && named(design) && !named(least)) ? design : least
  })
}

const csvColumns = [
  'spec',
  'family',
  'kind',
  'operands',
  'pareto',
  'mae',
  'wce',
  'ep',
  'mred',
  'bias',
  'mse',
  'zeroExact',
  'rank',
  'area',
  'cells',
  'delay',
  'energy',
  'areaToBest',
  'areaToArray',
  'energyToBest',
  'energyToArray',
] as const

/** The table as comma-separated values; what is not known is empty. */
export function tableCsv({ designs }: MultiplierTable): string {
  const text = (value: string | number | boolean | null) =>
    value === null ? '' : typeof value === 'boolean' ? (value ? 'yes' : 'no') : value
  return csvOf(
    csvColumns,
    designs.map(
      (design) =>
        Object.fromEntries(csvColumns.map((column) => [column, text(design[column])])) as Record<
          (typeof csvColumns)[number],
          string | number
        >,
    ),
  )
}
