import type { Shape } from '../../../net/shapes.ts'
import { elementsOf } from '../../tensors.ts'
import { Obstacle } from '../lowering.ts'
import type { Rule } from './registry.ts'

/** The same values in the same order. */
const same: Rule = (lowering, node) =>
  lowering.alias(node, lowering.view(lowering.value(node), lowering.value(node).shape))

/** Codes and their types are not part of the network in float. */
export const real: Rule = (lowering, node) => lowering.alias(node, lowering.value(node))

/** The numbers of ONNX for float, float16, double and bfloat16. */
const realTypes: readonly number[] = [1, 10, 11, 16]

/** Real values stay what they are in any real type. */
const cast: Rule = (lowering, node) => {
  if (!realTypes.includes(lowering.call(node).int('to', 1)))
    throw new Obstacle('makes whole numbers of computed values', 'Cast to float, or leave it to the host.')
  real(lowering, node)
}

const dropout: Rule = (lowering, node) => {
  if ((node.outputs[1] ?? '') !== '' && lowering.readCount(node.outputs[1]!) > 0)
    throw new Obstacle('gives its mask', 'Export the model for inference.')
  real(lowering, node)
}

/** Moves only the axes that are longer than 1: no layer where their order stays. */
const transpose: Rule = (lowering, node) => {
  const shape = lowering.modelShape(node.inputs[0]!)
  const order = lowering.call(node).ints('perm') ?? shape.map((_, axis) => shape.length - 1 - axis)
  const long = shape.map((_, axis) => axis).filter((axis) => shape[axis] !== 1)
  const moved = order.filter((axis) => shape[axis] !== 1)
  if (moved.join() === long.join()) {
    same(lowering, node)
    return
  }
  const from = long.map((axis) => shape[axis]!)
  const to = moved.map((axis) => shape[axis]!)
  if (to.length > 3)
    throw new Obstacle(
      `transposes [${shape.join(', ')}], which makes more than three axes`,
      'Reshape to a map behind it.',
    )
  const value = lowering.view(lowering.value(node), lowering.value(node).shape)
  const plain = value.shape.join() === from.join()
  lowering.layer(
    node,
    { kind: 'transpose', order: moved.map((axis) => long.indexOf(axis)), ...(plain ? {} : { from }) },
    [value],
    to as unknown as Shape,
  )
}

/** The last step of a sequence that a recurrent layer gives: then it gives no other. */
const gather: Rule = (lowering, node) => {
  const value = lowering.value(node)
  const shape = lowering.modelShape(node.inputs[0]!)
  const call = lowering.call(node)
  const axis = call.axis(call.int('axis', 0), shape.length)
  const index = Number(lowering.weight(node, 1).data[0])
  const [steps, units] = [shape[axis]!, elementsOf(shape) / shape[axis]!]
  // one of one takes nothing away: h[-1] of the last states, as exporters write it
  if (steps === 1 && lowering.weight(node, 1).data.length === 1) {
    same(lowering, node)
    return
  }
  takeLast(lowering, node, value, {
    steps,
    units,
    index: index < 0 ? index + steps : index,
    single: lowering.weight(node, 1).data.length === 1 && elementsOf(shape.slice(0, axis)) === 1,
  })
}

function takeLast(
  lowering: Parameters<Rule>[0],
  node: Parameters<Rule>[1],
  value: ReturnType<Parameters<Rule>[0]['value']>,
  { steps, units, index, single }: { steps: number; units: number; index: number; single: boolean },
): void {
  const layer = lowering.layerOf(value)
  const recurrent = layer?.kind === 'gru' || layer?.kind === 'lstm' || layer?.kind === 'rnn'
  if (
    !recurrent ||
    !single ||
    !value.alone ||
    layer.direction !== 'forward' ||
    layer.returns !== 'all' ||
    index !== steps - 1 ||
    value.shape[0] !== steps
  )
    throw new Obstacle(
      'takes a part of a computed tensor',
      'The last step of a recurrent layer of one direction, read by nobody else, has a layer; other parts have none.',
    )
  lowering.replace(layer, { returns: 'last' })
  lowering.alias(node, { ...value, shape: [units] })
}

const slice: Rule = (lowering, node) => {
  const [shape, result] = [lowering.modelShape(node.inputs[0]!), lowering.modelShape(node.outputs[0]!)]
  const call = lowering.call(node)
  if (call.version >= 10 && lowering.integers(node, 4)?.some((step) => step < 0))
    throw new Obstacle('turns a computed tensor around', 'Steps forward have layers.')
  if (shape.join() === result.join()) {
    same(lowering, node)
    return
  }
  if (subsample(lowering, node)) return
  const axis = shape.findIndex((n, i) => n !== result[i])
  const starts = (call.version < 10 ? call.ints('starts') : lowering.integers(node, 1)) ?? []
  const given = call.version < 10 ? call.ints('axes') : lowering.integers(node, 3)
  const axes = given?.map((one) => call.axis(one, shape.length)) ?? shape.map((_, i) => i)
  const start = starts[axes.indexOf(axis)] ?? 0
  const steps = shape[axis]!
  takeLast(lowering, node, lowering.value(node), {
    steps,
    units: elementsOf(result),
    index: start < 0 ? start + steps : start,
    single:
      result[axis] === 1 &&
      elementsOf(shape.slice(0, axis)) === 1 &&
      result.every((n, i) => i === axis || n === shape[i]),
  })
}

/** Every s-th row and column of a map, from the first. */
function subsample(lowering: Parameters<Rule>[0], node: Parameters<Rule>[1]): boolean {
  const stride = strideOfSlice(lowering, node)
  if (stride === undefined) return false
  const [shape, result] = [lowering.modelShape(node.inputs[0]!), lowering.modelShape(node.outputs[0]!)]
  const map = shape.slice(1) as unknown as readonly [number, number, number]
  const value = lowering.view(lowering.value(node), map)
  lowering.layer(node, { kind: 'subsample', stride }, [value], [map[0], result[2]!, result[3]!])
  return true
}

/** The stride of a slice that takes every s-th row and column of a map; undefined where it takes something else. */
export function strideOfSlice(
  lowering: Pick<Parameters<Rule>[0], 'call' | 'integers' | 'modelShape'>,
  node: Parameters<Rule>[1],
): readonly [vertical: number, horizontal: number] | undefined {
  const call = lowering.call(node)
  const steps = call.version < 10 ? undefined : lowering.integers(node, 4)
  const [shape, result] = [lowering.modelShape(node.inputs[0]!), lowering.modelShape(node.outputs[0]!)]
  if (steps === undefined || shape.length !== 4 || shape[0] !== 1 || shape[1] !== result[1]) return undefined
  const axes = (lowering.integers(node, 3) ?? steps.map((_, i) => i)).map((axis) => call.axis(axis, 4))
  const stride = [2, 3].map((axis) => (axes.includes(axis) ? steps[axes.indexOf(axis)]! : 1)) as [
    number,
    number,
  ]
  const whole = stride.every((s, i) => s >= 1 && result[i + 2] === Math.ceil(shape[i + 2]! / s))
  return whole && lowering.integers(node, 1)!.every((start) => start === 0) ? stride : undefined
}

export const shapes: Readonly<Record<string, Rule>> = {
  Identity: real,
  Dropout: dropout,
  Cast: cast,
  Reshape: same,
  Flatten: same,
  Squeeze: same,
  Unsqueeze: same,
  Transpose: transpose,
  Gather: gather,
  Slice: slice,
}
