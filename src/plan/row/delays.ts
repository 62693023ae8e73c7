import { bankDelay, bankUsed, chainPlace, type RowEngine } from './plan.ts'
import { readPorts, selectPorts, sumPorts, workPorts } from './ports.ts'
import { geometries } from './program.ts'

/** Ports that travel together: each is needed after some numbers of cycles, of which `last` is the largest. */
export interface Delayed {
  readonly ports: Readonly<Record<string, number>>
  readonly taps: readonly number[]
  readonly last: number
}

/** Cycles from the issue of a product to its station, for PEs of row `row` of a chain, and for the end of a chain. */
export const rowDelays = {
  /** The weight is chosen a cycle before it is at work. */
  select: (row: number) => 1 + row,
  work: (row: number) => 2 + row,
  /** The accumulator's word is read a cycle before the sum comes. */
  early: (chain: number) => 1 + chain,
  sum: (chain: number) => 2 + chain,
} as const

/** What travels with a product, and how far. */
export function issueDelays(plan: RowEngine): readonly Delayed[] {
  const layers = geometries(plan)
  const banks = layers.flatMap((layer) =>
    Array.from({ length: plan.banks }, (_, bank) => (bankUsed(layer, bank) ? bankDelay(layer, bank) : 0)),
  )
  const rows = layers.flatMap((layer) =>
    Array.from({ length: plan.array.rows }, (_, row) => chainPlace(layer, row)?.row ?? 0),
  )
  const work = rows.map(rowDelays.work)
  const sums = layers.map(({ chain }) => rowDelays.sum(chain))
  const exits = [...layers.map(({ chain }) => rowDelays.early(chain)), ...sums]
  const delayed = (ports: Delayed['ports'], ...taps: number[]): Delayed => {
    const distinct = [...new Set(taps)].sort((a, b) => a - b)
    return { ports, taps: distinct, last: distinct.at(-1)! }
  }
  return [
    delayed({ valid: 1 }, ...banks, ...work, ...exits),
    delayed({ finish: 1 }, ...sums),
    delayed(readPorts(plan), ...banks),
    delayed(selectPorts(plan), ...rows.map(rowDelays.select)),
    delayed(workPorts(plan), ...work),
    delayed(sumPorts(plan), ...exits),
  ]
}

/** Largest delay of a row's weights: they follow the rows of the chain. */
export const laneDelay = (plan: RowEngine, row: number): number =>
  Math.max(...geometries(plan).map((layer) => chainPlace(layer, row)?.row ?? 0))

/** The row of its chain whose delays a row of the grid has in each geometry: where it has no work, those of one where it has. */
export function delayRows(plan: RowEngine, row: number): readonly (number | undefined)[] {
  const places = geometries(plan).map((layer) => chainPlace(layer, row)?.row)
  const other = places.find((place) => place !== undefined)
  return places.map((place) => place ?? other)
}
