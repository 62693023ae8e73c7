import { operandValue } from './batch.ts'
import type { Domain } from './domain.ts'
import type { Definition } from './family.ts'

/** What a table of all products (row = A's code, column = B's code) says of a multiplier. */
export function propertiesOf(
  table: Int32Array,
  { nA, signedA, nB, signedB }: Domain,
): Pick<Definition, 'range' | 'exact' | 'zeroExact'> {
  let [low, high] = [table[0]!, table[0]!]
  let [exact, zeroExact] = [true, true]
  for (let i = 0; i < table.length; i++) {
    const product = table[i]!
    const right = operandValue(i >> nB, nA, signedA) * operandValue(i & (2 ** nB - 1), nB, signedB)
    if (product < low) low = product
    if (product > high) high = product
    if (product === right) continue
    exact = false
    // Whether an operand is 0, not whether the product should be: they are the same.
    if (right === 0) zeroExact = false
  }
  return { range: [low, high], exact, zeroExact }
}
