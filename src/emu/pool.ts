import { createPooling } from '../kernels/elementwise.ts'
import type { QPool, QTensor } from '../quant/qgraph.ts'
import type { Codes } from '../quant/rules.ts'

/** Emulates one pooling layer over `images` images. */
export function pooling(node: QPool, input: QTensor, output: QTensor) {
  const [channels, height, width] = input.shape
  const [, rows, columns] = output.shape
  const { mode, window, stride, padding } = node
  const run = createPooling({
    ...{ mode, height, width, rows, columns, window, stride, padding },
    ...{ countPadding: node.countPadding !== false, signed: input.signed },
  })
  return ([codes]: readonly Codes[], images: number, result: Codes): void =>
    run(codes!.byteOffset, result.byteOffset, images * channels)
}
