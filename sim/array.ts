import { parseDomain } from '../src/arith/domain.ts'
import type { MemoryImages } from '../src/plan/images.ts'
import type { Plan } from '../src/plan/plan.ts'
import { tileSize, tileTop } from '../src/plan/size.ts'
import { multipliersOf, ownerReader } from '../src/plan/tile.ts'
import type { Feeders } from './feeders.ts'
import type { IssueLine } from './line.ts'

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
  const reader = ownerReader(plan, index)
  const domain = parseDomain(tile.domain)
  const codesA = 2 ** domain.nA - 1
  const codesB = 2 ** domain.nB - 1
  // the tables of all modes behind one another
  const pairs = (codesA + 1) * (codesB + 1)
  const tables = multipliersOf(tile).map((multiplier) => multiplier.table())
  const products = new Int32Array(tables.length * pairs)
  for (const [mode, table] of tables.entries()) products.set(table, mode * pairs)
  const unused = 32 - plan.widths.accumulator

  const weightNext = new Int32Array(rows * columns)
  const weight = new Int32Array(rows * columns)
  const sum = new Int32Array(rows * columns)
  // whether this tile computes the product of the weight; always, where no weights are mixed
  const ownedNext = new Uint8Array(rows * columns).fill(plan.masked ? 0 : 1)
  const owned = ownedNext.slice()
  // where the weight's mode has its table; 0 where the mode comes with the pass
  const tableNext = new Int32Array(rows * columns)
  const table = new Int32Array(rows * columns)
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
          operand === inactive || owned[at] === 0 ? 0 : products[operand + table[at]! + weight[at]!]!
        const partial = row === 0 ? 0 : sum[at - columns]!
        sum[at] = ((partial + product) << unused) >> unused
        passed[at] = operand
      }
      const operand = operandOf(row)
      if (operand !== inactive) entered = true
      const product =
        operand === inactive || owned[base] === 0 ? 0 : products[operand + table[base]! + weight[base]!]!
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
        table[pe] = tableNext[pe]!
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
      weightNext[pe] = images.weights[word]! & codesB
      ownedNext[pe] = reader.owns(owner) ? 1 : 0
      if (tables.length > 1) tableNext[pe] = reader.mode(owner) * pairs
    }
  }

  return {
    weight,
    sum,
    clock(cycle) {
      if (quiet < crossing || anyActive()) multiplyAndAdd()
      swap(cycle)
      load(cycle)
    },
    reset() {
      passed.fill(inactive)
    },
  }
}
