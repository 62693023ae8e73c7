import { roundHalfToEven } from '../../../quant/onnx-rules.ts'
import type { ModelNode, ModelTensor } from '../../model.ts'
import { broadcastTo, elements } from '../../operators/strided.ts'
import { elementsOf } from '../../tensors.ts'
import { Obstacle } from '../lowering.ts'
import type { CodeGraph } from './code-graph.ts'

/** Weights as codes with the zero point 0: less their own. */
export interface CodedWeights {
  readonly codes: Int8Array
  readonly shape: readonly number[]
  /** One for each filter. */
  readonly scales: readonly number[]
}

/** The three tensors that say what weights are, and the axis that their scales count. */
interface Quantised {
  readonly codes: ModelTensor
  readonly scale: ModelTensor
  readonly zero: ModelTensor | undefined
}

/** Weights that a node reads as codes (QLinearConv): codes, scales and zero points one after the other. */
export function ownWeights(graph: CodeGraph, node: ModelNode, index: number, axis: number): CodedWeights {
  const [codes, scale, zero] = [0, 1, 2].map((i) => graph.constant(node, index + i)) as [
    ModelTensor,
    ModelTensor,
    ModelTensor,
  ]
  graph.held.add(codes.data.length)
  return coded({ codes, scale, zero }, axis)
}

/** Weights that a node reads as the real values of codes: a DequantizeLinear stands before it. */
export function dequantisedWeights(
  graph: CodeGraph,
  node: ModelNode,
  index: number,
  axis: number,
): CodedWeights {
  const name = node.inputs[index] ?? ''
  const maker = graph.maker(name)
  if (graph.fixed(name) === undefined)
    throw new Obstacle(
      `multiplies by "${name}", which depends on the image`,
      'Products of two computed tensors have no multipliers: leave them in float behind the last layer.',
    )
  if (maker?.operator !== 'DequantizeLinear')
    throw new Obstacle(`has weights in float ("${name}")`, 'Quantise the weights too.')
  const zero = (maker.inputs[2] ?? '') === '' ? undefined : graph.constant(maker, 2)
  const scale = graph.constant(maker, 1)
  const call = graph.call(maker)
  const rank = graph.modelShape(name).length
  if (scale.data.length > 1 && call.axis(call.int('axis', 1), rank) !== axis)
    throw new Obstacle('has scales of weights along another axis than its filters', 'Quantise by filter.')
  const codes = graph.constant(maker, 0)
  graph.held.add(codes.data.length)
  return coded({ codes, scale, zero }, axis)
}

function coded({ codes, scale, zero }: Quantised, axis: number): CodedWeights {
  if (codes.type !== 'int8' && codes.type !== 'uint8')
    throw new Obstacle(`has weights of ${codes.type}`, 'Quantise weights to int8 or uint8.')
  const filters = codes.shape[axis]!
  const step = elementsOf(codes.shape.slice(axis + 1))
  const each = ({ data }: ModelTensor) => {
    const values = elements(data)
    if (values.length !== 1 && values.length !== filters)
      throw new Obstacle(
        `has ${values.length} scales or zero points of weights for ${filters} filters`,
        'Quantise by filter, or with one scale.',
      )
    return Array.from({ length: filters }, (_, n) => values[values.length === 1 ? 0 : n]!)
  }
  const scales = each(scale).map(usableScale)
  const zeros = zero === undefined ? new Array<number>(filters).fill(0) : each(zero)
  const whole = Array.from(elements(codes.data), (code, i) => code - zeros[Math.floor(i / step) % filters]!)
  if (whole.some((code) => code < -128 || code > 127))
    throw new Obstacle(
      'has weights that are not within -128..127 when their zero point is taken away',
      'Quantise weights symmetrically (int8 with zero point 0).',
    )
  return { codes: Int8Array.from(whole), shape: codes.shape, scales }
}

/** Scales are above 0, and numbers. */
export function usableScale(scale: number): number {
  if (scale > 0 && Number.isFinite(scale)) return scale
  throw new Obstacle(`has a scale of ${scale}`, 'Scales are above 0: quantise again.')
}

/** [features, units] as [units, features]. */
export function turned({ codes, shape, scales }: CodedWeights): CodedWeights {
  const [features, units] = shape as readonly [number, number]
  const rows = codes.map((_, i) => codes[(i % features) * units + Math.floor(i / features)]!)
  return { codes: rows, shape: [units, features], scales }
}

/** Codes of a bias whose scale agrees so well with that of the sums are taken as they are. */
const sameScale = 1e-6

/**
 * A bias in units of the sums: the file's own codes where they are in these units, as quantisers write them, else real values rounded
 * half to even. `added`: the shape that it is added to, where it is not a value for each filter as it stands.
 */
export function biasUnits(
  graph: CodeGraph,
  name: string,
  units: readonly number[],
  added?: readonly number[],
): readonly number[] {
  const tensor = graph.fixed(name)
  if (tensor === undefined)
    throw new Obstacle(`adds "${name}", which depends on the image`, 'Export with a constant bias.')
  const each = (values: ModelTensor) =>
    added === undefined ? Array.from(elements(values.data)) : perFilter(values, units.length, added)
  const own = unitCodes(graph, name, units)
  if (own !== undefined) return each(own)
  const reals = each(tensor)
  return units.map((unit, n) => roundHalfToEven(reals[n]! / unit))
}

function unitCodes(graph: CodeGraph, name: string, units: readonly number[]): ModelTensor | undefined {
  const maker = graph.maker(name)
  if (maker?.operator !== 'DequantizeLinear') return undefined
  const codes = graph.constant(maker, 0)
  if (codes.type !== 'int32' || codes.data.length !== units.length) return undefined
  const [scale, zero] = [graph.constant(maker, 1), graph.fixed(maker.inputs[2])].map(
    (tensor) => tensor && Array.from(elements(tensor.data)),
  ) as [number[], number[] | undefined]
  const same = units.every((unit, n) => Math.abs(scale[scale.length === 1 ? 0 : n]! / unit - 1) < sameScale)
  return same && (zero ?? []).every((z) => z === 0) ? codes : undefined
}

/** A constant that is added to a tensor of this shape in the model: one value for each index of its second axis. */
function perFilter(tensor: ModelTensor, filters: number, shape: readonly number[]): readonly number[] {
  const whole = elements(broadcastTo(tensor, shape))
  const positions = whole.length / filters
  const values = Array.from({ length: filters }, (_, n) => whole[n * positions]!)
  if (Array.from(whole).some((value, i) => value !== values[Math.floor(i / positions)]))
    throw new Obstacle(
      'adds a constant that differs from position to position',
      'One value for each filter is possible.',
    )
  return values
}
