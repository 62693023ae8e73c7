import { parseDomain } from '../src/arith/domain.ts'
import type { MemoryImages } from '../src/plan/images.ts'
import type { Plan } from '../src/plan/plan.ts'
import { tileSize, tileTop } from '../src/plan/size.ts'
import { curveDomain, ordersOf, ownerReader } from '../src/plan/tile.ts'
import type { IssueLine } from './line.ts'

/** The weights of a tile's PEs, [row][column]. */
export interface TileWeights {
  /** Weight at work: its raw code, cut to the multiplier's operand; of curves all coefficients. */
  readonly weight: Int32Array
  /** Whether this tile computes the product of the weight; always, where no weights are mixed. */
  readonly owned: Uint8Array
  /** Mode that the weight names; 0 where it names none. */
  readonly mode: Int32Array
  /** The edge that closes `cycle`, for the weights at work and then for those that wait. */
  clock(cycle: number): void
}

export function tileWeights(plan: Plan, images: MemoryImages, index: number, line: IssueLine): TileWeights {
  const tile = plan.tiles[index]!
  const { rows, columns } = tileSize(plan, tile)
  const top = tileTop(plan, tile)
  const reader = ownerReader(plan, index)
  const orders = ordersOf(tile)
  const { nB } = orders === undefined ? parseDomain(tile.domain) : curveDomain(orders)
  const codes = nB === 32 ? -1 : 2 ** nB - 1

  const weightNext = new Int32Array(rows * columns)
  const weight = new Int32Array(rows * columns)
  const ownedNext = new Uint8Array(rows * columns).fill(plan.masked ? 0 : 1)
  const owned = ownedNext.slice()
  const modeNext = new Int32Array(rows * columns)
  const mode = new Int32Array(rows * columns)

  /** The wave of a fold's first position: `weight` takes `weight_next` along one diagonal a cycle. */
  const swap = (cycle: number) => {
    for (let diagonal = 0; diagonal < rows + columns - 1; diagonal++) {
      const at = line.slot(cycle - 1 - top - diagonal)
      const streamed = line.streamed[at]
      if (line.first[at] !== 1 || streamed?.fold.tiles.includes(index) !== true) continue
      for (
        let row = Math.max(streamed.top - top, diagonal - columns + 1);
        row <= Math.min(diagonal, rows - 1);
        row++
      ) {
        const pe = row * columns + diagonal - row
        weight[pe] = weightNext[pe]!
        owned[pe] = ownedNext[pe]!
        mode[pe] = modeNext[pe]!
      }
    }
  }

  const load = (cycle: number) => {
    for (let column = 0; column < columns; column++) {
      const at = line.slot(cycle - 1 - column)
      const row = line.loadRow[at]! - top
      if (row < 0 || !line.loaded[at]!.fold.tiles.includes(index)) continue
      const word = line.loadWord[at]! * plan.array.columns + column
      const pe = row * columns + column
      const owner = images.owners[word]!
      weightNext[pe] = images.weights[word]! & codes
      ownedNext[pe] = reader.owns(owner) ? 1 : 0
      modeNext[pe] = reader.mode(owner)
    }
  }

  return {
    weight,
    owned,
    mode,
    clock(cycle) {
      swap(cycle)
      load(cycle)
    },
  }
}
