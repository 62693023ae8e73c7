import type { ModelNode } from '../../model.ts'
import { elementsOf } from '../../tensors.ts'
import { Obstacle } from '../lowering.ts'
import { padsOf } from '../onnx/maps.ts'
import { strideOfSlice } from '../onnx/shapes.ts'
import { asMap, type CodeGraph } from './code-graph.ts'
import { concatenated } from './quantisers.ts'
import type { CodeRule } from './registry.ts'
import type { CodesValue, Edges, RealValue, Value } from './values.ts'

function computed(graph: CodeGraph, node: ModelNode, index = 0): Value {
  const value = graph.value(node.inputs[index])
  if (value !== undefined) return value
  throw new Obstacle(`reads the constant "${node.inputs[index] ?? ''}"`, 'Fold constants when exporting.')
}

function movable(graph: CodeGraph, node: ModelNode): CodesValue | RealValue {
  const value = computed(graph, node)
  if (value.kind === 'codes' || value.kind === 'real') return value
  throw new Obstacle('moves values that are not quantised', 'Put quantisers before it.')
}

/** The same values in the same order: shapes are those of the model's tensors, not of values. */
const same: CodeRule = (graph, node) => {
  const value = computed(graph, node)
  const shapes = [node.inputs[0]!, node.outputs[0]!].map((name) => graph.mapShape(name).join())
  const whole =
    (value.kind === 'codes' || value.kind === 'real') && shapes[0] !== shapes[1] ? graph.whole(value) : value
  if ((node.outputs[1] ?? '') !== '') throw new Obstacle('gives its mask', 'Export the model for inference.')
  graph.define(node, whole)
}

const cast: CodeRule = (graph, node) => {
  const value = computed(graph, node)
  const float = 1
  if (value.kind === 'codes' || graph.call(node).int('to', float) !== float)
    throw new Obstacle('makes another type of computed values', 'Cast to float32 alone.')
  graph.define(node, value)
}

const transpose: CodeRule = (graph, node) => {
  const value = graph.whole(movable(graph, node))
  const shape = graph.modelShape(node.inputs[0]!)
  const order = graph.call(node).ints('perm') ?? shape.map((_, axis) => shape.length - 1 - axis)
  const long = shape.map((_, axis) => axis).filter((axis) => shape[axis] !== 1)
  const moved = order.filter((axis) => shape[axis] !== 1)
  if (moved.join() === long.join()) {
    graph.define(node, value)
    return
  }
  const name = graph.name(node.name)
  const from = long.map((axis) => shape[axis]!)
  const turned = moved.map((axis) => long.indexOf(axis))
  const result = { shape: graph.mapShape(node.outputs[0]!) }
  const id = graph.move(
    { kind: 'transpose', name, input: value.id, output: name, from, order: turned },
    value.id,
    result,
  )
  graph.define(node, { ...value, id })
}

const concat: CodeRule = (graph, node) => {
  const parts = node.inputs.map((_, i) => computed(graph, node, i))
  const shapes = node.inputs.map((name) => graph.mapShape(name))
  const call = graph.call(node)
  const whole = graph.modelShape(node.outputs[0]!)
  const axis = call.axis(call.int('axis', 1), whole.length)
  const [, height, width] = asMap(whole)
  const channels = shapes.reduce((sum, [n]) => sum + n, 0)
  if (
    elementsOf(whole.slice(0, axis)) !== 1 ||
    channels * height * width !== elementsOf(whole) ||
    shapes.some((shape) => shape[1] !== height || shape[2] !== width)
  )
    throw new Obstacle(
      `joins tensors along axis ${axis} of [${whole.join(', ')}]`,
      'Channels and features are possible.',
    )
  if (parts.length === 1) {
    graph.define(node, parts[0]!)
    return
  }
  const codes = parts.filter((part) => part.kind === 'codes')
  if (codes.length === 0) {
    graph.define(node, { kind: 'joined', node, parts, shapes })
    return
  }
  const [first] = codes as [CodesValue]
  const type = graph.typeOf(first.id)
  const { scale, zeroPoint } = graph.tensors[first.id]!
  const output = { type, scale, zeroPoint: zeroPoint - graph.offset(first.id) }
  graph.define(node, concatenated(graph, node, codes, shapes, output))
}

/** Zeros around a map become padding of the convolutions behind them; zeros before and behind channels are a layer. */
const pad: CodeRule = (graph, node) => {
  let value = movable(graph, node)
  if ((node.inputs[2] ?? '') !== '') graph.constant(node, 2)
  const { pads, fill } = padsOf(graph, node)
  if (pads.every(([before, after]) => before === 0 && after === 0)) {
    graph.define(node, value)
    return
  }
  const [batch, channels, rows, columns] = pads
  if (pads.length !== 4 || batch!.some((n) => n !== 0) || fill !== graph.around(value))
    throw new Obstacle(
      `pads with ${fill}, or another axis than those of a map`,
      'Zeros around a map are possible.',
    )
  // rows and columns are those of the model's tensor, which a reshaped value may not have yet
  if (value.around === undefined)
    value = { ...value, id: graph.shaped(value.id, graph.mapShape(node.inputs[0]!)) }
  const [before, after] = channels!
  if (before + after > 0) {
    value = graph.whole(value)
    const [count, height, width] = graph.mapShape(node.inputs[0]!)
    const input = graph.shaped(value.id, [count, height, width])
    const name = graph.name(node.name)
    const shape = [count + before + after, height, width] as const
    const fill = graph.tensors[input]!.zeroPoint
    const id = graph.move({ kind: 'pad', name, input, output: name, before, after, fill }, input, { shape })
    value = { ...value, id }
  }
  const [top, left, bottom, right]: Edges = value.around ?? [0, 0, 0, 0]
  const around: Edges = [top + rows![0], left + columns![0], bottom + rows![1], right + columns![1]]
  graph.define(node, around.some((n) => n > 0) ? { ...value, around } : value)
}

/** Every s-th row and column of a map. */
const slice: CodeRule = (graph, node) => {
  const value = graph.whole(movable(graph, node))
  const shapes = [node.inputs[0]!, node.outputs[0]!].map((name) => graph.modelShape(name).join())
  const stride = strideOfSlice(graph, node)
  if (stride === undefined || shapes[0] === shapes[1])
    throw new Obstacle('takes a part of a tensor', 'Every s-th row and column of a map can be taken.')
  const input = graph.shaped(value.id, graph.mapShape(node.inputs[0]!))
  const name = graph.name(node.name)
  const shape = graph.mapShape(node.outputs[0]!)
  const id = graph.move({ kind: 'subsample', name, input, output: name, stride }, input, { shape })
  graph.define(node, { ...value, id })
}

export const movement: Readonly<Record<string, CodeRule>> = {
  Cast: cast,
  Concat: concat,
  Dropout: same,
  Flatten: same,
  Identity: same,
  Pad: pad,
  Reshape: same,
  Slice: slice,
  Squeeze: same,
  Transpose: transpose,
  Unsqueeze: same,
}
