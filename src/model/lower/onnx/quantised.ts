import type { ModelNode, ModelTensor } from '../../model.ts'
import { elements } from '../../operators/strided.ts'
import type { Lowering } from '../lowering.ts'
import { lowerDense, transposedMatrix } from './dense.ts'
import { lowerConvolution } from './maps.ts'
import type { Rule } from './registry.ts'

/** The real values of weights that a node gives as codes, scales and zero points: by filter, or one pair for all. */
function realWeights(
  lowering: Lowering,
  node: ModelNode,
  index: number,
  row: (i: number) => number,
): ModelTensor {
  const codes = lowering.weight(node, index)
  const [scale, zero] = [index + 1, index + 2].map((i) => elements(lowering.weight(node, i).data)) as [
    ArrayLike<number>,
    ArrayLike<number>,
  ]
  const of = (values: ArrayLike<number>, i: number) => values[values.length === 1 ? 0 : row(i)]!
  const data = Float32Array.from(elements(codes.data), (code, i) => (code - of(zero, i)) * of(scale, i))
  return { type: 'float32', shape: codes.shape, data }
}

/** The network in float of a convolution on codes: what its scales make of weights and bias. */
const qLinearConv: Rule = (lowering, node) => {
  const filter = lowering.weight(node, 3)
  const row = filter.data.length / filter.shape[0]!
  const weight = realWeights(lowering, node, 3, (i) => Math.floor(i / row))
  const [ofInput, ofWeights] = [1, 4].map((i) => elements(lowering.weight(node, i).data)) as [
    ArrayLike<number>,
    ArrayLike<number>,
  ]
  const codes = (node.inputs[8] ?? '') === '' ? undefined : elements(lowering.weight(node, 8).data)
  const bias =
    codes &&
    Float32Array.from(codes, (code, n) => code * ofInput[0]! * ofWeights[ofWeights.length === 1 ? 0 : n]!)
  lowerConvolution(lowering, node, 0, weight, bias)
}

const qLinearMatMul: Rule = (lowering, node) => {
  const columns = lowering.weight(node, 3).shape.at(-1)!
  lowerDense(
    lowering,
    node,
    0,
    transposedMatrix(realWeights(lowering, node, 3, (i) => i % columns)),
    undefined,
  )
}

export const quantised: Readonly<Record<string, Rule>> = {
  QLinearConv: qLinearConv,
  QLinearMatMul: qLinearMatMul,
}
