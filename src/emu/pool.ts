import { createPooling } from '../kernels/elementwise.ts'
import type { QPool, QTensor } from '../quant/qgraph.ts'
import type { Codes } from '../quant/rules.ts'
import { meanOf, realMeans } from './imported.ts'

/** Emulates one pooling layer over `images` images. */
export function pooling(node: QPool, input: QTensor, output: QTensor) {
  const [channels, height, width] = input.shape
  const [, rows, columns] = output.shape
  const { mode, window, stride, padding, rule } = node
  if (rule?.kind === 'onnx') return realMeans(node, rule, input, output)
  const run = createPooling({
    ...{ mode, height, width, rows, columns, window, stride, padding },
    // the means of imported models are of the codes that lie in the map
    countPadding: rule === undefined && node.countPadding !== false,
    ...(rule === undefined ? {} : { mean: meanOf(rule) }),
    signed: input.signed,
  })
  return ([codes]: readonly Codes[], images: number, result: Codes): void =>
    run(codes!.byteOffset, result.byteOffset, images * channels)
}
