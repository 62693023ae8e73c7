import type { ElementType, ModelNode, ModelTensor } from '../../model.ts'
import { elementTypeOf } from '../../onnx/tensor.ts'
import { elements } from '../../operators/strided.ts'
import { lowerAffine } from '../affine.ts'
import type { Lowering } from '../lowering.ts'
import { codesOf, raw } from './codes.ts'
import { lowerDense, transposedMatrix } from './dense.ts'
import { lowerConvolution } from './maps.ts'
import type { Rule } from './registry.ts'
import { real } from './shapes.ts'

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

const codeBounds: Readonly<Partial<Record<ElementType, readonly [least: number, most: number]>>> = {
  int4: [-8, 7],
  uint4: [0, 15],
  int8: [-128, 127],
  int16: [-32768, 32767],
  uint8: [0, 255],
  uint16: [0, 65535],
}

/**
 * Codes that count from the least one have no negative values: quantisers leave a ReLU, or a clip such as ReLU6, to that and take its
 * node away, so that it becomes a layer again, which clips where the largest code does. `scaleAt`: the input that is the scale; the
 * zero point stands behind it.
 */
function clampAtZero(lowering: Lowering, node: ModelNode, scaleAt: number): void {
  const { scale, zero } = codesOf(lowering, node, scaleAt)
  // without a zero point codes count from 0, and are uint8 if nothing says otherwise
  const stated = elementTypeOf(lowering.call(node).int('output_dtype', 0))
  const type = lowering.fixed(node.inputs[scaleAt + 1])?.type ?? stated ?? 'uint8'
  const bounds = codeBounds[type]
  // floats of 8 bits have a sign
  if (bounds === undefined) return
  const [least, most] = bounds
  const value = lowering.result(node.outputs[0]!)
  if (zero.some((z) => z !== least) || lowering.isNonNegative(value)) return
  const whole = lowering.view(value, value.shape)
  const high = Math.fround((most - least) * scale[0]!)
  // one ceiling for all channels
  const clip = scale.every((s) => s === scale[0]) && Number.isFinite(high)
  const layer = clip
    ? ({ kind: 'activation', function: { name: 'clip', low: 0, high } } as const)
    : ({ kind: 'relu' } as const)
  lowering.layer(node, layer, [whole], whole.shape)
}

const quantize: Rule = (lowering, node) => {
  real(lowering, node)
  clampAtZero(lowering, node, 1)
}

/** Codes stand for real values already, but for those that the caller gives. */
const dequantize: Rule = (lowering, node) => {
  if (lowering.codes.get(node.inputs[0]!) !== raw) {
    real(lowering, node)
    return
  }
  const { scale, zero, axis } = codesOf(lowering, node, 1)
  const rank = lowering.modelShape(node.inputs[0]!).length
  const shape = scale.length === 1 ? [] : [scale.length, ...new Array<number>(rank - 1 - axis).fill(1)]
  const data = Float64Array.from(scale, (s, i) => -s * zero[zero.length === 1 ? 0 : i]!)
  lowerAffine(lowering, node, lowering.value(node), {
    scale: { type: 'float64', shape, data: Float64Array.from(scale) },
    shift: { type: 'float64', shape, data },
  })
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
  clampAtZero(lowering, node, 6)
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
  clampAtZero(lowering, node, 6)
}

export const quantised: Readonly<Record<string, Rule>> = {
  QuantizeLinear: quantize,
  DequantizeLinear: dequantize,
  QLinearConv: qLinearConv,
  QLinearMatMul: qLinearMatMul,
}
