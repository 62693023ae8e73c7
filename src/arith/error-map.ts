import { seededRandom } from '../base/random.ts'
import { productsOf } from './batch.ts'
import { operandRange } from './domain.ts'
import type { Multiplier } from './multiplier.ts'

/** Means of |M(a, b) - a * b| over ranges of operand values, in the order of values. */
export interface ErrorMap {
  /** The first value of each range of A (rows) and B (columns). */
  readonly rows: readonly number[]
  readonly columns: readonly number[]
  /** Row after row. */
  readonly values: Float64Array
}

/** Values of an operand that a range is measured with; drawn where it holds more. */
const drawn = 8

/**
 * The error over the operands, in at most `cells` ranges of each. Ranges of up to 8 values are measured whole, wider ones by 8 values drawn from a fixed seed: evenly
 * spaced ones would all have the same low bits, where errors come from.
 */
export function errorMap(multiplier: Multiplier, cells = 32): ErrorMap {
  const { nA, signedA, nB, signedB } = multiplier.domain
  const random = seededRandom(1)
  const ranges = (bits: number, signed: boolean) => {
    const [low] = operandRange(bits, signed)
    const count = Math.min(cells, 2 ** bits)
    const size = 2 ** bits / count
    return Array.from({ length: count }, (_, i) => {
      const first = low + Math.floor(i * size)
      const next = low + Math.floor((i + 1) * size)
      const all = Array.from({ length: Math.min(drawn, next - first) }, (_, j) => first + j)
      return { first, values: next - first <= drawn ? all : all.map(() => random.integer(first, next - 1)) }
    })
  }
  const [ofA, ofB] = [ranges(nA, signedA), ranges(nB, signedB)]
  const values = new Float64Array(ofA.length * ofB.length)
  for (const [row, { values: as }] of ofA.entries()) {
    const pairs = ofB.flatMap(({ values: bs }, column) =>
      as.flatMap((a) => bs.map((b) => ({ a, b, column, of: as.length * bs.length }))),
    )
    const products = productsOf(
      multiplier,
      pairs.map(({ a }) => a & (2 ** nA - 1)),
      pairs.map(({ b }) => b & (2 ** nB - 1)),
    )
    for (const [i, { a, b, column, of }] of pairs.entries())
      values[row * ofB.length + column]! += Math.abs(products[i]! - a * b) / of
  }
  return { rows: ofA.map(({ first }) => first), columns: ofB.map(({ first }) => first), values }
}
