import { scaled, scaleFactor } from '../../../quant/imported-rules.ts'
import type { ModelTensor } from '../../model.ts'
import { emptyTensor } from '../../tensors.ts'
import { checkResult, codeScale, inputAt, type Kernel, type Operator, type Site, shapeOf } from './site.ts'

/** QUANTIZE: real values to int8 codes, round half away from zero in float32; or int8 codes to another scale. */
export const quantise: Operator = (site) => {
  const from = inputAt(site, 0)
  checkResult(site, shapeOf(from))
  if (site.output.type !== 'int8') throw site.refuse(`makes ${site.output.type}; supported is int8`)
  const output = codeScale(site, site.output)
  if (from.type === 'float32') {
    return each(site, (x) => {
      const steps = Math.fround(x / output.scale)
      return clamp(Math.sign(steps) * Math.floor(Math.abs(steps) + 0.5) + output.zeroPoint)
    })
  }
  if (from.type !== 'int8') throw site.refuse(`reads ${from.type}; supported are float32 and int8`)
  const input = codeScale(site, from)
  const { multiplier, exponent } = scaleFactor(input.scale / output.scale)
  if (exponent > 20) throw site.refuse('has a result much finer than its input, which is not supported')
  return each(site, (code) => clamp(scaled(code - input.zeroPoint, multiplier, exponent) + output.zeroPoint))
}

/** DEQUANTIZE: int8 codes to real values. */
export const dequantise: Operator = (site) => {
  const from = inputAt(site, 0)
  checkResult(site, shapeOf(from))
  if (from.type !== 'int8' || site.output.type !== 'float32')
    throw site.refuse(`makes ${site.output.type} of ${from.type}; supported is float32 of int8`)
  const { scale, zeroPoint } = codeScale(site, from)
  return each(site, (code) => scale * (code - zeroPoint))
}

const clamp = (code: number) => Math.max(-128, Math.min(127, code))

function each(site: Site, f: (x: number) => number): Kernel {
  return ([input]) => {
    const from = (input as ModelTensor).data as Int8Array | Float32Array
    const result = emptyTensor(site.output.type, shapeOf(site.output))
    for (let i = 0; i < from.length; i++) result.data[i] = f(from[i]!)
    return result
  }
}
