import { scaled, scaleFactor } from '../../../quant/imported-rules.ts'
import type { ModelTensor } from '../../model.ts'
import { emptyTensor } from '../../tensors.ts'
import {
  awayFromZero,
  type CodeScale,
  checkResult,
  codeLimits,
  codeScale,
  inputAt,
  isCode,
  type Kernel,
  type Operator,
  type Site,
  shapeOf,
} from './site.ts'

/** QUANTIZE: real values to codes, round half away from zero in float32; or codes to another scale or type of codes. */
export const quantise: Operator = (site) => {
  const from = inputAt(site, 0)
  checkResult(site, shapeOf(from))
  if (!isCode(site.output.type)) throw site.refuse(`makes ${site.output.type}; supported are int8 and uint8`)
  const output = codeScale(site, site.output)
  const [low, high] = codeLimits(site.output.type)
  const clamp = (code: number) => Math.max(low, Math.min(high, code))
  if (from.type === 'float32') return each(site, (x) => clamp(codeOfReal(x, output)))
  if (!isCode(from.type)) throw site.refuse(`reads ${from.type}; supported are float32, int8 and uint8`)
  const input = codeScale(site, from)
  const { multiplier, exponent } = scaleFactor(input.scale / output.scale)
  if (exponent > 20) throw site.refuse('has a result much finer than its input, which is not supported')
  return each(site, (code) => clamp(scaled(code - input.zeroPoint, multiplier, exponent) + output.zeroPoint))
}

/** The code of a real value, not yet clamped to its type. */
export const codeOfReal = (x: number, { scale, zeroPoint }: CodeScale): number =>
  awayFromZero(Math.fround(x / scale)) + zeroPoint

/** DEQUANTIZE: codes to real values. */
export const dequantise: Operator = (site) => {
  const from = inputAt(site, 0)
  checkResult(site, shapeOf(from))
  if (!isCode(from.type) || site.output.type !== 'float32')
    throw site.refuse(`makes ${site.output.type} of ${from.type}; supported is float32 of int8 or uint8`)
  const { scale, zeroPoint } = codeScale(site, from)
  return each(site, (code) => scale * (code - zeroPoint))
}

function each(site: Site, f: (x: number) => number): Kernel {
  return ([input]) => {
    const from = (input as ModelTensor).data as Int8Array | Uint8Array | Float32Array
    const result = emptyTensor(site.output.type, shapeOf(site.output))
    for (let i = 0; i < from.length; i++) result.data[i] = f(from[i]!)
    return result
  }
}
