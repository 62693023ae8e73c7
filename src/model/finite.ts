import { dataError } from '../base/errors.ts'
import type { Model, ModelTensor, TypedData } from './model.ts'

/**
 * Operators whose constants are factors: an infinite one makes every result infinite or none. Others may have infinite ones for a reason,
 * such as the bound of a clip or a mask.
 */
const multiplying: ReadonlySet<string> = new Set([
  'Conv',
  'Gemm',
  'MatMul',
  'BatchNormalization',
  'RNN',
  'GRU',
  'LSTM',
  'QuantizeLinear',
  'DequantizeLinear',
  'QLinearConv',
  'QLinearMatMul',
  'CONV_2D',
  'DEPTHWISE_CONV_2D',
  'FULLY_CONNECTED',
])

/** Refuses a model whose constants are no numbers, or whose weights are infinite, with the tensor and its node. */
export function checkFinite({ constants, nodes }: Model, file: string): void {
  const known = new Map(constants)
  for (const { name, operator, inputs, outputs, attributes } of nodes) {
    for (const [key, attribute] of attributes) {
      if (attribute.kind === 'tensor') known.set(outputs[0] ?? '', attribute.value)
      else if ([attribute.value].flat().some(Number.isNaN))
        throw dataError(`the attribute "${key}" of node "${name}" (${operator}) is no number`, {
          where: file,
        })
    }
    for (const input of inputs) {
      const tensor = known.get(input)
      if (tensor !== undefined) checkTensor(tensor, input, multiplying.has(operator), `${name} (${operator})`)
    }
  }

  function checkTensor({ data }: ModelTensor, tensor: string, finite: boolean, reader: string): void {
    const bad = firstBad(data, finite)
    if (bad >= 0)
      throw dataError(
        `tensor "${tensor}", which node ${reader} reads, holds ${data[bad]} at element ${bad}`,
        {
          where: file,
          hint: 'Did training diverge? Export the model from a state with finite weights.',
        },
      )
  }
}

/** The first element that is NaN, or infinite where only `finite` ones are possible; -1 where there is none. */
export function firstBad(data: TypedData, finite: boolean): number {
  if (!(data instanceof Float32Array || data instanceof Float64Array)) return -1
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!
    if (finite ? !Number.isFinite(value) : Number.isNaN(value)) return i
  }
  return -1
}
