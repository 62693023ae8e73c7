import type { QMultiply, QSoftmax, QTable, QTensor } from '../quant/qgraph.ts'
import { type Codes, codeRange, requantise, softmaxCode } from '../quant/rules.ts'

/** Emulates a function of each code by its table. */
export function lookup({ table }: QTable, input: QTensor) {
  const [first] = codeRange(input.bits, input.signed)
  return ([codes]: readonly Codes[], _images: number, result: Codes): void => {
    for (let i = 0; i < result.length; i++) result[i] = table[codes![i]! - first]!
  }
}

/** Emulates products of two tensors, or of a map and a code for each of its channels, over all images at once. */
export function multiplication({ multiplier, shift, low, high }: QMultiply) {
  return ([first, second]: readonly Codes[], _images: number, result: Codes): void => {
    const repeat = first!.length / second!.length
    for (let i = 0, at = 0; i < result.length; at++) {
      const factor = second![at]!
      for (const end = i + repeat; i < end; i++)
        result[i] = requantise(first![i]! * factor, multiplier, shift, low, high)
    }
  }
}

/** Emulates a softmax over all lines of codes. */
export function softmax({ count, step, table, one, high }: QSoftmax) {
  return ([codes]: readonly Codes[], _images: number, result: Codes): void => {
    for (let block = 0; block < result.length; block += count * step) {
      for (let line = block; line < block + step; line++) {
        const end = line + count * step
        let largest = codes![line]!
        for (let i = line; i < end; i += step) largest = Math.max(largest, codes![i]!)
        let sum = 0
        for (let i = line; i < end; i += step) sum += table[largest - codes![i]!]!
        for (let i = line; i < end; i += step)
          result[i] = softmaxCode(table[largest - codes![i]!]!, sum, one, high)
      }
    }
  }
}
