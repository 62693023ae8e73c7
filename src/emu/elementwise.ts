import { createLookup, createPairLookup, createSoftmax } from '../kernels/lookup.ts'
import type { QMultiply, QSoftmax, QTable, QTensor } from '../quant/qgraph.ts'
import { type Codes, codeRange, requantise } from '../quant/rules.ts'

type Step = (inputs: readonly Codes[], images: number, result: Codes) => void

/** Emulates a function of each code by its table. */
export function lookup({ table }: QTable, input: QTensor): Step {
  const [first] = codeRange(input.bits, input.signed)
  const byByte = new Uint8Array(256)
  for (let i = 0; i < table.length; i++) byByte[(first + i) & 255] = table[i]!
  const run = createLookup(byByte)
  return ([codes], _images, result) => run(codes!.byteOffset, result.byteOffset, result.length)
}

/** Emulates a function of two codes by the table of its pairs: of two tensors, or of a map and a code for each of its channels. */
export function pairwise(inputs: readonly QTensor[], code: (first: number, second: number) => number): Step {
  const [firsts, seconds] = inputs.map(({ bits, signed }) => codeRange(bits, signed))
  const table = new Uint8Array(2 ** 16)
  for (let b = seconds![0]; b <= seconds![1]; b++)
    for (let a = firsts![0]; a <= firsts![1]; a++) table[((b & 255) << 8) | (a & 255)] = code(a, b)
  const run = createPairLookup(table)
  return ([first, second], _images, result) =>
    run(
      first!.byteOffset,
      second!.byteOffset,
      result.byteOffset,
      result.length,
      first!.length / second!.length,
    )
}

/** Emulates products of codes. */
export function multiplication(
  { multiplier, shift, low, high }: QMultiply,
  inputs: readonly QTensor[],
): Step {
  return pairwise(inputs, (a, b) => requantise(a * b, multiplier, shift, low, high))
}

/** Emulates a softmax over all lines of codes. */
export function softmax({ count, step, table, one, high }: QSoftmax, { signed }: QTensor): Step {
  const run = createSoftmax({ count, step, table, one, high, signed })
  return ([codes], _images, result) =>
    run(codes!.byteOffset, result.byteOffset, result.length / (count * step))
}
