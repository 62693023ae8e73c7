/**
 * The integer rules that imported networks bring with them (docs/numerics.md, "Rules of imported networks"), on plain numbers. All
 * are exact: every intermediate value is an integer below 2^53.
 */
import { type RealMean, type RealSums, scaledSum } from './onnx-rules.ts'

/** A factor as `multiplier` * 2^(`exponent` - 31): multiplier in [2^30, 2^31), or 0. */
export interface ScaleFactor {
  readonly multiplier: number
  /** Positive: a shift to the left before the multiplication; negative: one to the right behind it. */
  readonly exponent: number
}

/** The nearest factor of a real one that is not negative and below 2^31; smaller ones than 2^-32 are 0. */
export function scaleFactor(real: number): ScaleFactor {
  if (real === 0) return { multiplier: 0, exponent: 0 }
  // exact where Math.log2 rounds up to a whole number: the mantissa is put into [1/2, 1) afterwards
  let exponent = Math.floor(Math.log2(real)) + 1
  let fraction = real / 2 ** exponent
  if (fraction >= 1) fraction = real / 2 ** ++exponent
  if (fraction < 0.5) fraction = real / 2 ** --exponent
  let multiplier = Math.floor(fraction * 2 ** 31 + 0.5)
  if (multiplier === 2 ** 31) {
    multiplier = 2 ** 30
    exponent++
  }
  return exponent < -31 ? { multiplier: 0, exponent: 0 } : { multiplier, exponent }
}

/**
 * a * b / 2^31, rounded half up: SaturatingRoundingDoublingHighMul. Both are 32-bit integers; the one product that does not fit,
 * that of -2^31 with itself, saturates.
 */
export function doublingHighProduct(a: number, b: number): number {
  if (a === smallest && b === smallest) return largest
  // b = high * 2^15 + low, so that both products are exact
  const high = b >> 15
  const low = b & 0x7fff
  return Math.floor((a * high + Math.floor((a * low + 0x40000000) / 0x8000)) / 0x10000)
}

const smallest = -(2 ** 31)
const largest = 2 ** 31 - 1

/** x / 2^places, rounded half away from zero: RoundingDivideByPOT. x is a 32-bit integer, places 0..31. */
export function roundingShift(x: number, places: number): number {
  const rest = x & ((1 << places) - 1)
  const half = (((1 << places) - 1) >>> 1) + (x < 0 ? 1 : 0)
  return (x >> places) + (rest > half ? 1 : 0)
}

/** A 32-bit integer times a factor, rounded twice: MultiplyByQuantizedMultiplier. A shift to the left keeps the low 32 bits. */
export function scaled(x: number, multiplier: number, exponent: number): number {
  return exponent > 0
    ? doublingHighProduct(x << exponent, multiplier)
    : roundingShift(doublingHighProduct(x, multiplier), -exponent)
}

/** The mean of codes, rounded half away from zero. */
export function averageAwayFromZero(sum: number, count: number): number {
  const half = Math.floor(count / 2)
  return sum > 0 ? Math.floor((sum + half) / count) : -Math.floor((half - sum) / count)
}

/** Codes less their zero point are shifted up by so much before an addition scales them. */
const additionShift = 20

/** How TensorFlow Lite adds two tensors of 8-bit codes. */
export interface ScaledAddition {
  readonly zeroPoints: readonly [number, number]
  readonly factors: readonly [ScaleFactor, ScaleFactor]
  readonly outputFactor: ScaleFactor
  readonly outputZeroPoint: number
}

interface Quantised {
  readonly scale: number
  readonly zeroPoint: number
}

export function scaledAddition(first: Quantised, second: Quantised, output: Quantised): ScaledAddition {
  const twice = 2 * Math.max(first.scale, second.scale)
  return {
    zeroPoints: [first.zeroPoint, second.zeroPoint],
    factors: [scaleFactor(first.scale / twice), scaleFactor(second.scale / twice)],
    outputFactor: scaleFactor(twice / (2 ** additionShift * output.scale)),
    outputZeroPoint: output.zeroPoint,
  }
}

/** The sum of two codes; the difference with a sign of -1. */
export function addScaled(
  x0: number,
  x1: number,
  { zeroPoints, factors, outputFactor, outputZeroPoint }: ScaledAddition,
  low: number,
  high: number,
  sign: 1 | -1 = 1,
): number {
  const [f0, f1] = factors
  const first = scaled((x0 - zeroPoints[0]) * 2 ** additionShift, f0.multiplier, f0.exponent)
  const second = scaled((x1 - zeroPoints[1]) * 2 ** additionShift, f1.multiplier, f1.exponent)
  const sum = scaled(first + sign * second, outputFactor.multiplier, outputFactor.exponent) + outputZeroPoint
  return Math.max(low, Math.min(high, sum))
}

/** How the sums of a convolution become codes. */
export type SumRule = ScaledSums | RealSums

/** By a factor for each filter, in TensorFlow Lite's fixed point. */
export interface ScaledSums {
  readonly kind: 'tflite'
  /** One for each filter, as in a `ScaleFactor`. */
  readonly multiplier: Int32Array
  readonly exponent: Int8Array
  readonly zeroPoint: number
}

/** What two codes of 8 bits give: all 2^16 pairs, by the bytes of the first and of the second code. */
export interface PairTable {
  readonly kind: 'pairs'
  readonly table: Int16Array
}

/** How two codes become that of their sum. */
export type AddRule = ScaledSum | PairTable

export interface ScaledSum extends ScaledAddition {
  readonly kind: 'tflite'
}

/** How the codes of a window that lie in the map become their mean. */
export type MeanRule = RoundedMean | ScaledMean | RealMean

/** As codes less `offset`, rounded half away from zero. */
export interface RoundedMean {
  readonly kind: 'tflite'
  /** What the graph's codes are above the file's. */
  readonly offset: number
}

/** Their sum less the zero points by one factor, which holds the ratio of the scales and 1 / count. */
export interface ScaledMean {
  readonly kind: 'tflite-mean'
  readonly factor: ScaleFactor
  readonly inputZeroPoint: number
  readonly outputZeroPoint: number
  readonly low: number
  readonly high: number
}

/** The factor of a mean of `count` codes. Undefined where the kernels' 32 bits may not hold it. */
export function meanFactor(ratio: number, count: number): ScaleFactor | undefined {
  const { multiplier, exponent } = scaleFactor(ratio)
  if (count === 0 || count >= 2 ** 22 || exponent > 8) return undefined
  const shift = Math.min(Math.floor(Math.log2(count)), 31 + exponent)
  return { multiplier: Math.floor((multiplier * 2 ** shift) / count), exponent: exponent - shift }
}

/** The mean of `count` codes. */
export function meanCode(rule: RoundedMean | ScaledMean, sum: number, count: number): number {
  if (rule.kind === 'tflite') return averageAwayFromZero(sum - count * rule.offset, count) + rule.offset
  const { factor, inputZeroPoint, outputZeroPoint, low, high } = rule
  const code = scaled(sum - count * inputZeroPoint, factor.multiplier, factor.exponent) + outputZeroPoint
  return Math.max(low, Math.min(high, code))
}

/** The codes of filter n's sums, written from `to` on. */
export function codesOfSums(
  rule: SumRule,
  n: number,
  sums: Int32Array,
  [low, high]: readonly [low: number, high: number],
  result: { [index: number]: number },
  to: number,
): void {
  const unclamped = unclampedCode(rule, n)
  for (let i = 0; i < sums.length; i++) {
    const code = unclamped(sums[i]!) + rule.zeroPoint
    result[to + i] = code < low ? low : code > high ? high : code
  }
}

/** From a sum of filter n to its code, without the zero point. */
function unclampedCode(rule: SumRule, n: number): (sum: number) => number {
  if (rule.kind === 'onnx') {
    const factor = rule.factor[n]!
    return (sum) => scaledSum(sum, factor)
  }
  const [multiplier, exponent] = [rule.multiplier[n]!, rule.exponent[n]!]
  return (sum) => scaled(sum, multiplier, exponent)
}
