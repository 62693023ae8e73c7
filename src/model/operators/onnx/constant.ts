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
      const training = attributes.get('training_mode')
      if (training?.kind === 'int' && training.value !== 0) return 'normalises as in training'
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
  if (call.dry) return [result]
  const [from, to] = [elements(x.data), elements(result.data)]
  const size = x.shape.slice(2).reduce((product, n) => product * n, 1)
  for (let i = 0; i < to.length; i++) {
    const c = Math.floor(i / size) % channels
    to[i] = ((from[i]! - mean[c]!) / Math.sqrt(variance[c]! + epsilon)) * scale[c]! + shift[c]!
  }
  return [result]
}
