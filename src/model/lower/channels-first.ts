import { usageError } from '../../base/errors.ts'
import type { ModelValue } from '../model.ts'
import type { Weighted } from '../operators/tflite/convolve.ts'
import { shapeOf } from '../operators/tflite/site.ts'

/**
 * Weights [filter][ky][kx][channel] as [filter][channel][ky][kx]. Those of features that were a map of the shape `from` are put in
 * its order in the same way, with its positions as kernel.
 */
export function channelsFirst(
  { filters, kernel, channels, weights }: Weighted,
  from: readonly [channels: number, height: number, width: number] | undefined,
): number[] {
  const [depth, area] = from === undefined ? [channels, kernel[0] * kernel[1]] : [from[0], from[1] * from[2]]
  const taps = depth * area
  const result = new Array<number>(weights.length)
  for (let n = 0; n < filters; n++)
    for (let k = 0; k < area; k++)
      for (let c = 0; c < depth; c++) result[n * taps + c * area + k] = weights[n * taps + k * depth + c]!
  return result
}

/** [1, height, width, channels] as [channels, height, width]; other tensors of one image as features. */
export function mapOf(value: ModelValue): readonly [channels: number, height: number, width: number] {
  const shape = shapeOf(value)
  if (shape.length !== 4) return [shape.reduce((product, n) => product * n, 1), 1, 1]
  if (shape[0] !== 1)
    throw usageError(`"${value.name}" holds ${shape[0]} images at a time`, { where: value.name })
  return [shape[3]!, shape[1]!, shape[2]!]
}
