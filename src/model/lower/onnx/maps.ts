import type { Shape } from '../../../net/shapes.ts'
import type { ModelNode, ModelTensor } from '../../model.ts'
import { type Windows, windowsOf } from '../../operators/onnx/windows.ts'
import { elements } from '../../operators/strided.ts'
import { elementsOf } from '../../tensors.ts'
import { type Lowering, Obstacle, type Value } from '../lowering.ts'
import type { Rule } from './registry.ts'

/** What slides a window, over the last one or two axes of [1, channels, ...]. */
export interface Sliding extends Pick<Windows, 'output'> {
  readonly channels: number
  /** The map before the padding that the node has of itself. */
  readonly map: Shape
  readonly kernel: readonly [number, number]
  readonly stride: readonly [number, number]
  readonly dilation: readonly [number, number]
  readonly padding: readonly [number, number, number, number]
}

/** A window over one axis is one of height 1. */
export function slidingOf(
  lowering: Pick<Lowering, 'modelShape' | 'call'>,
  node: ModelNode,
  kernel: readonly number[],
  ceil = false,
): Sliding {
  const shape = lowering.modelShape(node.inputs[0]!)
  if (shape.length !== 3 && shape.length !== 4)
    throw new Obstacle(
      `slides a window over a tensor of shape [${shape.join(', ')}]`,
      'Maps of one or two axes have layers.',
    )
  if (shape[0] !== 1)
    throw new Obstacle(`reads ${shape[0]} maps of one image`, 'Export the model for single images.')
  const found = windowsOf(lowering.call(node), shape, kernel, ceil)
  const line = shape.length === 3
  const two = (values: readonly number[], one: number) =>
    (line ? [one, values[0]] : values) as readonly [number, number]
  const [before, after] = [two(found.before, 0), two(found.after, 0)]
  return {
    channels: shape[1]!,
    map: [shape[1]!, ...two(found.input, 1)],
    kernel: two(found.kernel, 1),
    stride: two(found.strides, 1),
    dilation: two(found.dilations, 1),
    padding: [before[0], before[1], after[0], after[1]],
    output: two(found.output, 1),
  }
}

export const conv: Rule = (lowering, node) =>
  lowerConvolution(lowering, node, 0, lowering.weight(node, 1), biasOf(lowering, node, 2))

const biasOf = (lowering: Lowering, node: ModelNode, index: number): Float32Array | undefined =>
  (node.inputs[index] ?? '') === ''
    ? undefined
    : Float32Array.from(elements(lowering.weight(node, index).data))

export function lowerConvolution(
  lowering: Lowering,
  node: ModelNode,
  input: number,
  weight: ModelTensor,
  bias: Float32Array | undefined,
): void {
  const kernel = weight.shape.slice(2)
  const sliding = slidingOf(lowering, node, kernel)
  const filters = weight.shape[0]!
  // zeros of a pad node before it join those of its own
  const { value, padding } = unpadded(lowering, lowering.value(node, input), sliding)
  const dilated = sliding.dilation.some((d, axis) => d !== 1 && sliding.kernel[axis] !== 1)
  lowering.layer(
    node,
    {
      kind: 'conv2d',
      filters,
      kernel: sliding.kernel,
      stride: sliding.stride,
      padding,
      groups: lowering.call(node).int('group', 1),
      ...(dilated ? { dilation: sliding.dilation } : {}),
    },
    [value],
    [filters, ...(sliding.output as [number, number])],
    { weight: Float32Array.from(elements(weight.data)), bias: bias ?? new Float32Array(filters) },
  )
}

function unpadded(lowering: Lowering, value: Value, { map, padding }: Sliding) {
  if (value.padding === undefined || value.shape.join() !== map.join())
    return { value: lowering.view(value, map), padding }
  const [top, left, bottom, right] = value.padding
  const { padding: zeros, ...rest } = value
  const inner: Value = { ...rest, shape: [map[0]!, map[1]! - top - bottom, map[2]! - left - right] }
  return { value: inner, padding: padding.map((n, i) => n + zeros[i]!) as unknown as Sliding['padding'] }
}

const pool =
  (mode: 'max' | 'average'): Rule =>
  (lowering, node) => {
    const call = lowering.call(node)
    if ((node.outputs[1] ?? '') !== '' && lowering.readCount(node.outputs[1]!) > 0)
      throw new Obstacle('gives the places of its maxima', 'Unpooling has no layer.')
    const ceil = call.int('ceil_mode', 0) !== 0
    const sliding = slidingOf(lowering, node, call.ints('kernel_shape')!, ceil)
    if (sliding.dilation.some((d, axis) => d !== 1 && sliding.kernel[axis] !== 1))
      throw new Obstacle('pools with gaps inside its windows (dilations)', 'Pool with dilations of 1.')
    const floor = slidingOf(lowering, node, call.ints('kernel_shape')!)
    const padded = sliding.padding.some((n) => n !== 0)
    const value = lowering.view(lowering.value(node), sliding.map)
    lowering.layer(
      node,
      {
        kind: 'pool',
        mode,
        window: sliding.kernel,
        stride: sliding.stride,
        ...(padded ? { padding: sliding.padding } : {}),
        ...(ceil && floor.output.join() !== sliding.output.join() ? { ceil: true } : {}),
        ...(padded && mode === 'average' && call.int('count_include_pad', 0) === 0
          ? { countPadding: false }
          : {}),
      },
      [value],
      [sliding.channels, ...(sliding.output as [number, number])],
    )
  }

const global =
  (mode: 'max' | 'average'): Rule =>
  (lowering, node) =>
    poolWhole(lowering, node, mode)

function poolWhole(lowering: Lowering, node: ModelNode, mode: 'max' | 'average'): void {
  const [, channels, ...size] = lowering.modelShape(node.inputs[0]!) as [number, number, ...number[]]
  if (size.length < 1 || size.length > 2)
    throw new Obstacle(`pools over ${size.length} axes`, 'Maps of one or two axes have layers.')
  const window = (size.length === 1 ? [1, size[0]] : size) as [number, number]
  const value = lowering.view(lowering.value(node), [channels, ...window])
  lowering.layer(node, { kind: 'pool', mode, window, stride: window }, [value], [channels, 1, 1])
}

/** A mean over all positions of a map is a global average pooling. */
const reduceMean: Rule = (lowering, node) => {
  const call = lowering.call(node)
  const shape = lowering.modelShape(node.inputs[0]!)
  const axes = call.version < 18 ? call.ints('axes') : lowering.integers(node, 1)
  const reduced = new Set((axes ?? []).map((axis) => call.axis(axis, shape.length)))
  const positions = shape.map((_, axis) => axis).slice(2)
  if (shape.length < 3 || reduced.size !== positions.length || positions.some((axis) => !reduced.has(axis)))
    throw new Obstacle(
      `averages axes ${(axes ?? []).join(', ') || '(all)'} of [${shape.join(', ')}]`,
      'The mean over height and width of a map has a layer.',
    )
  poolWhole(lowering, node, 'average')
}

/** A constant of one number; 0 where the node leaves it out. */
const constantOf = ({ data }: Pick<ModelTensor, 'data'> = { data: Float32Array.of(0) }): number =>
  Number(data[0])

const padObstacle = (what: string) =>
  new Obstacle(what, 'Zeros around a map, or before and behind its channels, have layers.')

/** What a pad node puts before and behind each axis, and the value that it puts there. */
export function padsOf(
  lowering: Pick<Lowering, 'modelShape' | 'call' | 'integers' | 'fixed'>,
  node: ModelNode,
): { readonly pads: readonly (readonly [number, number])[]; readonly fill: number } {
  const call = lowering.call(node)
  const shape = lowering.modelShape(node.inputs[0]!)
  if (call.text('mode', 'constant') !== 'constant') throw padObstacle(`pads by "${call.text('mode', '')}"`)
  const fill = call.version < 11 ? call.float('value', 0) : constantOf(lowering.fixed(node.inputs[2]))
  const given = (call.version < 11 ? call.ints('pads') : lowering.integers(node, 1))!
  const axes = (call.version < 11 ? undefined : lowering.integers(node, 3)) ?? shape.map((_, axis) => axis)
  const pads = shape.map(() => [0, 0] as [number, number])
  for (const [i, axis] of axes.entries())
    pads[call.axis(axis, shape.length)] = [given[i]!, given[axes.length + i]!]
  if (pads.flat().some((n) => n < 0)) throw padObstacle('cuts off edges')
  return { pads, fill }
}

const pad: Rule = (lowering, node) => {
  if ((node.inputs[2] ?? '') !== '') lowering.weight(node, 2)
  const { pads, fill } = padsOf(lowering, node)
  const shape = lowering.modelShape(node.inputs[0]!)
  const flat = pads.flat()
  if (flat.every((n) => n === 0)) {
    lowering.alias(node, lowering.value(node))
    return
  }
  if (fill !== 0) throw padObstacle(`pads with ${fill}`)
  if (shape.length !== 4 || pads[0]!.some((n) => n !== 0))
    throw padObstacle(`pads [${shape.join(', ')}] by ${pads.map((pair) => pair.join(' and ')).join(', ')}`)
  const [, channels, [top, bottom], [left, right]] = pads as [
    unknown,
    [number, number],
    [number, number],
    [number, number],
  ]
  const map = shape.slice(1) as unknown as readonly [number, number, number]
  let value = lowering.view(lowering.value(node), map)
  if (channels.some((n) => n !== 0)) {
    const more = [map[0] + channels[0] + channels[1], map[1], map[2]] as const
    value = lowering.layer(node, { kind: 'pad', channels }, [value], more)
  }
  if (top + bottom + left + right === 0) return
  const padding = [top, left, bottom, right] as const
  const [c, h, w] = value.shape as readonly [number, number, number]
  lowering.alias(node, { ...value, shape: [c, h + top + bottom, w + left + right], padding })
}

const concat: Rule = (lowering, node) => {
  const call = lowering.call(node)
  const shape = lowering.modelShape(node.outputs[0]!)
  const axis = call.axis(call.int('axis', 1), shape.length)
  const rest = shape.slice(axis + 1)
  if (elementsOf(shape.slice(0, axis)) !== 1 || rest.length > 2)
    throw new Obstacle(
      `joins tensors along axis ${axis} of [${shape.join(', ')}]`,
      'Maps joined along their channels, and features, have a layer.',
    )
  const shaped = (n: number): Shape =>
    rest.length === 0 ? [n] : [n, rest.length === 2 ? rest[0]! : 1, rest[rest.length - 1]!]
  const views = node.inputs.map((name, i) =>
    lowering.view(lowering.value(node, i), shaped(lowering.modelShape(name)[axis]!)),
  )
  if (views.length === 1) {
    lowering.alias(node, views[0]!)
    return
  }
  lowering.layer(
    node,
    { kind: 'concat', inputs: views.map(({ source }) => source) },
    views,
    shaped(shape[axis]!),
  )
}

export const maps: Readonly<Record<string, Rule>> = {
  Conv: conv,
  MaxPool: pool('max'),
  AveragePool: pool('average'),
  GlobalMaxPool: global('max'),
  GlobalAveragePool: global('average'),
  ReduceMean: reduceMean,
  Pad: pad,
  Concat: concat,
}
