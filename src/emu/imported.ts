import type { Mean } from '../kernels/elementwise.ts'
import {
  type AddRule,
  addScaled,
  codesOfSums,
  type PairTable,
  type RoundedMean,
  type ScaledMean,
  type SumRule,
} from '../quant/imported-rules.ts'
import { codeOfMean, type RealMean } from '../quant/onnx-rules.ts'
import type { QAdd, QConv, QPool, QTensor } from '../quant/qgraph.ts'
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

/** What the kernel is told of a mean. */
export function meanOf(rule: RoundedMean | ScaledMean): Mean {
  if (rule.kind === 'tflite') return { kind: 'away-from-zero', zero: rule.offset }
  const { factor, inputZeroPoint: zero, outputZeroPoint: outputZero, low, high } = rule
  return { kind: 'scaled', ...factor, zero, outputZero, low, high }
}

/** Means of the real values of the codes that lie in the map, row by row. */
export function realMeans(node: QPool, rule: RealMean, input: QTensor, output: QTensor) {
  const [channels, height, width] = input.shape
  const [, rows, columns] = output.shape
  const [kh, kw] = node.window
  const [top, left, bottom, right] = node.padding
  const least = input.signed ? -128 : 0
  return ([codes]: readonly Codes[], images: number, result: Codes): void => {
    let to = 0
    for (let map = 0; map < images * channels; map++) {
      for (let oy = 0; oy < rows; oy++) {
        const y = oy * node.stride[0] - top
        const [y0, y1] = [Math.max(0, y), Math.min(height, y + kh)]
        for (let ox = 0; ox < columns; ox++, to++) {
          const x = ox * node.stride[1] - left
          const [x0, x1] = [Math.max(0, x), Math.min(width, x + kw)]
          let sum = 0
          for (let row = y0; row < y1; row++)
            for (let at = (map * height + row) * width + x0, end = at + x1 - x0; at < end; at++)
              sum += rule.real[codes![at]! - least]!
          const count = rule.countPadding
            ? (Math.min(height + bottom, y + kh) - y) * (Math.min(width + right, x + kw) - x)
            : (y1 - y0) * (x1 - x0)
          result[to] = codeOfMean(rule, sum, count)
        }
      }
    }
  }
}
