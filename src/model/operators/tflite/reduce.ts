import { meanCode, meanFactor, type ScaledMean } from '../../../quant/imported-rules.ts'
import type { ModelTensor } from '../../model.ts'
import { elementsOf, emptyTensor, stridesOf } from '../../tensors.ts'
import {
  arithmeticOf,
  checkResult,
  codeLimits,
  codeScale,
  inputAt,
  integersAt,
  numberSetting,
  type Operator,
  type Site,
  shapeOf,
} from './site.ts'

/**
 * MEAN over axes. On codes: the sum less the zero points, times one factor that holds the ratio of the scales and 1 / count, the
 * way releases of the format's kernels since 2.11 join the two.
 */
export const mean: Operator = (site) => {
  const shape = shapeOf(inputAt(site, 0))
  const axes = integersAt(site, 1, 'axes').map((axis) => (axis < 0 ? axis + shape.length : axis))
  if (axes.some((axis) => !(axis >= 0 && axis < shape.length)))
    throw site.refuse(`has the axes [${axes.join(', ')}]`)
  const reduced = shape.map((n, i) => (axes.includes(i) ? 1 : n))
  const keep = numberSetting(site, 'keep_dims') !== 0
  checkResult(site, keep ? reduced : shape.filter((_, i) => !axes.includes(i)))
  const count = elementsOf(shape) / elementsOf(reduced)
  const finish = arithmeticOf(site, [0]) === 'float' ? (sum: number) => sum / count : meanOfCodes()
  const strides = stridesOf(shape)
  const steps = stridesOf(reduced).map((step, i) => (axes.includes(i) ? 0 : step))
  return ([input]) => {
    const from = (input as ModelTensor).data as Int8Array | Uint8Array | Float32Array
    const sums = new Float64Array(elementsOf(reduced))
    for (let i = 0; i < from.length; i++) {
      let at = 0
      for (let axis = 0; axis < shape.length; axis++)
        at += (Math.floor(i / strides[axis]!) % shape[axis]!) * steps[axis]!
      sums[at]! += from[i]!
    }
    const result = emptyTensor(site.output.type, shapeOf(site.output))
    for (let i = 0; i < sums.length; i++) result.data[i] = finish(sums[i]!)
    return result
  }

  function meanOfCodes(): (sum: number) => number {
    const rule = meanRule(site, count)
    return (sum) => meanCode(rule, sum, count)
  }
}

/** The rule of a mean of `count` codes. */
export function meanRule(site: Site, count: number): ScaledMean {
  const input = codeScale(site, inputAt(site, 0))
  const output = codeScale(site, site.output)
  const factor = meanFactor(input.scale / output.scale, count)
  if (factor === undefined)
    throw site.refuse(
      `takes the mean of ${count} codes, to a scale ${output.scale / input.scale} times as coarse, which is not supported`,
    )
  const [low, high] = codeLimits(site.output.type)
  return {
    kind: 'tflite-mean',
    factor,
    inputZeroPoint: input.zeroPoint,
    outputZeroPoint: output.zeroPoint,
    low,
    high,
  }
}
