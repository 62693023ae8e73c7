import { parseDomain } from '../src/arith/domain.ts'
import type { MemoryImages } from '../src/plan/images.ts'
import type { Plan } from '../src/plan/plan.ts'
import { tileSize, tileTop } from '../src/plan/size.ts'
import { multipliersOf } from '../src/plan/tile.ts'
import type { Feeders } from './feeders.ts'
import type { IssueLine } from './line.ts'
import { tileWeights } from './tile-weights.ts'

/** One tile: rows x columns PEs with the same multiplier, or the same modes. Matrices are flat, [row][column]. */
export interface TileArray {
  /** Weight at work: its raw code, cut to the multiplier's operand. */
  readonly weight: Int32Array
  /** Partial sums, two's complement of the accumulator's width. */
  readonly sum: Int32Array
  /** The edge that closes `cycle`. */
  clock(cycle: number): void
  /** That edge was one with reset: no PE has work. */
  reset(): void
}

/** The operand register of a PE without work: its product is masked. */
const inactive = -1

export function tileArray(
  plan: Plan,
  images: MemoryImages,
  index: number,
  line: IssueLine,
  rowFeeders: Feeders,
): TileArray {
  const tile = plan.tiles[index]!
  const { rows, columns } = tileSize(plan, tile)
  const top = tileTop(plan, tile)
  const domain = parseDomain(tile.domain)
  const codesA = 2 ** domain.nA - 1
  const codesB = 2 ** domain.nB - 1
  // the tables of all modes behind one another
  const pairs = (codesA + 1) * (codesB + 1)
  const tables = multipliersOf(tile).map((multiplier) => multiplier.table())
  const products = new Int32Array(tables.length * pairs)
  for (const [mode, table] of tables.entries()) products.set(table, mode * pairs)
  const unused = 32 - plan.widths.accumulator

  const weights = tileWeights(plan, images, index, line)
  const { weight, owned, mode: modeOfWeight } = weights
  const sum = new Int32Array(rows * columns)
  // `activation` and `active` that a PE passes on: the activation's row in the product table, or `inactive`
  const passed = new Int32Array(rows * columns).fill(inactive)
  // Everything in the tile is at rest once nothing has entered for as long as a sum needs to leave.
  const crossing = rows + columns
  let quiet = crossing

  const operandOf = (row: number) => {
    const streamed = rowFeeders.active[top + row]
    if (streamed === undefined || !streamed.fold.tiles.includes(index)) return inactive
    const mode = tables.length > 1 ? streamed.fold.mode : 0
    return mode * pairs + (rowFeeders.activation[top + row]! & codesA) * (codesB + 1)
  }

  const multiplyAndAdd = () => {
    let entered = false
    // from the bottom, so that the sums of the row above are still those before the edge
    for (let row = rows - 1; row >= 0; row--) {
      const base = row * columns
      for (let column = columns - 1; column > 0; column--) {
        const at = base + column
        const operand = passed[at - 1]!
        const product =
          operand === inactive || owned[at] === 0
            ? 0
            : products[operand + modeOfWeight[at]! * pairs + weight[at]!]!
        const partial = row === 0 ? 0 : sum[at - columns]!
        sum[at] = ((partial + product) << unused) >> unused
        passed[at] = operand
      }
      const operand = operandOf(row)
      if (operand !== inactive) entered = true
      const product =
        operand === inactive || owned[base] === 0
          ? 0
          : products[operand + modeOfWeight[base]! * pairs + weight[base]!]!
      const partial = row === 0 ? 0 : sum[base - columns]!
      sum[base] = ((partial + product) << unused) >> unused
      passed[base] = operand
    }
    quiet = entered ? 0 : quiet + 1
  }

  const anyActive = () => {
    for (let row = 0; row < rows; row++) if (operandOf(row) !== inactive) return true
    return false
  }

  return {
    weight,
    sum,
    clock(cycle) {
      if (quiet < crossing || anyActive()) multiplyAndAdd()
      weights.clock(cycle)
    },
    reset() {
      passed.fill(inactive)
    },
  }
}
