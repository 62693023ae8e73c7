import { invariant } from '../src/base/errors.ts'
import type { MemoryImages } from '../src/plan/images.ts'
import type { Plan } from '../src/plan/plan.ts'
import { tileSize } from '../src/plan/size.ts'
import { ordersOf, type TileOrder } from '../src/plan/tile.ts'
import type { TileArray } from './array.ts'
import type { Feeders } from './feeders.ts'
import type { IssueLine } from './line.ts'
import { tileWeights } from './tile-weights.ts'

/** The entry of a PE without work: its products are masked. */
const inactive = -1

/** A tile whose PEs multiply moments with the coefficients of curves. Moments of a cycle and row stand in a ring while they pass the columns. */
export function curveArray(
  plan: Plan,
  images: MemoryImages,
  index: number,
  line: IssueLine,
  rowFeeders: Feeders,
): TileArray {
  const tile = plan.tiles[index]!
  const { rows, columns } = tileSize(plan, tile)
  const orders = ordersOf(tile)
  invariant(orders !== undefined, `${tile.name} has no orders`)
  const weights = tileWeights(plan, images, index, line)
  const { weight, owned } = weights
  const unused = 32 - plan.widths.accumulator
  const products = orders.map(productOf)
  const places = coefficientPlaces(orders)

  const sum = new Int32Array(rows * columns)
  const passed = new Int32Array(rows * columns).fill(inactive)
  const ring = columns + 1
  const moments = orders.map(() => new Int32Array(ring * rows))
  const crossing = rows + columns
  let quiet = crossing
  let now = 0

  const term = (entry: number, pe: number): number => {
    if (entry === inactive || owned[pe] === 0) return 0
    let total = 0
    for (const [order, { low, unusedBits }] of places.entries()) {
      const coefficient = ((weight[pe]! >>> low) << unusedBits) >> unusedBits
      total += products[order]!(moments[order]![entry]!, coefficient)
    }
    return total
  }

  /** The ring's entry of what enters a row now. */
  const entryOf = (row: number): number => {
    if (rowFeeders.active[row]?.fold.tiles.includes(index) !== true) return inactive
    const entry = now * rows + row
    for (const [order, operands] of moments.entries()) operands[entry] = rowFeeders.moments[order]![row]!
    return entry
  }

  return {
    weight,
    sum,
    clock(cycle) {
      let entered = false
      // from the bottom right, so that what is read is still that before the edge
      for (let row = rows - 1; row >= 0; row--) {
        const first = entryOf(row)
        if (first !== inactive) entered = true
        if (quiet >= crossing && !entered) continue
        for (let column = columns - 1; column >= 0; column--) {
          const pe = row * columns + column
          const entry = column === 0 ? first : passed[pe - 1]!
          const partial = row === 0 ? 0 : sum[pe - columns]!
          sum[pe] = ((partial + term(entry, pe)) << unused) >> unused
          passed[pe] = entry
        }
      }
      quiet = entered ? 0 : quiet + 1
      now = (now + 1) % ring
      weights.clock(cycle)
    },
    reset() {
      passed.fill(inactive)
    },
  }
}

/** Where the coefficient of each order stands in a weight. */
function coefficientPlaces(orders: readonly TileOrder[]) {
  let low = 0
  return orders.map(({ multiplier: { domain } }) => {
    const place = { low, unusedBits: 32 - domain.nB }
    low += domain.nB
    return place
  })
}

/** A product at its place, by the multiplier's factors where it has some. */
function productOf({ multiplier, shift }: TileOrder): (moment: number, coefficient: number) => number {
  const unit = 2 ** shift
  const { factors } = multiplier
  if (factors === undefined) return (moment, coefficient) => multiplier.multiply(moment, coefficient) * unit
  return (moment, coefficient) =>
    factors.reduce((total, { ofA, ofB }) => total + ofA(moment) * ofB(coefficient), 0) * unit
}
