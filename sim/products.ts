import type { MemoryImages } from '../src/plan/images.ts'
import { filterAt, type Plan } from '../src/plan/plan.ts'
import { firstWord } from '../src/plan/steps.ts'
import { ownerReader } from '../src/plan/tile.ts'
import type { Streamed } from './line.ts'

/**
 * How many of a fold's columns need their product of a tap, whose weights are word `word` of the weight memory: none of a channel that the plan adds, or of a map that
 * the array only passes through; with groups
 * the filters of the channel's own; and only those whose weight is owned by a tile of the fold's pass.
 */
export function neededProducts(plan: Plan, { owners }: MemoryImages) {
  const readers = plan.tiles.map((_, tile) => ownerReader(plan, tile))
  const channelOf = ({ layer, fold }: Streamed, tap: number) =>
    firstWord(layer, fold.columnFold) * layer.inputModulus + (tap % layer.channels)

  return (loaded: Streamed, tap: number, word: number): number => {
    const { fold, layer } = loaded
    if (layer.passed === true || tap % layer.channels >= layer.channels - layer.filler) return 0
    const { groups, filters } = layer
    const group = groups && Math.floor(channelOf(loaded, tap) / groups.channels)
    let needed = 0
    for (let column = 0; column < fold.columns; column++) {
      const filter = filterAt(layer, fold.filter + column)
      const own = groups === undefined || Math.floor((filter * groups.count) / filters) === group
      const owner = owners[word * plan.array.columns + column]!
      if (own && fold.tiles.some((tile) => readers[tile]!.owns(owner))) needed++
    }
    return needed
  }
}
