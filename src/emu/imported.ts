import {
  type AddRule,
  addScaled,
  codesOfSums,
  type MeanRule,
  meanCode,
  type SumRule,
} from '../quant/imported-rules.ts'
import type { QAdd, QConv, QPool, QTensor } from '../quant/qgraph.ts'
import type { Codes } from '../quant/rules.ts'

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

/** An addition of 8-bit codes. There are 2^16 pairs: where more are added, the sum of each is computed once. */
export function importedAddition({ low, high }: QAdd, rule: AddRule) {
  let table: Int16Array | undefined
  return ([first, second]: readonly Codes[], _images: number, result: Codes): void => {
    if (result.length < 2 ** 16) {
      for (let i = 0; i < result.length; i++) result[i] = addScaled(first![i]!, second![i]!, rule, low, high)
      return
    }
    table ??= sumsOfPairs(first!, second!, (a, b) => addScaled(a, b, rule, low, high))
    for (let i = 0; i < result.length; i++)
      result[i] = table[((first![i]! & 255) << 8) | (second![i]! & 255)]!
  }
}

/** [first byte][second byte], read as the codes are. */
function sumsOfPairs(first: Codes, second: Codes, sum: (a: number, b: number) => number): Int16Array {
  const sums = new Int16Array(2 ** 16)
  const [as, bs] = [first, second].map((codes) => {
    const least = codes instanceof Int8Array ? -128 : 0
    return Array.from({ length: 256 }, (_, i) => least + i)
  }) as [number[], number[]]
  for (const a of as) for (const b of bs) sums[((a & 255) << 8) | (b & 255)] = sum(a, b)
  return sums
}

/** Pooling over the codes that lie in the map. */
export function importedPooling(node: QPool, rule: MeanRule, input: QTensor, output: QTensor) {
  const [channels, height, width] = input.shape
  const [, rows, columns] = output.shape
  const [kh, kw] = node.window
  const [top, left] = node.padding
  const average = node.mode === 'average'
  return ([codes]: readonly Codes[], images: number, result: Codes): void => {
    let to = 0
    for (let map = 0; map < images * channels; map++) {
      for (let oy = 0; oy < rows; oy++) {
        const y0 = Math.max(0, oy * node.stride[0] - top)
        const y1 = Math.min(height, oy * node.stride[0] - top + kh)
        for (let ox = 0; ox < columns; ox++, to++) {
          const x0 = Math.max(0, ox * node.stride[1] - left)
          const x1 = Math.min(width, ox * node.stride[1] - left + kw)
          let sum = 0
          let largest = -Infinity
          for (let y = y0; y < y1; y++) {
            for (let x = x0; x < x1; x++) {
              const code = codes![(map * height + y) * width + x]!
              sum += code
              if (code > largest) largest = code
            }
          }
          const count = (y1 - y0) * (x1 - x0)
          result[to] = average ? meanCode(rule, sum, count) : largest
        }
      }
    }
  }
}
