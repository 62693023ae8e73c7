import { evaluateNode } from '../../evaluate.ts'
import type { ModelNode, ModelTensor } from '../../model.ts'
import { standardBudget } from '../../operators/operator.ts'
import { elementsOf } from '../../tensors.ts'
import { valuesOfPairs } from '../held.ts'
import { Obstacle } from '../lowering.ts'
import type { CodeGraph } from './code-graph.ts'
import { unitsOf } from './products.ts'
import type { CodeRule } from './registry.ts'
import type { MeansValue, RealValue, SumsValue, Value } from './values.ts'
import { biasUnits } from './weights.ts'

const float32 = (data: Float32Array, shape: readonly number[]): ModelTensor => ({
  type: 'float32',
  shape,
  data,
})

/** What the node's own operator makes of the values that inputs get here, beside its constants. */
function made(graph: CodeGraph, node: ModelNode, given: ReadonlyMap<string, ModelTensor>): Float32Array {
  const [[, result]] = evaluateNode(
    node,
    (name) => given.get(name) ?? graph.fixed(name),
    standardBudget(),
  ) as [readonly [string, ModelTensor]]
  return result.data as Float32Array
}

/** An operator that computes each element by itself: a function of codes, or bounds of sums and means. */
const elementwise: CodeRule = (graph, node) => {
  const values = node.inputs.flatMap((name) => graph.value(name) ?? [])
  for (const name of node.inputs) {
    const constant = graph.fixed(name)
    if (constant !== undefined && constant.data.length !== 1 && values[0]?.kind !== 'sums')
      throw new Obstacle(
        'combines codes with a constant of several values',
        'One number is possible, or a value for each filter behind a convolution. Fold it into the bias before the model is quantised.',
      )
  }
  if (values.length > 2) throw new Obstacle(`combines ${values.length} tensors`, 'Combine two at a time.')
  const [first, second] = values as [Value, Value?]
  if (second !== undefined) return combine(graph, node, first, second)
  const shape = graph.modelShape(node.outputs[0]!)
  const input = node.inputs.find((name) => graph.value(name) !== undefined)!
  if (elementsOf(graph.modelShape(input)) !== elementsOf(shape))
    throw new Obstacle('spreads a tensor over a larger shape', 'Constants alone may be spread.')
  graph.define(node, unary(graph, node, input, first))
}

function unary(graph: CodeGraph, node: ModelNode, input: string, value: Value): Value {
  if (value.kind === 'real') return through(graph, node, input, value)
  if (value.kind === 'pairs') {
    const table = made(graph, node, new Map([[input, float32(value.table, [2 ** 16])]]))
    return { ...value, table }
  }
  if (value.kind === 'sums' && node.operator === 'Add') return withBias(graph, node, input, value)
  if (
    (value.kind === 'sums' || value.kind === 'means') &&
    (node.operator === 'Relu' || node.operator === 'Clip')
  )
    return clamped(graph, node, input, value)
  if (value.kind === 'joined')
    return { ...value, parts: value.parts.map((part) => unary(graph, node, input, part)) }
  throw new Obstacle(
    'follows products or a mean without a quantiser in between',
    'Put a QuantizeLinear and a DequantizeLinear before it; Relu and Clip need none.',
  )
}

function through(graph: CodeGraph, node: ModelNode, input: string, value: RealValue): RealValue {
  const table = made(graph, node, new Map([[input, float32(value.table, [256])]]))
  const { affine, around, ...rest } = value
  if (
    around !== undefined &&
    made(graph, node, new Map([[input, float32(Float32Array.of(0), [1])]]))[0] !== 0
  )
    throw new Obstacle('makes another value of the zeros around a map', 'Pad before convolutions.')
  const same = table.every((real, i) => real === value.table[i])
  const does = same ? value.does : node.operator.toLowerCase()
  return { ...rest, table, does, ...(same && affine && { affine }), ...(around && { around }) }
}

/** Relu and Clip do not fall: the bounds of what they make are what they make of the bounds. */
function clamped<V extends SumsValue | MeansValue>(
  graph: CodeGraph,
  node: ModelNode,
  input: string,
  value: V,
): V {
  const [low, high] = made(
    graph,
    node,
    new Map([[input, float32(Float32Array.of(value.low, value.high), [2])]]),
  )
  return { ...value, low: low!, high: high! }
}

function withBias(graph: CodeGraph, node: ModelNode, input: string, value: SumsValue): SumsValue {
  const name = node.inputs.find((name) => name !== input)!
  if (value.low !== Number.NEGATIVE_INFINITY || value.high !== Number.POSITIVE_INFINITY)
    throw new Obstacle('adds behind an activation that is not quantised', 'Quantise the activation first.')
  const shape = graph.modelShape(node.outputs[0]!)
  const more = biasUnits(graph, name, unitsOf(value.products), shape)
  return { ...value, bias: value.bias.map((own, n) => own + more[n]!) }
}

/** Two functions of codes: of the same ones, or of pairs. */
function combine(graph: CodeGraph, node: ModelNode, one: Value, other: Value): void {
  if (one.kind !== 'real' || other.kind !== 'real')
    throw new Obstacle('combines values that are not quantised', 'Put quantisers before both.')
  if (node.operator === 'Clip' || node.inputs.slice(0, 2).some((name) => graph.value(name) === undefined))
    throw new Obstacle('reads two computed tensors in places of constants', 'Combine two tensors at a time.')
  const first = graph.whole(one)
  const second = one === other ? first : graph.whole(other)
  const [a, b] = node.inputs.map((name) => graph.modelShape(name)) as [readonly number[], readonly number[]]
  const shape = graph.modelShape(node.outputs[0]!)
  if (elementsOf(a) !== elementsOf(shape) || elementsOf(b) !== elementsOf(shape))
    throw new Obstacle(
      `combines tensors of [${a.join(', ')}] and [${b.join(', ')}]`,
      'Two tensors of one shape are possible.',
    )
  const given = (rows: readonly number[], columns: readonly number[]) =>
    new Map([
      [node.inputs[0]!, float32(first.table, rows)],
      [node.inputs[1]!, float32(second.table, columns)],
    ])
  if (first.id === second.id) {
    const table = made(graph, node, given([256], [256]))
    graph.define(node, { kind: 'real', id: first.id, table, does: node.operator.toLowerCase() })
    return
  }
  graph.held.add(valuesOfPairs)
  const place = graph.mapShape(node.outputs[0]!)
  const inputs = [graph.shaped(first.id, place), graph.shaped(second.id, place)] as const
  graph.define(node, { kind: 'pairs', node, inputs, table: made(graph, node, given([256, 1], [1, 256])) })
}

const names = [
  'Add',
  'Clip',
  'Div',
  'Elu',
  'HardSigmoid',
  'HardSwish',
  'LeakyRelu',
  'Mul',
  'Relu',
  'Sigmoid',
  'Sub',
  'Sum',
  'Tanh',
]

export const functions: Readonly<Record<string, CodeRule>> = Object.fromEntries(
  names.map((name) => [name, elementwise]),
)
