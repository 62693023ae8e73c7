import { createPooling } from '../kernels/elementwise.ts'
import type { QPool, QTensor } from '../quant/qgraph.ts'
import type { Codes } from '../quant/rules.ts'
import { meanOf } from './imported.ts'

/** Emulates one pooling layer over `images` images. */
export function pooling(node: QPool, input: QTensor, output: QTensor) {
  const [channels, height, width] = input.shape
  const [, rows, columns] = output.shape
  const { mode, window, stride, padding, rule } = node
  const run = createPooling({
    ...{ mode, height, width, rows, columns, window, stride, padding },
    countPadding: countsPadding(node),
    ...(rule === undefined ? {} : { mean: meanOf(rule, input) }),
    signed: input.signed,
  })
  return ([codes]: readonly Codes[], images: number, result: Codes): void =>
    run(codes!.byteOffset, result.byteOffset, images * channels)
}

/** Means of TensorFlow Lite are of the codes that lie in the map. */
function countsPadding({ rule, countPadding }: QPool): boolean {
  if (rule === undefined) return countPadding !== false
  return rule.kind === 'onnx' && rule.countPadding
}
