import { scaled, scaleFactor } from '../../../quant/imported-rules.ts'
import type { ModelTensor } from '../../model.ts'
import { emptyTensor } from '../../tensors.ts'
import { codeClamp, realRange } from './activation.ts'
import {
  arithmeticOf,
  checkResult,
  codeScale,
  inputAt,
  integerSetting,
  type Operator,
  type Site,
  shapeOf,
} from './site.ts'

const curves: Readonly<Record<string, (x: number, alpha: number) => number>> = {
  LOGISTIC: (x) => 1 / (1 + Math.exp(-x)),
  TANH: (x) => Math.tanh(x),
  LEAKY_RELU: (x, alpha) => (x < 0 ? x * alpha : x),
  HARD_SWISH: (x) => (x * Math.min(6, Math.max(0, x + 3))) / 6,
}

/** RELU, RELU6 and RELU_N1_TO_1 as operators: on codes also a change of scale. */
export const rectifier: Operator = (site) => {
  const arithmetic = arithmeticOf(site, [0])
  checkResult(site, shapeOf(inputAt(site, 0)))
  if (arithmetic === 'float') {
    const [low, high] = realRange(site, site.node.operator)
    return pointwise(site, (x) => Math.max(low, Math.min(high, x)))
  }
  const input = codeScale(site, inputAt(site, 0))
  const output = codeScale(site, site.output)
  const [low, high] = codeClamp(site, output, site.node.operator)
  const { multiplier, exponent } = scaleFactor(input.scale / output.scale)
  if (exponent > 20) throw site.refuse('has a result much finer than its input, which is not supported')
  return pointwise(site, (code) =>
    Math.max(low, Math.min(high, scaled(code - input.zeroPoint, multiplier, exponent) + output.zeroPoint)),
  )
}

/**
 * A function of one value. Codes go through a table made in float32: round half away from zero of f(real) times the inverse of the
 * result's scale.
 */
export const curve: Operator = (site) => {
  const f = curves[site.node.operator]!
  const alpha = integerSetting(site, 'alpha')
  checkResult(site, shapeOf(inputAt(site, 0)))
  if (arithmeticOf(site, [0]) === 'float') return pointwise(site, (x) => f(x, alpha))
  if (site.node.operator !== 'LOGISTIC' && site.node.operator !== 'TANH')
    throw site.refuse('is supported on float32 only')
  const input = codeScale(site, inputAt(site, 0))
  const output = codeScale(site, site.output)
  const inverse = Math.fround(1 / output.scale)
  const table = Int8Array.from({ length: 256 }, (_, i) => {
    const real = Math.fround(input.scale * (i - 128 - input.zeroPoint))
    const steps = Math.fround(Math.fround(f(real, alpha)) * inverse)
    const code = output.zeroPoint + Math.sign(steps) * Math.floor(Math.abs(steps) + 0.5)
    return Math.max(-128, Math.min(127, code))
  })
  return pointwise(site, (code) => table[code + 128]!)
}

function pointwise(site: Site, f: (x: number) => number) {
  return ([input]: readonly (ModelTensor | undefined)[]): ModelTensor => {
    const from = (input as ModelTensor).data as Int8Array | Float32Array
    const result = emptyTensor(site.output.type, shapeOf(site.output))
    for (let i = 0; i < from.length; i++) result.data[i] = f(from[i]!)
    return result
  }
}
