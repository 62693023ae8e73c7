import { softmaxCodes, softmaxRule } from '../../../quant/tflite-softmax.ts'
import type { ModelTensor } from '../../model.ts'
import { emptyTensor } from '../../tensors.ts'
import {
  arithmeticOf,
  checkResult,
  codeLimits,
  codeScale,
  inputAt,
  numberSetting,
  type Operator,
  shapeOf,
} from './site.ts'

/** SOFTMAX along the last axis. */
export const softmax: Operator = (site) => {
  const shape = shapeOf(inputAt(site, 0))
  checkResult(site, shape)
  const length = shape.at(-1) ?? 1
  const beta = numberSetting(site, 'beta')
  if (arithmeticOf(site, [0]) === 'float') {
    return ([input]) => {
      const result = emptyTensor('float32', shape)
      const from = (input as ModelTensor).data as Float32Array
      for (let at = 0; at < from.length; at += length)
        softmaxReals(from, at, length, beta, result.data as Float32Array)
      return result
    }
  }
  const output = codeScale(site, site.output)
  const [least] = codeLimits(site.output.type)
  if (output.scale !== 1 / 256 || output.zeroPoint !== least)
    throw site.refuse(
      `has a result of scale ${output.scale} and zero point ${output.zeroPoint}; the format has 1/256 and ${least}`,
    )
  const rule = softmaxRule(beta, codeScale(site, inputAt(site, 0)).scale)
  if (rule === undefined) throw site.refuse('has differences too small to count')
  return ([input]) => {
    const result = emptyTensor(site.output.type, shape)
    const from = (input as ModelTensor).data as Int8Array | Uint8Array
    for (let at = 0; at < from.length; at += length)
      softmaxCodes(rule, from, at, length, result.data as Int8Array | Uint8Array, least)
    return result
  }
}

function softmaxReals(
  from: Float32Array,
  first: number,
  length: number,
  beta: number,
  to: Float32Array,
): void {
  let largest = -Infinity
  for (let i = first; i < first + length; i++) largest = Math.max(largest, from[i]!)
  let sum = 0
  for (let i = first; i < first + length; i++) sum += to[i] = Math.exp((from[i]! - largest) * beta)
  for (let i = first; i < first + length; i++) to[i] = to[i]! / sum
}
