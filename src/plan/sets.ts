import type { Lowered, View, Work } from './lower.ts'

// Two sets of feature-map banks: while the row feeders read a map in one of them, the map reader reads the other operand of an addition in
// the other. A map stands in set 0, in set 1, or in both, where it must be read from either.

/** Sets as bits. */
export type SetMask = 1 | 2 | 3

/** Pairs of maps that are read at the same time. */
function pairsRead(works: readonly Work[]): readonly (readonly [string, string])[] {
  return works.flatMap((work) =>
    work.kind === 'array' && work.addend !== undefined
      ? [[work.reads.map, work.addend.view.map] as const]
      : [],
  )
}

/** A set for each map, so that maps that are read at the same time stand in different ones; a map that cannot stands in both. */
export function chooseSets({ works, maps }: Pick<Lowered, 'works' | 'maps'>): ReadonlyMap<string, SetMask> {
  const neighbours = new Map<string, string[]>([...maps.keys()].map((id) => [id, []]))
  for (const [a, b] of pairsRead(works)) {
    neighbours.get(a)!.push(b)
    neighbours.get(b)!.push(a)
  }
  const sets = new Map<string, SetMask>()
  const choose = (id: string, set: 1 | 2) => {
    sets.set(id, neighbours.get(id)!.some((other) => other === id || sets.get(other) === set) ? 3 : set)
    for (const other of neighbours.get(id)!) if (!sets.has(other)) choose(other, set === 1 ? 2 : 1)
  }
  for (const id of maps.keys()) if (!sets.has(id)) choose(id, 1)
  return sets
}

/** The set that the feeders read for a work; the map reader reads the other one. */
export function readSetOf(work: Work, sets: ReadonlyMap<string, SetMask>): 0 | 1 {
  const stands = (view: View | undefined, set: 0 | 1) =>
    view === undefined || ((sets.get(view.map)! >> set) & 1) === 1
  const [fed, operand] = work.kind === 'array' ? [work.reads, work.addend?.view] : [undefined, work.reads]
  return stands(fed, 0) && stands(operand, 1) ? 0 : 1
}
