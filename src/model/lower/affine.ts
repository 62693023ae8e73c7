import type { LayerWeights } from '../../net/network.ts'
import type { ModelNode, ModelTensor } from '../model.ts'
import { broadcastTo, elements } from '../operators/strided.ts'
import { elementsOf } from '../tensors.ts'
import { copy, type Lowering, Obstacle, type Value } from './lowering.ts'

/** scale * x + shift, a pair for each channel of a map or each feature. */
export interface Affine {
  readonly scale: ArrayLike<number>
  readonly shift: ArrayLike<number>
}

/**
 * Lowers a node that scales and shifts: into the weights before it where they are its alone, else as a convolution of 1x1 (of a
 * sequence, as a dense layer that is a diagonal).
 */
export function lowerAffine(
  lowering: Lowering,
  node: ModelNode,
  value: Value,
  { scale, shift }: Affine,
): void {
  const before = lowering.scalable(value)
  if (before !== undefined && before.weights.bias.length === scale.length) {
    lowering.weights.set(before.layer.name, scaled(before.weights, { scale, shift }))
    lowering.alias(node, value)
    return
  }
  const channels = scale.length
  const bias = Float32Array.from(shift)
  if (value.shape.length === 2) {
    const diagonal = new Float32Array(channels * channels)
    for (let c = 0; c < channels; c++) diagonal[c * (channels + 1)] = scale[c]!
    const read = lowering.view(value, value.shape)
    lowering.layer(node, { kind: 'dense', units: channels }, [read], value.shape, { weight: diagonal, bias })
    return
  }
  const fits = channels === value.shape[0] && value.shape.length === 3
  const map = fits ? value.shape : ([channels, elementsOf(value.shape) / channels, 1] as const)
  const weight = Float32Array.from(scale)
  lowering.layer(node, copy(channels), [lowering.view(value, map)], map, { weight, bias })
}

export function scaled({ weight, bias }: LayerWeights, { scale, shift }: Affine): LayerWeights {
  const row = weight.length / bias.length
  return {
    weight: weight.map((w, i) => w * scale[Math.floor(i / row)]!),
    bias: bias.map((b, n) => b * scale[n]! + shift[n]!),
  }
}

/** Values of a constant for each channel of what it is combined with; one that differs within a channel has no layer. */
export function perChannel(
  lowering: Lowering,
  node: ModelNode,
  constant: ModelTensor,
  value: Value,
): number[] {
  const shape = lowering.modelShape(node.outputs[0]!)
  if (elementsOf(shape) !== elementsOf(value.shape))
    throw new Obstacle(
      `spreads a tensor of [${value.shape.join(', ')}] over [${shape.join(', ')}]`,
      'Nothing but a constant may be spread.',
    )
  const whole = elements(broadcastTo(constant, shape))
  // of a sequence the features are the channels, which stand last
  const sequence = value.shape.length === 2
  const features = shape.length === 2 ? shape[1]! : value.shape[0]
  const channels = sequence ? value.shape[1]! : features
  const plane = whole.length / channels
  const found = Array.from({ length: channels }, (_, c) => whole[sequence ? c : c * plane]!)
  for (let i = 0; i < whole.length; i++) {
    if (whole[i] !== found[sequence ? i % channels : Math.floor(i / plane)])
      throw new Obstacle(
        'adds or multiplies by a constant that differs from position to position',
        'One value for each channel has a layer.',
      )
  }
  return found
}
