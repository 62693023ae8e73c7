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

/** Pairs that a cell is measured with; drawn where it holds more. */
const mostPairs = 256
/** Ranges of an operand. */
const cells = 32

/**
 * The error over the operands, in at most 32 ranges of each. Cells of up to 256 pairs are measured whole, larger ones by 256 pairs drawn from a fixed seed: evenly
 * spaced ones would all have the same low bits, where errors come from.
 */
export function errorMap(multiplier: Multiplier): ErrorMap {
  const { nA, signedA, nB, signedB } = multiplier.domain
  const random = seededRandom(1)
  const [ofA, ofB] = [rangesOf(nA, signedA), rangesOf(nB, signedB)]
  const values = new Float64Array(ofA.length * ofB.length)
  for (const [row, as] of ofA.entries()) {
    const pairs = ofB.flatMap((bs, column) => {
      const whole = as.size * bs.size
      const of = Math.min(whole, mostPairs)
      return Array.from({ length: of }, (_, i) => {
        const pair = whole <= mostPairs ? i : random.integer(0, whole - 1)
        return { a: as.first + Math.floor(pair / bs.size), b: bs.first + (pair % bs.size), column, of }
      })
    })
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

/** Ranges of equal size: both are powers of two. */
function rangesOf(bits: number, signed: boolean) {
  const [low] = operandRange(bits, signed)
  const count = Math.min(cells, 2 ** bits)
  const size = 2 ** bits / count
  return Array.from({ length: count }, (_, i) => ({ first: low + i * size, size }))
}
