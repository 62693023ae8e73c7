import type { Mean } from '../kernels/elementwise.ts'
import {
  type AddRule,
  addScaled,
  codesOfSums,
  type MeanRule,
  type PairTable,
  type SumRule,
} from '../quant/imported-rules.ts'
import type { QAdd, QConv, QTensor } from '../quant/qgraph.ts'
import type { Codes } from '../quant/rules.ts'
import { pairwise } from './elementwise.ts'

// Nodes of imported models, which keep the rules of the format that they come from.

/** Codes of one filter's sums, [image][position], into the map of filter n of images from `first` on. */
export function storeByRule(
  { bias: { length: filters }, low, high }: QConv,
  rule: SumRule,
  n: number,
  sums: Int32Array,
  images: number,
  positions: number,
  result: Codes,
  first: number,
): void {
  for (let i = 0; i < images; i++) {
    const own = sums.subarray(i * positions, (i + 1) * positions)
    codesOfSums(rule, n, own, [low, high], result, ((first + i) * filters + n) * positions)
  }
}

/** An addition of 8-bit codes: there are 2^16 pairs, and the sum of each is computed once. */
export function importedAddition({ low, high }: QAdd, rule: AddRule, inputs: readonly QTensor[]) {
  if (rule.kind === 'pairs') return codesOfPairs(rule, inputs)
  return pairwise(inputs, (a, b) => addScaled(a, b, rule, low, high))
}

/** A sum or product whose pairs of codes have a table. */
export function codesOfPairs({ table }: PairTable, inputs: readonly QTensor[]) {
  return pairwise(inputs, (a, b) => table[((a & 255) << 8) | (b & 255)]!)
}

/** What the kernel is told of a mean of codes of the input. */
export function meanOf(rule: MeanRule, { signed }: QTensor): Mean {
  if (rule.kind === 'tflite') return { kind: 'away-from-zero', zero: rule.offset }
  const { low, high } = rule
  if (rule.kind === 'tflite-mean') {
    const { factor, inputZeroPoint: zero, outputZeroPoint: outputZero } = rule
    return { kind: 'scaled', ...factor, zero, outputZero, low, high }
  }
  const first = signed ? -128 : 0
  const real = new Float32Array(256)
  for (const [i, value] of rule.real.entries()) real[(first + i) & 255] = value
  const { scale, zeroPoint: zero, low: least, high: most } = rule.quantiser
  return { kind: 'real', real, scale, zero, least, most, outputZero: rule.offset, low, high }
}
