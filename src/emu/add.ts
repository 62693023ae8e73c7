import { createAddition, mostAdditionShift } from '../kernels/elementwise.ts'
import type { QAdd, QTensor } from '../quant/qgraph.ts'
import { addCodes, type Codes } from '../quant/rules.ts'
import { pairwise } from './elementwise.ts'

/** Emulates one addition over all images at once: it knows no positions. */
export function addition(node: QAdd, inputs: readonly QTensor[]) {
  const { multipliers, shift, low, high } = node
  const [m0, m1] = multipliers
  if (shift > mostAdditionShift) return pairwise(inputs, (a, b) => addCodes(a, b, m0, m1, shift, low, high))
  const run = createAddition({
    ...{ multipliers, shift, low, high },
    signed: [inputs[0]!.signed, inputs[1]!.signed],
  })
  return ([first, second]: readonly Codes[], _images: number, result: Codes): void =>
    run(first!.byteOffset, second!.byteOffset, result.byteOffset, result.length)
}
