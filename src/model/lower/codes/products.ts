import { sumFactor } from '../../../quant/onnx-rules.ts'
import type { ModelNode } from '../../model.ts'
import { elements } from '../../operators/strided.ts'
import { elementsOf } from '../../tensors.ts'
import { Obstacle } from '../lowering.ts'
import { slidingOf } from '../onnx/maps.ts'
import type { CodeGraph, CodeScale } from './code-graph.ts'
import type { CodeRule } from './registry.ts'
import type { CodesValue, Edges, Products, SumsValue } from './values.ts'
import { biasUnits, type CodedWeights, dequantisedWeights, ownWeights, turned } from './weights.ts'

/** What products read: a tensor's codes with one scale. */
interface Read {
  readonly id: string
  readonly scale: Pick<CodeScale, 'scale' | 'zeroPoint'>
  readonly around?: Edges | undefined
}

/** A convolution on [1, channels, ...]. Zeros that a pad node has put around the map join its own. */
function convolution(graph: CodeGraph, node: ModelNode, read: Read, weights: CodedWeights): Products {
  const { map, output, kernel, stride, dilation, padding } = slidingOf(graph, node, weights.shape.slice(2))
  const [top, left, bottom, right] = read.around ?? [0, 0, 0, 0]
  const inner = [map[0], map[1]! - top - bottom, map[2]! - left - right] as const
  const filters = weights.shape[0]!
  return {
    node,
    dense: false,
    input: graph.read(graph.shaped(read.id, inner), read.scale),
    scale: read.scale.scale,
    weights: weights.codes,
    weightScales: weights.scales,
    shape: [filters, output[0]!, output[1]!],
    kernel,
    stride,
    padding: [padding[0] + top, padding[1] + left, padding[2] + bottom, padding[3] + right],
    groups: graph.call(node).int('group', 1),
    dilation,
  }
}

/** A dense layer on one row of features. */
function dense(
  graph: CodeGraph,
  node: ModelNode,
  index: number,
  read: Read,
  weights: CodedWeights,
): Products {
  const [units, features] = weights.shape as readonly [number, number]
  const shape = graph.modelShape(node.inputs[index]!)
  if (shape.at(-1) !== features || elementsOf(shape) !== features)
    throw new Obstacle(
      `multiplies [${shape.join(', ')}] by ${features} rows`,
      'Multiply one row of features of an image.',
    )
  if (read.around !== undefined) throw new Obstacle('reads a padded map', 'Pad before convolutions.')
  return {
    node,
    dense: true,
    input: graph.read(graph.shaped(read.id, [features, 1, 1]), read.scale),
    scale: read.scale.scale,
    weights: weights.codes,
    weightScales: weights.scales,
    shape: [units, 1, 1],
    kernel: [1, 1],
    stride: [1, 1],
    padding: [0, 0, 0, 0],
    groups: 1,
    dilation: [1, 1],
  }
}

/** What one unit of a filter's sums stands for. */
export const unitsOf = ({ scale, weightScales }: Products): readonly number[] =>
  weightScales.map((ofWeights) => Math.fround(scale * ofWeights))

/** A tensor of real values that are those of its codes. */
function readReal(graph: CodeGraph, node: ModelNode, index: number): Read {
  const { id, affine, around } = graph.real(node, index)
  if (affine === undefined)
    throw new Obstacle(
      `multiplies "${node.inputs[index]}", a function of codes that is not quantised again`,
      'Put a QuantizeLinear and a DequantizeLinear behind the function.',
    )
  return { id, scale: affine, around }
}

function pending(graph: CodeGraph, products: Products, bias: string | undefined): SumsValue {
  const units = unitsOf(products)
  return {
    kind: 'sums',
    products,
    bias: (bias ?? '') === '' ? units.map(() => 0) : biasUnits(graph, bias!, units),
    low: Number.NEGATIVE_INFINITY,
    high: Number.POSITIVE_INFINITY,
  }
}

const conv: CodeRule = (graph, node) => {
  const read = readReal(graph, node, 0)
  const weights = dequantisedWeights(graph, node, 1, 0)
  graph.define(node, pending(graph, convolution(graph, node, read, weights), node.inputs[2]))
}

function matrix(weights: CodedWeights): CodedWeights {
  if (weights.shape.length === 2) return weights
  throw new Obstacle(
    `multiplies by weights of shape [${weights.shape.join(', ')}]`,
    'One matrix is possible.',
  )
}

const matMul: CodeRule = (graph, node) => {
  const read = readReal(graph, node, 0)
  const weights = turned(matrix(dequantisedWeights(graph, node, 1, 1)))
  graph.define(node, pending(graph, dense(graph, node, 0, read, weights), undefined))
}

const gemm: CodeRule = (graph, node) => {
  const call = graph.call(node)
  if (call.int('transA', 0) !== 0 || call.float('alpha', 1) !== 1 || call.float('beta', 1) !== 1)
    throw new Obstacle('transposes its input or scales (transA, alpha, beta)', 'Export plain dense layers.')
  const rows = call.int('transB', 0) !== 0
  const read = readReal(graph, node, 0)
  const weights = matrix(dequantisedWeights(graph, node, 1, rows ? 0 : 1))
  const products = dense(graph, node, 0, read, rows ? weights : turned(weights))
  const sums = pending(graph, products, undefined)
  const bias = node.inputs[2] ?? ''
  const shape = graph.modelShape(node.outputs[0]!)
  graph.define(node, bias === '' ? sums : { ...sums, bias: biasUnits(graph, bias, unitsOf(products), shape) })
}

const readCodes = (graph: CodeGraph, node: ModelNode): Read => {
  const scale = graph.codeScale(node, 1, 2)
  const { id, around } = graph.readable(graph.codes(node, 0), scale)
  return { id, scale, around }
}

const qLinearConv: CodeRule = (graph, node) => {
  const products = convolution(graph, node, readCodes(graph, node), ownWeights(graph, node, 3, 0))
  const bias = (node.inputs[8] ?? '') === '' ? undefined : Array.from(elements(graph.constant(node, 8).data))
  const sums = { ...pending(graph, products, undefined), ...(bias === undefined ? {} : { bias }) }
  graph.define(node, weighted(graph, sums, graph.codeScale(node, 6, 7)))
}

const qLinearMatMul: CodeRule = (graph, node) => {
  const weights = turned(matrix(ownWeights(graph, node, 3, 1)))
  const products = dense(graph, node, 0, readCodes(graph, node), weights)
  graph.define(node, weighted(graph, pending(graph, products, undefined), graph.codeScale(node, 6, 7)))
}

/** Sums whose codes are known become a layer. */
export function weighted(graph: CodeGraph, sums: SumsValue, output: CodeScale): CodesValue {
  const { products: of, low, high } = sums
  graph.once(of)
  const factor = Float32Array.from(of.weightScales, (scale) => sumFactor(of.scale, scale, output.scale))
  if (!factor.every(Number.isFinite))
    throw new Obstacle('has scales whose quotient is beyond float32', 'Quantise again.')
  const name = graph.name(of.node.name)
  graph.declare(name, of.shape, output)
  const [offset, zero] = [graph.offset(name), graph.tensors[of.input]!.zeroPoint]
  const bound = (real: number) => graph.codeOf(real, output) + offset
  graph.nodes.push({
    kind: 'conv',
    name,
    dense: of.dense,
    input: of.input,
    output: name,
    kernel: of.kernel,
    stride: of.stride,
    padding: of.padding,
    groups: of.groups,
    ...(of.dilation.some((d) => d !== 1) ? { dilation: of.dilation } : {}),
    weightBits: 8,
    weights: of.weights,
    bias: biasWithZero(sums, zero),
    multiplier: new Uint16Array(0),
    shift: new Uint8Array(0),
    rule: {
      kind: 'onnx',
      factor,
      zeroPoint: output.zeroPoint + offset,
    },
    low: bound(low),
    high: bound(high),
  })
  return { kind: 'codes', id: name }
}

/** The bias with what the zero point of the input adds to each sum. */
function biasWithZero({ bias, products: { weights } }: SumsValue, zeroPoint: number): Int32Array {
  const taps = weights.length / bias.length
  return Int32Array.from(bias, (own, n) => {
    let sum = 0
    for (let k = 0; k < taps; k++) sum += weights[n * taps + k]!
    const whole = own - zeroPoint * sum
    if (Math.abs(whole) >= 2 ** 31)
      throw new Obstacle('has a bias that is beyond 32 bits in units of its sums', 'Quantise again.')
    return whole
  })
}

export const products: Readonly<Record<string, CodeRule>> = {
  Conv: conv,
  Gemm: gemm,
  MatMul: matMul,
  QLinearConv: qLinearConv,
  QLinearMatMul: qLinearMatMul,
}
