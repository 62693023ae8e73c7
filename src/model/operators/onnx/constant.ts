import type { ModelTensor } from '../../model.ts'
import { integersTensor, isFloat } from '../../tensors.ts'
import type { Call, Operator } from '../operator.ts'
import { elements } from '../strided.ts'

const floats = (values: readonly number[], shape: readonly number[]): ModelTensor => ({
  type: 'float32',
  shape,
  data: Float32Array.from(values),
})

export const constant: Readonly<Record<string, Operator>> = {
  Constant: {
    inputs: [0, 0],
    attributes: {
      value: 'tensor',
      value_float: 'float',
      value_floats: 'floats',
      value_int: 'int',
      value_ints: 'ints',
    },
    evaluate: (call) => {
      const tensor = call.tensor('value')
      if (tensor !== undefined) return [tensor]
      const { attributes } = call.node
      if (attributes.has('value_float')) return [floats([call.float('value_float', 0)], [])]
      if (attributes.has('value_int')) return [integersTensor([call.int('value_int', 0)], [])]
      const [reals, ints] = [call.floats('value_floats'), call.ints('value_ints')]
      if (reals !== undefined) return [floats(reals, [reals.length])]
      if (ints !== undefined) return [integersTensor(ints)]
      throw call.error('holds no value')
    },
  },
  Dropout: {
    inputs: [1, 3],
    attributes: { ratio: 'float', seed: 'int' },
    evaluate: (call) => {
      const x = call.input(0)
      if (training(call))
        throw call.error('drops values as in training', 'Export the model for inference (model.eval()).')
      const mask = call.make(call.version < 10 ? x.type : 'bool', x.shape)
      mask.data.fill((call.version < 10 && x.type === 'int64' ? 1n : 1) as never)
      return [x, mask]
    },
  },
  BatchNormalization: {
    inputs: [5, 5],
    attributes: { epsilon: 'float', momentum: 'float', spatial: 'int', training_mode: 'int' },
    refuse: ({ attributes }) => {
      const spatial = attributes.get('spatial')
      return spatial?.kind === 'int' && spatial.value === 0 ? 'has statistics for each position' : undefined
    },
    evaluate: batchNormalise,
  },
}

/** Version 12 has an input for it; of those before, none trains. */
function training(call: Call): boolean {
  const [ratio, mode] = [call.optional(1), call.optional(2)]
  return mode !== undefined && Boolean(mode.data[0]) && (ratio === undefined || Number(ratio.data[0]) !== 0)
}

function batchNormalise(call: Call): readonly ModelTensor[] {
  const x = call.typed(0, 'float32', 'float64')
  const channels = x.shape[1] ?? 1
  const [scale, shift, mean, variance] = [1, 2, 3, 4].map((index) => {
    const tensor = call.input(index)
    if (!isFloat(tensor.type) || tensor.data.length !== channels)
      throw call.error(
        `has ${tensor.data.length} values of ${tensor.type} as input ${index + 1} for ${channels} channels`,
      )
    return elements(tensor.data)
  }) as [ArrayLike<number>, ArrayLike<number>, ArrayLike<number>, ArrayLike<number>]
  const epsilon = call.float('epsilon', Math.fround(1e-5))
  const result = call.make(x.type, x.shape)
  if (call.dry) return [result, call.input(3), call.input(4)]
  const [from, to] = [elements(x.data), elements(result.data)]
  const size = x.shape.slice(2).reduce((product, n) => product * n, 1)
  const channelOf = (i: number) => Math.floor(i / size) % channels
  const trains = call.int('training_mode', 0) !== 0
  const [centre, spread] = trains ? statisticsOf(from, channels, channelOf) : [mean, variance]
  for (let i = 0; i < to.length; i++) {
    const c = channelOf(i)
    to[i] = ((from[i]! - centre[c]!) / Math.sqrt(spread[c]! + epsilon)) * scale[c]! + shift[c]!
  }
  if (!trains) return [result]
  // the statistics that inference takes follow those of the batch
  const momentum = call.float('momentum', Math.fround(0.9))
  return [result, ...[3, 4].map((index) => followed(call, index, index === 3 ? centre : spread, momentum))]
}

/** Mean and variance of the values of each channel. */
function statisticsOf(
  from: ArrayLike<number>,
  channels: number,
  channelOf: (i: number) => number,
): readonly [mean: Float64Array, variance: Float64Array] {
  const [mean, variance] = [new Float64Array(channels), new Float64Array(channels)]
  const count = from.length / channels
  for (let i = 0; i < from.length; i++) mean[channelOf(i)]! += from[i]! / count
  for (let i = 0; i < from.length; i++) {
    const c = channelOf(i)
    variance[c]! += (from[i]! - mean[c]!) ** 2 / count
  }
  return [mean, variance]
}

/** An input of statistics, moved towards those of a batch. */
function followed(call: Call, index: number, batch: ArrayLike<number>, momentum: number): ModelTensor {
  const running = call.input(index)
  const result = call.make(running.type, running.shape)
  const [from, to] = [elements(running.data), elements(result.data)]
  for (let c = 0; c < to.length; c++) to[c] = from[c]! * momentum + batch[c]! * (1 - momentum)
  return result
}
