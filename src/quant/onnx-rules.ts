/**
 * The integer rules that quantised ONNX models bring with them (docs/numerics.md, "Rules of imported networks"). Codes are those of
 * the graph, which may lie 128 above the file's.
 */

/** The nearest whole number; of two, the even one. */
export function roundHalfToEven(x: number): number {
  const floor = Math.floor(x)
  const rest = x - floor
  if (rest < 0.5) return floor
  if (rest > 0.5) return floor + 1
  return floor % 2 === 0 ? floor : floor + 1
}

/** QuantizeLinear with one scale. */
export interface Quantiser {
  /** A float32 value. */
  readonly scale: number
  readonly zeroPoint: number
  /** Codes saturate here. */
  readonly low: number
  readonly high: number
}

/** The code of a real value: the quotient in float32, rounded half to even. What is no number has the code 0. */
export function codeOfReal(real: number, { scale, zeroPoint, low, high }: Quantiser): number {
  const code = roundHalfToEven(Math.fround(Math.fround(real) / scale))
  return Number.isNaN(code) ? 0 : Math.max(low, Math.min(high, code + zeroPoint))
}

/** From sums to codes of the result, in float32 as ONNX's own implementations have it. */
export const sumFactor = (ofInput: number, ofWeights: number, ofOutput: number): number =>
  Math.fround(Math.fround(ofInput * ofWeights) / ofOutput)

/** A sum times its factor, both and the product in float32, rounded half to even. */
export const scaledSum = (sum: number, factor: number): number =>
  roundHalfToEven(Math.fround(Math.fround(sum) * factor))

/** How the sums of a convolution become codes. */
export interface RealSums {
  readonly kind: 'onnx'
  /** One for each filter. */
  readonly factor: Float32Array
  readonly zeroPoint: number
}

/** The mean of the real values of codes, and its code. */
export interface RealMean {
  readonly kind: 'onnx'
  /** The real value of each code, from the least one on. */
  readonly real: Float32Array
  readonly quantiser: Quantiser
  /** What the graph's codes are above those that the quantiser makes. */
  readonly offset: number
  /** Bounds of the graph's codes, where an activation sets them. */
  readonly low: number
  readonly high: number
  /** Whether the padding counts, as zeros. */
  readonly countPadding: boolean
}
