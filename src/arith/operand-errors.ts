import { operandValue } from './batch.ts'
import type { Multiplier } from './multiplier.ts'

/** Errors of the pairs that one operand value is in. err = M(a, b) - a * b. */
export interface OperandError {
  readonly value: number
  /** Mean of err. */
  readonly bias: number
  /** Mean of |err|. */
  readonly mae: number
}

/** Errors by each value of A and of B, in the order of values. Only where nA and nB are at most 8. */
export function errorsByOperand(multiplier: Multiplier): {
  readonly a: readonly OperandError[]
  readonly b: readonly OperandError[]
} {
  const { nA, signedA, nB, signedB } = multiplier.domain
  const table = multiplier.table()
  const sums = (bits: number) => ({
    error: new Float64Array(2 ** bits),
    absolute: new Float64Array(2 ** bits),
  })
  const [ofA, ofB] = [sums(nA), sums(nB)]
  for (let i = 0; i < table.length; i++) {
    const [a, b] = [i >> nB, i & (2 ** nB - 1)]
    const error = table[i]! - operandValue(a, nA, signedA) * operandValue(b, nB, signedB)
    for (const [of, code] of [
      [ofA, a],
      [ofB, b],
    ] as const) {
      of.error[code]! += error
      of.absolute[code]! += Math.abs(error)
    }
  }
  const listed = ({ error, absolute }: typeof ofA, bits: number, signed: boolean, others: number) =>
    Array.from(error, (sum, code) => ({
      value: operandValue(code, bits, signed),
      bias: sum / others,
      mae: absolute[code]! / others,
    })).sort((x, y) => x.value - y.value)
  return { a: listed(ofA, nA, signedA, 2 ** nB), b: listed(ofB, nB, signedB, 2 ** nA) }
}
