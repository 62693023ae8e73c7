import { operandRange } from '../../arith/domain.ts'
import type { Multiplier } from '../../arith/multiplier.ts'

/** Fields a side of an error map. */
const side = 32

/**
 * Mean error (approximate minus exact) over fields of the operand plane: rows of activations and columns of weights, both from the lowest value on; as many fields as
 * operands where those are fewer than 32. Undefined above 8x8 bits.
 */
export function errorMap(multiplier: Multiplier): readonly (readonly number[])[] | undefined {
  const { nA, nB, signedA, signedB } = multiplier.domain
  if (nA > 8 || nB > 8) return undefined
  const table = multiplier.table()
  const [lowA] = operandRange(nA, signedA)
  const [lowB] = operandRange(nB, signedB)
  const fields = (bits: number) => Math.min(side, 2 ** bits)
  const [rows, columns] = [fields(nA), fields(nB)]
  const sums = Array.from({ length: rows }, () => new Array<number>(columns).fill(0))
  const [codesA, codesB] = [2 ** nA, 2 ** nB]
  for (let i = 0; i < codesA; i++) {
    const a = lowA + i
    for (let j = 0; j < codesB; j++) {
      const b = lowB + j
      const product = table[(a & (codesA - 1)) * codesB + (b & (codesB - 1))]!
      sums[Math.floor((i * rows) / codesA)]![Math.floor((j * columns) / codesB)]! += product - a * b
    }
  }
  const each = (codesA / rows) * (codesB / columns)
  return sums.map((row) => row.map((sum) => sum / each))
}
