/**
 * The integer rules of docs/numerics.md on plain numbers. All are exact: every intermediate value is an integer below 2^53.
 */

/** Codes of one feature map: Int8Array where the tensor is signed, Uint8Array where it is not. [c, h, w], row-major. */
export type Codes = Int8Array | Uint8Array

/** Smallest and largest code of a tensor. */
export function codeRange(bits: number, signed: boolean): readonly [low: number, high: number] {
  return signed ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1]
}

/** The code of a real value: round half up of real / scale, clamped. */
export function quantiseValue(real: number, scale: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, Math.floor(real / scale + 0.5)))
}

/** 2^0 to 2^63: looked up, since a power whose exponent is not known takes ten times as long as all the rest of a requantisation. */
const powers = Float64Array.from({ length: 64 }, (_, exponent) => 2 ** exponent)

/** clamp(floor((acc * multiplier + 2^(shift-1)) / 2^shift), low, high): round half up. |acc| < 2^33, multiplier < 2^16, shift 1..47. */
export function requantise(
  acc: number,
  multiplier: number,
  shift: number,
  low: number,
  high: number,
): number {
  const rounded = Math.floor((acc * multiplier + powers[shift - 1]!) / powers[shift]!)
  return Math.max(low, Math.min(high, rounded))
}

/** clamp(floor((x0 * m0 + x1 * m1 + 2^(shift-1)) / 2^shift), low, high): round half up. Codes of 8 bits, m below 2^16, shift 1..47. */
export function addCodes(
  x0: number,
  x1: number,
  m0: number,
  m1: number,
  shift: number,
  low: number,
  high: number,
): number {
  return requantise(x0 * m0 + x1 * m1, 1, shift, low, high)
}

/** Mean of `area` codes, rounded half up. */
export function averageCode(sum: number, area: number): number {
  return Math.floor((sum + Math.floor(area / 2)) / area)
}

/** A requantisation factor as `multiplier` / 2^`shift`. */
export interface FixedPoint {
  readonly multiplier: number
  readonly shift: number
}

/** Shifts that the hardware has. */
export const shiftRange = [1, 47] as const

/**
 * The nearest 16-bit fixed point number of a positive real factor: multiplier in [2^15, 2^16). Undefined where the shift
 * would leave 1..47, that is outside of [2^-32, 2^15).
 */
export function fixedPoint(real: number): FixedPoint | undefined {
  if (!(real > 0) || !Number.isFinite(real)) return undefined
  let shift = 15 - Math.floor(Math.log2(real))
  let multiplier = Math.round(real * 2 ** shift)
  if (multiplier < 2 ** 15) multiplier = Math.round(real * 2 ** ++shift)
  if (multiplier >= 2 ** 16) {
    multiplier = Math.round(real * 2 ** --shift)
    if (multiplier < 2 ** 15) multiplier = 2 ** 15
  }
  return shift < shiftRange[0] || shift > shiftRange[1] ? undefined : { multiplier, shift }
}

/** The factors of an addition with a common shift. */
export interface AddFactors {
  readonly multipliers: readonly [number, number]
  readonly shift: number
}

/** Two positive factors: the larger one as by `fixedPoint`, the other one at the same shift. Undefined where that is. */
export function addFactors(first: number, second: number): AddFactors | undefined {
  const larger = fixedPoint(Math.max(first, second))
  if (larger === undefined) return undefined
  const { multiplier, shift } = larger
  const atShift = (factor: number) => Math.min(multiplier, Math.floor(factor * 2 ** shift + 0.5))
  return { multipliers: [atShift(first), atShift(second)], shift }
}
