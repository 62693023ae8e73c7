import { roundHalfToEven } from '../../../quant/onnx-rules.ts'
import type { ModelTensor } from '../../model.ts'
import { isNarrow } from '../../narrow.ts'
import { isFloat } from '../../tensors.ts'
import type { Call, Operator } from '../operator.ts'
import { elements } from '../strided.ts'

export const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))

/** An operator that computes each element by itself, in double precision. */
const curve = (attributes: Operator['attributes'], of: (call: Call) => (x: number) => number): Operator => ({
  inputs: [1, 1],
  attributes,
  evaluate: (call) => {
    const x = call.typed(0, 'float32', 'float64')
    return [mapped(call, x, of(call))]
  },
})

function mapped(call: Call, x: ModelTensor, of: (x: number) => number): ModelTensor {
  const result = call.make(x.type, x.shape)
  if (call.dry) return result
  const [from, to] = [elements(x.data), elements(result.data)]
  for (let i = 0; i < to.length; i++) to[i] = of(from[i]!)
  return result
}

const hardSigmoid = (alpha: number, beta: number) => (x: number) => Math.max(0, Math.min(1, alpha * x + beta))

export const activation: Readonly<Record<string, Operator>> = {
  Relu: {
    inputs: [1, 1],
    attributes: {},
    evaluate: (call) => {
      const x = call.typed(0, 'float32', 'float64', 'int8', 'int16', 'int32', 'int64')
      const zero = (x.type === 'int64' ? 0n : 0) as number
      return [mapped(call, x, (value) => (value < 0 ? zero : value))]
    },
  },
  LeakyRelu: curve({ alpha: 'float' }, (call) => {
    const alpha = call.float('alpha', Math.fround(0.01))
    return (x) => (x < 0 ? alpha * x : x)
  }),
  Elu: curve({ alpha: 'float' }, (call) => {
    const alpha = call.float('alpha', 1)
    return (x) => (x < 0 ? alpha * Math.expm1(x) : x)
  }),
  HardSigmoid: curve({ alpha: 'float', beta: 'float' }, (call) =>
    hardSigmoid(call.float('alpha', Math.fround(0.2)), call.float('beta', 0.5)),
  ),
  HardSwish: curve({}, () => {
    const gate = hardSigmoid(1 / 6, 0.5)
    return (x) => x * gate(x)
  }),
  Sigmoid: curve({}, () => sigmoid),
  Tanh: curve({}, () => Math.tanh),
  Exp: curve({}, () => Math.exp),
  Log: curve({}, () => Math.log),
  Round: curve({}, () => roundHalfToEven),
  Clip: {
    inputs: [1, 3],
    attributes: { min: 'float', max: 'float' },
    evaluate: (call) => {
      const x = call.input(0)
      if (x.type === 'bool' || x.type === 'string' || isNarrow(x.type))
        throw call.error(`does not take ${x.type}`)
      const [low, high] = clipBounds(call, x)
      // numbers and BigInts compare alike
      return [
        mapped(call, x, (value) => {
          const raised = low !== undefined && value < low ? low : value
          return high !== undefined && raised > high ? high : raised
        }),
      ]
    },
  },
}

/** Attributes before version 11, inputs since; a bound that is left out is none. */
function clipBounds(call: Call, x: ModelTensor): readonly [number | undefined, number | undefined] {
  if (call.version < 11) {
    if (!isFloat(x.type)) throw call.error(`does not take ${x.type} in version ${call.version}`)
    return [call.float('min', Number.NEGATIVE_INFINITY), call.float('max', Number.POSITIVE_INFINITY)]
  }
  const bound = (index: number): number | undefined => {
    const tensor = call.optional(index)
    if (tensor === undefined) return undefined
    if (tensor.type !== x.type || tensor.data.length !== 1)
      throw call.error(
        `has a bound of type ${tensor.type} and shape [${tensor.shape.join(', ')}]: a ${x.type} is needed`,
      )
    return tensor.data[0] as number
  }
  return [bound(1), bound(2)]
}
