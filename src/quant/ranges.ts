import { z } from 'zod'
import { dataError } from '../base/errors.ts'

/** Magnitude bits for which a clip is stored: codes up to 2^bits - 1, so 7 for int8 and 8 for uint8. */
export const mostMagnitudeBits = 8

/** Where one tensor's values are clipped, found once by calibration. */
export interface Range {
  /** Largest magnitude seen. */
  readonly largest: number
  /** clips[m - 1]: the clip with the least mean square error for codes of m magnitude bits, m = 1..8. */
  readonly clips: readonly number[]
}

/** By name of the convolution, dense layer or addition: the range of its result, after its ReLU where it has one. */
export type Ranges = ReadonlyMap<string, Range>

const positive = z.number().positive().max(1e30)
export const rangesSchema = z.record(
  z.string(),
  z.strictObject({ largest: positive, clips: z.array(positive).length(mostMagnitudeBits).readonly() }),
)

export function rangeOf(ranges: Ranges, layer: string): Range {
  const range = ranges.get(layer)
  if (range === undefined) {
    throw dataError(`there is no calibrated range for layer "${layer}"`, {
      where: layer,
      hint: 'Weights and ranges belong together: calibrate again with "xgen train --epochs 0 --weights FILE".',
    })
  }
  return range
}
