import type { ModelNode } from '../../model.ts'
import { Obstacle } from '../lowering.ts'
import { type Sliding, slidingOf } from '../onnx/maps.ts'
import type { CodeGraph } from './code-graph.ts'
import type { CodeRule } from './registry.ts'
import type { CodesValue, RealValue } from './values.ts'

type Window = Pick<Sliding, 'kernel' | 'stride' | 'padding'> & {
  readonly map: readonly [number, number, number]
  readonly shape: readonly [number, number, number]
}

function windowOf(graph: CodeGraph, node: ModelNode): Window {
  const call = graph.call(node)
  const ceil = call.int('ceil_mode', 0) !== 0
  const found = slidingOf(graph, node, call.ints('kernel_shape')!, ceil)
  if (found.dilation.some((d, axis) => d !== 1 && found.kernel[axis] !== 1))
    throw new Obstacle('pools with gaps inside its windows (dilations)', 'Pool with dilations of 1.')
  const [rows, columns] = found.output as readonly [number, number]
  return { ...found, map: found.map as Window['map'], shape: [found.channels, rows, columns] }
}

/** All positions of a map. */
function wholeWindow(graph: CodeGraph, node: ModelNode): Window {
  const [batch, channels, ...size] = graph.modelShape(node.inputs[0]!) as [number, number, ...number[]]
  if (size.length < 1 || size.length > 2 || batch !== 1)
    throw new Obstacle(`pools over ${size.length} axes`, 'Maps of one or two axes are possible.')
  const kernel = (size.length === 1 ? [1, size[0]] : size) as [number, number]
  const padding = [0, 0, 0, 0] as const
  return { kernel, stride: kernel, padding, map: [channels, ...kernel], shape: [channels, 1, 1] }
}

/** The largest code is that of the largest value, where values do not fall as codes rise. */
const largest =
  (window: typeof windowOf): CodeRule =>
  (graph, node) => {
    const value = graph.whole(codesOrReal(graph, node))
    if ((node.outputs[1] ?? '') !== '')
      throw new Obstacle('gives the places of its maxima', 'Unpooling is not possible.')
    if (value.kind === 'real' && value.table.some((real, i) => !(real >= (value.table[i - 1] ?? real))))
      throw new Obstacle('takes the largest values of a function that falls', 'Put quantisers before it.')
    const { kernel, stride, padding, map, shape } = window(graph, node)
    const input = graph.shaped(value.id, map)
    const name = graph.name(node.name)
    const geometry = { window: kernel, stride, padding }
    const id = graph.move({ kind: 'pool', name, mode: 'max', input, output: name, ...geometry }, input, {
      shape,
    })
    graph.define(node, { ...value, id })
  }

const mean =
  (window: typeof windowOf): CodeRule =>
  (graph, node) => {
    const value = graph.whole(graph.real(node, 0))
    const { kernel, stride, padding, map, shape } = window(graph, node)
    graph.define(node, {
      kind: 'means',
      node,
      input: graph.shaped(value.id, map),
      real: value.table,
      window: kernel,
      stride,
      padding,
      countPadding: node.operator === 'AveragePool' && graph.call(node).int('count_include_pad', 0) !== 0,
      shape,
      low: Number.NEGATIVE_INFINITY,
      high: Number.POSITIVE_INFINITY,
    })
  }

function codesOrReal(graph: CodeGraph, node: ModelNode): CodesValue | RealValue {
  const value = graph.value(node.inputs[0])
  return value?.kind === 'codes' ? value : graph.real(node, 0)
}

/** A mean over the positions of a map. */
const reduceMean: CodeRule = (graph, node) => {
  const call = graph.call(node)
  const shape = graph.modelShape(node.inputs[0]!)
  const axes = call.version < 18 ? call.ints('axes') : graph.integers(node, 1)
  const reduced = [...new Set((axes ?? []).map((axis) => call.axis(axis, shape.length)))].sort().join()
  if (
    reduced !==
    shape
      .map((_, axis) => axis)
      .slice(2)
      .join()
  )
    throw new Obstacle(
      `averages axes ${reduced || '(all)'} of [${shape.join(', ')}]`,
      'The mean over a map is possible.',
    )
  mean(wholeWindow)(graph, node)
}

export const pooling: Readonly<Record<string, CodeRule>> = {
  MaxPool: largest(windowOf),
  GlobalMaxPool: largest(wholeWindow),
  AveragePool: mean(windowOf),
  GlobalAveragePool: mean(wholeWindow),
  ReduceMean: reduceMean,
}
