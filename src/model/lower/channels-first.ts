import type { Weighted } from '../operators/tflite/convolve.ts'

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
