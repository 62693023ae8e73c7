import type { LayerWeights } from '../../net/network.ts'
import type { ModelNode, ModelTensor } from '../model.ts'
import { broadcastTo, elements } from '../operators/strided.ts'
import { elementsOf } from '../tensors.ts'
import { copy, type Lowering, Obstacle, type Value } from './lowering.ts'

/** scale * x + shift, of tensors that spread over what they are combined with. */
export interface Affine {
  readonly scale: ModelTensor
  readonly shift: ModelTensor
}

/** Which of `channels` values an element takes: one for each run of elements, or in turn, as the features of a sequence do. */
interface Spread {
  readonly channels: number
  readonly inTurn: boolean
}

/**
 * Lowers a node that scales and shifts: into the weights before it where they are its alone, else as a convolution of 1x1 (where
 * channels stand last, as a dense layer that is a diagonal).
 */
export function lowerAffine(lowering: Lowering, node: ModelNode, value: Value, affine: Affine): void {
  const shape = lowering.modelShape(node.outputs[0]!)
  const size = elementsOf(shape)
  if (size !== elementsOf(value.shape))
    throw new Obstacle(
      `spreads a tensor of [${value.shape.join(', ')}] over [${shape.join(', ')}]`,
      'Nothing but a constant may be spread.',
    )
  const spread = [affine.scale, affine.shift].map((each) => inRuns(each, shape))
  lowering.spend(spread.reduce((sum, { values }) => sum + values.length, 0))
  const perChannel = (by: Spread) => {
    const pair = spread.map((runs) => channelsOf(runs, by))
    return pair.every((each) => each !== undefined) ? { scale: pair[0]!, shift: pair[1]! } : undefined
  }
  const own: Spread = {
    channels: value.shape[value.shape.length === 2 ? 1 : 0]!,
    inTurn: value.shape.length === 2,
  }
  const before = lowering.scalable(value)
  const folded = before === undefined ? undefined : perChannel(own)
  if (before !== undefined && folded !== undefined) {
    lowering.spend(before.weights.weight.length)
    lowering.weights.set(before.layer.name, scaled(before.weights, folded))
    lowering.alias(node, value)
    return
  }
  const asLayer = own.inTurn && own.channels > mostFeatures ? [] : [own]
  for (const by of [...asLayer, ...spreadsOf(shape)]) {
    const found = perChannel(by)
    if (found === undefined) continue
    const make = by.inTurn ? lowerDiagonal : lowerCopies
    make(lowering, node, value, found)
    return
  }
  throw new Obstacle(
    'adds or multiplies by a constant that differs from position to position',
    'One value for each channel has a layer.',
  )
}

/** Features above which a diagonal of weights is too large: it has their square. */
const mostFeatures = 2 ** 11

/** Channels of a map, and features of a sequence, as the model's own axes have them. */
function spreadsOf(shape: readonly number[]): readonly Spread[] {
  const map = shape.length > 1 && shape[0] === 1 ? [{ channels: shape[1]!, inTurn: false }] : []
  const features = shape.at(-1) ?? 1
  const fits = (shape.length === 2 || shape.length === 3) && features <= mostFeatures
  const sequence = fits ? [{ channels: features, inTurn: true }] : []
  return [...map, ...sequence]
}

/** A tensor's values as it is spread over a shape, each of them for so many elements in a row. */
interface Runs {
  readonly values: ArrayLike<number>
  readonly length: number
}

/** Not spread over the last axes, where all elements take the same. */
function inRuns(tensor: ModelTensor, shape: readonly number[]): Runs {
  const ones = tensor.shape.length - 1 - tensor.shape.findLastIndex((n) => n !== 1)
  const kept = ones === tensor.shape.length ? 0 : shape.length - ones
  const own = tensor.shape.slice(0, tensor.shape.length - ones)
  return {
    values: elements(broadcastTo({ ...tensor, shape: own }, shape.slice(0, kept))),
    length: elementsOf(shape.slice(kept)),
  }
}

/** The value of each channel; undefined where a channel has several. */
function channelsOf({ values, length }: Runs, { channels, inTurn }: Spread): Float64Array | undefined {
  const size = values.length * length
  const plane = size / channels
  const at = (i: number) => values[Math.floor(i / length)]!
  const found = Float64Array.from({ length: channels }, (_, c) => at(inTurn ? c : c * plane))
  // a run that lies in one channel is looked at once
  if (values.length === 1) return found
  const step = !inTurn && plane % length === 0 ? length : 1
  for (let i = 0; i < size; i += step)
    if (at(i) !== found[inTurn ? i % channels : Math.floor(i / plane)]) return undefined
  return found
}

interface PerChannel {
  readonly scale: Float64Array
  readonly shift: Float64Array
}

function lowerDiagonal(
  lowering: Lowering,
  node: ModelNode,
  value: Value,
  { scale, shift }: PerChannel,
): void {
  const units = scale.length
  const weight = new Float32Array(units * units)
  for (let c = 0; c < units; c++) weight[c * (units + 1)] = scale[c]!
  const shape = [elementsOf(value.shape) / units, units] as const
  const weights = { weight, bias: Float32Array.from(shift) }
  lowering.layer(node, { kind: 'dense', units }, [lowering.view(value, shape)], shape, weights)
}

function lowerCopies(lowering: Lowering, node: ModelNode, value: Value, { scale, shift }: PerChannel): void {
  const channels = scale.length
  const fits = channels === value.shape[0] && value.shape.length === 3
  const map = fits ? value.shape : ([channels, elementsOf(value.shape) / channels, 1] as const)
  const weights = { weight: Float32Array.from(scale), bias: Float32Array.from(shift) }
  lowering.layer(node, copy(channels), [lowering.view(value, map)], map, weights)
}

/** Weights and bias, scaled and shifted by filter. */
export function scaled(
  { weight, bias }: LayerWeights,
  { scale, shift }: { readonly scale: ArrayLike<number>; readonly shift: ArrayLike<number> },
): LayerWeights {
  const row = weight.length / bias.length
  return {
    weight: weight.map((w, i) => w * scale[Math.floor(i / row)]!),
    bias: bias.map((b, n) => b * scale[n]! + shift[n]!),
  }
}
