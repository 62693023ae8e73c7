import type { ModelNode } from '../../model.ts'
import { Obstacle } from '../lowering.ts'
import type { CodeGraph, CodeScale, MapShape } from './code-graph.ts'
import { weighted } from './products.ts'
import type { CodeRule } from './registry.ts'
import {
  type CodesValue,
  leastCode,
  type MeansValue,
  type PairsValue,
  type RealValue,
  type Value,
} from './values.ts'

const dequantise: CodeRule = (graph, node) => {
  const { type, scale, zeroPoint } = graph.codeScale(node, 1, 2)
  const { id: made, around } = graph.readable(graph.codes(node, 0), { zeroPoint })
  const id = graph.read(made, { scale, zeroPoint })
  const least = leastCode[type]
  const table = Float32Array.from({ length: 256 }, (_, i) => Math.fround(least + i - zeroPoint) * scale)
  const affine = { scale, zeroPoint }
  graph.define(node, { kind: 'real', id, table, affine, does: 'quantise', ...(around && { around }) })
}

const quantise: CodeRule = (graph, node) => {
  const value = graph.value(node.inputs[0])
  if (value === undefined) throw new Obstacle('quantises a constant', 'Fold constants when exporting.')
  graph.define(node, codesOf(graph, node, value, graph.codeScale(node, 1, 2)))
}

/** The codes of values in float. */
function codesOf(
  graph: CodeGraph,
  node: ModelNode,
  value: Value,
  output: CodeScale,
): Extract<Value, { kind: 'codes' }> {
  switch (value.kind) {
    case 'sums':
      return weighted(graph, value, output)
    case 'real':
      return table(graph, node, value, output)
    case 'pairs':
      return pairs(graph, value, output)
    case 'means':
      return means(graph, value, output)
    case 'joined':
      return concatenated(
        graph,
        value.node,
        value.parts.map((part) => codesOf(graph, node, part, output)),
        value.shapes,
        output,
      )
    default:
      throw new Obstacle('quantises what is computed in float', 'Quantise before it too.')
  }
}

/** Codes side by side along the channels: `shapes` are those of the parts. */
export function concatenated(
  graph: CodeGraph,
  node: ModelNode,
  parts: readonly CodesValue[],
  shapes: readonly MapShape[],
  output: CodeScale,
): CodesValue {
  const name = graph.name(node.name)
  const [first] = shapes as readonly [MapShape]
  graph.declare(name, [shapes.reduce((sum, [n]) => sum + n, 0), first[1], first[2]], output)
  const inputs = parts.map((part, i) =>
    graph.stored(graph.shaped(graph.whole(part).id, shapes[i]!), graph.offset(name)),
  )
  graph.nodes.push({ kind: 'concat', name, inputs, output: name })
  return { kind: 'codes', id: name }
}

/** The code of each code; none where they are the same. */
function table(graph: CodeGraph, node: ModelNode, value: RealValue, output: CodeScale) {
  // where the zeros around a map do not become the result's zero point, they are codes like others
  const zeros = graph.codeOf(graph.around(value), output) === output.zeroPoint
  const { id, table, does, around } = zeros ? value : graph.whole(value)
  const from = leastCode[graph.typeOf(id)]
  const codes = Int16Array.from(table, (real) => graph.codeOf(real, output))
  const edges = around === undefined ? {} : { around }
  if (graph.typeOf(id) === output.type && codes.every((code, i) => code === from + i))
    return { kind: 'codes', id: graph.read(id, output), ...edges } as const
  const name = graph.name(node.name)
  graph.declare(name, graph.tensors[id]!.shape, output)
  const offset = graph.offset(name)
  graph.nodes.push({
    kind: 'table',
    name,
    does,
    input: id,
    output: name,
    table: codes.map((code) => code + offset),
  })
  return { kind: 'codes', id: name, ...edges } as const
}

function pairs(graph: CodeGraph, { node, inputs, table: reals }: PairsValue, output: CodeScale) {
  const name = graph.name(node.name)
  graph.declare(name, graph.tensors[inputs[0]]!.shape, output)
  const [offset, bound] = [graph.offset(name), graph.bounds(name)]
  const byteOf = (id: string, i: number) => (leastCode[graph.typeOf(id)] + graph.offset(id) + i) & 255
  const table = new Int16Array(2 ** 16)
  for (let a = 0; a < 256; a++)
    for (let b = 0; b < 256; b++)
      table[(byteOf(inputs[0], a) << 8) | byteOf(inputs[1], b)] =
        graph.codeOf(reals[a * 256 + b]!, output) + offset
  const rule = { kind: 'pairs', table } as const
  const common = { name, inputs, output: name, shift: 0, rule, ...bound }
  graph.nodes.push(
    node.operator === 'Mul' || node.operator === 'Div'
      ? { kind: 'mul', ...common, multiplier: 0 }
      : { kind: 'add', ...common, multipliers: [0, 0] },
  )
  return { kind: 'codes', id: name } as const
}

function means(graph: CodeGraph, value: MeansValue, output: CodeScale) {
  const { node, input, real, window, stride, padding, countPadding, low, high } = value
  const name = graph.name(node.name)
  graph.declare(name, value.shape, output)
  const offset = graph.offset(name)
  const { scale, zeroPoint, type } = output
  const quantiser = { scale, zeroPoint, low: leastCode[type], high: leastCode[type] + 255 }
  const [least, most] = [low, high].map((bound) => graph.codeOf(bound, output) + offset) as [number, number]
  const rule = { kind: 'onnx', real, quantiser, offset, low: least, high: most, countPadding } as const
  graph.nodes.push({
    kind: 'pool',
    name,
    mode: 'average',
    input,
    output: name,
    window,
    stride,
    padding,
    rule,
  })
  return { kind: 'codes', id: name } as const
}

export const quantisers: Readonly<Record<string, CodeRule>> = {
  DequantizeLinear: dequantise,
  QuantizeLinear: quantise,
}
