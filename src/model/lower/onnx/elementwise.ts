import type { Activation, ActivationFunction } from '../../../net/network.ts'
import type { ModelNode, ModelTensor } from '../../model.ts'
import { broadcastTo, elements } from '../../operators/strided.ts'
import { elementsOf } from '../../tensors.ts'
import { lowerAffine } from '../affine.ts'
import { type Lowering, Obstacle, stripped, type Value } from '../lowering.ts'
import type { Rule } from './registry.ts'

const activationRule =
  (of: (call: ReturnType<Lowering['call']>) => ActivationFunction): Rule =>
  (lowering, node) =>
    activate(lowering, node, of(lowering.call(node)))

function activate(lowering: Lowering, node: ModelNode, of: ActivationFunction): void {
  const value = whole(lowering, lowering.value(node))
  const layer: Pick<Activation, 'kind' | 'function'> = { kind: 'activation', function: of }
  lowering.layer(node, layer, [value], value.shape)
}

const whole = (lowering: Lowering, value: Value) => lowering.view(value, value.shape)

/** Something with a constant, where it is a scale and a shift by channel. `kind`: the layer of two computed tensors, if there is one. */
const combination =
  (
    kind: 'add' | 'mul' | undefined,
    affine: (constant: number, first: boolean) => readonly [scale: number, shift: number],
  ): Rule =>
  (lowering, node) => {
    const computed = node.inputs.map((name) => lowering.isValue(name))
    if (computed[0] && computed[1]) {
      if (kind === undefined)
        throw new Obstacle(
          'combines two computed tensors',
          'Sums (Add) and products (Mul) of two tensors have layers.',
        )
      pairwise(lowering, node, kind)
      return
    }
    const first = computed[1] === true
    const value = lowering.value(node, first ? 1 : 0)
    const { shape, data } = lowering.weight(node, first ? 0 : 1)
    const pairs = Array.from(elements(data), (constant) => affine(constant, first))
    if (pairs.some((pair) => pair.some((n) => !Number.isFinite(n))))
      throw new Obstacle('divides by zero, or by a computed tensor', 'Divide by a constant.')
    const [scale, shift] = [0, 1].map((i) => doubles(shape, pairs, (pair) => pair[i]!)) as [
      ModelTensor,
      ModelTensor,
    ]
    lowerAffine(lowering, node, value, { scale, shift })
  }

const doubles = <T>(shape: readonly number[], from: ArrayLike<T>, of: (value: T, i: number) => number) =>
  ({ type: 'float64', shape, data: Float64Array.from(from, of) }) as const

function pairwise(lowering: Lowering, node: ModelNode, kind: 'add' | 'mul'): void {
  const [a, b] = [whole(lowering, lowering.value(node, 0)), whole(lowering, lowering.value(node, 1))]
  const result = lowering.modelShape(node.outputs[0]!)
  // tensors of one size may still be spread over each other, as a column and a row are
  if (elementsOf(a.shape) === elementsOf(b.shape) && elementsOf(a.shape) === elementsOf(result)) {
    const inputs = [a, lowering.view(b, a.shape)] as const
    lowering.layer(node, { kind, inputs: [inputs[0].source, inputs[1].source] }, inputs, a.shape)
    return
  }
  const [large, gate] = elementsOf(a.shape) > elementsOf(b.shape) ? [a, b] : [b, a]
  const shape = stripped(result)
  if (kind !== 'mul' || shape?.length !== 3 || !byChannel(lowering, node, gate, shape))
    throw new Obstacle(
      `combines tensors of [${a.shape.join(', ')}] and [${b.shape.join(', ')}]`,
      'Possible are two of one shape, or the product of a map and one value for each of its channels.',
    )
  const [map, gates] = [lowering.view(large, shape), lowering.view(gate, [shape[0]])]
  lowering.layer(node, { kind, inputs: [map.source, gates.source] }, [map, gates], shape)
}

/** Whether the smaller tensor of two has one value for each channel of a map, as ONNX spreads it from its last axis on. */
function byChannel(
  lowering: Lowering,
  node: ModelNode,
  { shape: own }: Value,
  map: readonly [number, number, number],
): boolean {
  const [channels, height, width] = map
  if (elementsOf(own) !== channels) return false
  const shapes = node.inputs.map((name) => lowering.modelShape(name))
  const small = shapes.find((shape) => elementsOf(shape) === channels)!
  const numbers = {
    type: 'int32',
    shape: small,
    data: Int32Array.from({ length: channels }, (_, c) => c),
  } as const
  const spread = broadcastTo(numbers, lowering.modelShape(node.outputs[0]!))
  const plane = height * width
  return spread.length === channels * plane && spread.every((c, i) => c === Math.floor(i / plane))
}

const relu: Rule = (lowering, node) => {
  const value = whole(lowering, lowering.value(node))
  lowering.layer(node, { kind: 'relu' }, [value], value.shape)
}

const clip: Rule = (lowering, node) => {
  const call = lowering.call(node)
  const bound = (index: number, name: string, none: number) => {
    if (call.version < 11) return call.float(name, none)
    if ((node.inputs[index] ?? '') === '') return none
    return Number(lowering.weight(node, index).data[0])
  }
  const [low, high] = [bound(1, 'min', Number.NEGATIVE_INFINITY), bound(2, 'max', Number.POSITIVE_INFINITY)]
  if (low === 0 && high > 1e30) relu(lowering, node)
  else if (low < -1e30 && high > 1e30) lowering.alias(node, lowering.value(node))
  else activate(lowering, node, { name: 'clip', low: Math.max(low, -1e30), high: Math.min(high, 1e30) })
}

const batchNormalization: Rule = (lowering, node) => {
  if (lowering.call(node).int('training_mode', 0) !== 0)
    throw new Obstacle('normalises as in training', 'Export the model for inference (model.eval()).')
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((i) => elements(lowering.weight(node, i).data)) as [
    ArrayLike<number>,
    ArrayLike<number>,
    ArrayLike<number>,
    ArrayLike<number>,
  ]
  const epsilon = lowering.call(node).float('epsilon', Math.fround(1e-5))
  // channels are the second axis, whatever layer the values come from
  const axes = lowering.modelShape(node.inputs[0]!).slice(2)
  const shape = [gamma.length, ...axes.map(() => 1)]
  const scale = doubles(shape, gamma, (g, c) => g / Math.sqrt(variance[c]! + epsilon))
  const shift = doubles(shape, scale.data, (s, c) => beta[c]! - mean[c]! * s)
  lowerAffine(lowering, node, lowering.value(node), { scale, shift })
}

const softmax: Rule = (lowering, node) => {
  const value = whole(lowering, lowering.value(node))
  const shape = lowering.modelShape(node.inputs[0]!)
  const call = lowering.call(node)
  const axis = call.axis(call.int('axis', call.version < 13 ? 1 : -1), shape.length, shape.length)
  const count = call.version < 13 ? elementsOf(shape.slice(axis)) : shape[axis]!
  const channels = value.shape.length === 2 ? value.shape[1] : value.shape[0]
  const along =
    value.shape.length === 2
      ? elementsOf(shape.slice(axis + 1)) === 1
      : elementsOf(shape.slice(0, axis)) === 1
  if (count !== channels || !along)
    throw new Obstacle(
      `goes along axis ${axis} of [${shape.join(', ')}]`,
      'A softmax over channels or features has a layer.',
    )
  lowering.layer(node, { kind: 'softmax' }, [value], value.shape)
}

export const elementwise: Readonly<Record<string, Rule>> = {
  Add: combination('add', (constant) => [1, constant]),
  Sub: combination(undefined, (constant, first) => (first ? [-1, constant] : [1, -constant])),
  Mul: combination('mul', (constant) => [constant, 0]),
  Div: combination(undefined, (constant, first) => (first ? [Number.NaN, 0] : [1 / constant, 0])),
  Sum: (lowering, node) => {
    if (node.inputs.length !== 2)
      throw new Obstacle(`adds ${node.inputs.length} tensors`, 'Add two at a time.')
    combination('add', (constant) => [1, constant])(lowering, node)
  },
  BatchNormalization: batchNormalization,
  Relu: relu,
  Clip: clip,
  Softmax: softmax,
  LeakyRelu: activationRule((call) => ({
    name: 'leaky-relu',
    slope: call.float('alpha', Math.fround(0.01)),
  })),
  Elu: activationRule((call) => ({ name: 'elu', alpha: call.float('alpha', 1) })),
  HardSigmoid: activationRule((call) => ({
    name: 'hard-sigmoid',
    slope: call.float('alpha', Math.fround(0.2)),
    offset: call.float('beta', 0.5),
  })),
  HardSwish: activationRule(() => ({ name: 'hard-swish' })),
  Sigmoid: activationRule(() => ({ name: 'sigmoid' })),
  Tanh: activationRule(() => ({ name: 'tanh' })),
}
