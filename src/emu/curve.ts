import { groupMultipliers } from '../approx/accumulator.ts'
import type { LayerAssignment } from '../approx/assignment.ts'
import { productsOf } from '../arith/batch.ts'
import type { Multiplier } from '../arith/multiplier.ts'
import type { QCurve } from '../quant/curve.ts'
import type { QConv } from '../quant/qgraph.ts'

/** A layer whose weights are curves: the moments of all groups first, then the products of each filter. */
export interface CurveSums {
  /** Takes the activations of one group of channels, columns[tap][position] for `line` positions. */
  gather(columns: Int16Array, taps: number, line: number): void
  /** Adds the terms of a filter to its sums. */
  add(sums: Int32Array, line: number, filter: number): void
}

export function curveSums(node: QConv, curve: QCurve, assignment: LayerAssignment): CurveSums {
  const orders = curve.degree + 1
  const groups = curve.coefficients.length / node.bias.length / orders
  const multiplierOf = groupMultipliers(node, curve, assignment)
  let moments: Int32Array[] = []
  /** By moment and multiplier, the values that its products are multiples of. */
  const factors = new Map<string, Int32Array[]>()

  const factorsOf = (multiplier: Multiplier, moment: number, line: number): Int32Array[] => {
    const key = `${moment} ${multiplier.id}`
    const known = factors.get(key)
    if (known !== undefined) return known
    const values = moments[moment]!.subarray(0, line)
    const found = multiplier.factors!.map(({ ofA }) => values.map(ofA))
    factors.set(key, found)
    return found
  }

  const addTerm = (sums: Int32Array, line: number, moment: number, coefficient: number, by: Multiplier) => {
    const { shift } = curve.moments.orders[moment % orders]!
    if (by.factors === undefined) {
      addProducts(sums, line, moments[moment]!, coefficient, by, shift)
      return
    }
    for (const [index, values] of factorsOf(by, moment, line).entries()) {
      const factor = by.factors[index]!.ofB(coefficient) * 2 ** shift
      if (factor === 0) continue
      for (let p = 0; p < line; p++) sums[p] = (sums[p]! + Math.imul(values[p]!, factor)) | 0
    }
  }

  return {
    gather(columns, taps, line) {
      moments = gatherMoments(curve, columns, taps, line, moments)
      factors.clear()
    },
    add(sums, line, filter) {
      for (let g = 0; g < groups; g++) {
        for (let order = 0; order < orders; order++) {
          const coefficient = curve.coefficients[(filter * groups + g) * orders + order]!
          const multiplier = assignment.byOrder![order]![multiplierOf(filter, g)]!
          addTerm(sums, line, g * orders + order, coefficient, multiplier)
        }
      }
    },
  }
}

/** floor(S_k / 2^cut) of every group and order, [group * orders + order][position]. */
function gatherMoments(
  { length, moments }: QCurve,
  columns: Int16Array,
  taps: number,
  line: number,
  reused: readonly Int32Array[],
): Int32Array[] {
  const results: Int32Array[] = []
  for (let first = 0; first < taps; first += length) {
    for (const [order, { cut }] of moments.orders.entries()) {
      const before = reused[results.length]
      const sums = before !== undefined && before.length >= line ? before.fill(0) : new Int32Array(line)
      for (let tap = first; tap < Math.min(taps, first + length); tap++) {
        const power = (tap - first) ** order
        for (let p = 0; p < line; p++) sums[p] = sums[p]! + power * columns[tap * line + p]!
      }
      for (let p = 0; p < line; p++) sums[p] = sums[p]! >> cut
      results.push(sums)
    }
  }
  return results
}

/** Products by the definition, for multipliers without factors. */
function addProducts(
  sums: Int32Array,
  line: number,
  moments: Int32Array,
  coefficient: number,
  multiplier: Multiplier,
  shift: number,
): void {
  const { nA, nB } = multiplier.domain
  const a = Uint16Array.from({ length: line }, (_, p) => moments[p]! & (2 ** nA - 1))
  const b = new Uint16Array(line).fill(coefficient & (2 ** nB - 1))
  const products = productsOf(multiplier, a, b)
  for (let p = 0; p < line; p++) sums[p] = (sums[p]! + (products[p]! << shift)) | 0
}
