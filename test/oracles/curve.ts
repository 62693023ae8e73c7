/**
 * Convolutions whose weights are curves, by plain loops over what docs/numerics.md says. Imports nothing but the geometry of the
 * other oracles.
 */
import { type OracleConvolution, oracleOutputSize } from './layers.ts'

export interface OracleCurve {
  readonly degree: number
  readonly length: number
  /** [filter][group][order], flat. */
  readonly coefficients: ArrayLike<number>
}

/** What activations are: their codes' bits and sign decide how moments are cut. */
export interface OracleCodes {
  readonly bits: number
  readonly signed: boolean
}

export interface OracleMoment {
  readonly cut: number
  readonly shift: number
}

/** By order: low bits that a moment loses, and places that its products move up. */
export function oracleMoments(degree: number, length: number, { bits, signed }: OracleCodes): OracleMoment[] {
  let spread = 0
  while (2 ** spread < length) spread++
  const cuts: number[] = []
  for (let k = 0; k <= degree; k++) {
    let powers = 0
    for (let i = 0; i < length; i++) powers += i ** k
    const low = signed ? -powers * 2 ** (bits - 1) : 0
    const high = signed ? powers * (2 ** (bits - 1) - 1) : powers * (2 ** bits - 1)
    let width = 1
    if (signed) while (low < -(2 ** (width - 1)) || high > 2 ** (width - 1) - 1) width++
    else while (high > 2 ** width - 1) width++
    cuts.push(Math.max(0, k * spread - 4, width - 16))
  }
  const fraction = Math.max(...cuts.map((cut, k) => k * spread - cut))
  return cuts.map((cut, k) => ({ cut, shift: fraction - k * spread + cut }))
}

/** bias + the terms of all groups and orders, at every position. `product` gets the order and the input channel of its group's first tap. */
export function oracleCurveConvolution(
  c: OracleConvolution,
  x: readonly number[],
  codes: OracleCodes,
  curve: OracleCurve,
  bias: readonly number[],
  product: (moment: number, coefficient: number, filter: number, channel: number, order: number) => number,
): number[] {
  const [channels, height, width] = c.input
  const [rows, columns] = oracleOutputSize(c)
  const channelsOfGroup = channels / c.groups
  const [kh, kw] = c.kernel
  const taps = channelsOfGroup * kh * kw
  const groups = Math.ceil(taps / curve.length)
  const moments = oracleMoments(curve.degree, curve.length, codes)
  const result: number[] = []
  for (let n = 0; n < c.filters; n++) {
    const firstChannel = Math.floor(n / (c.filters / c.groups)) * channelsOfGroup
    for (let oy = 0; oy < rows; oy++) {
      for (let ox = 0; ox < columns; ox++) {
        let sum = bias[n]!
        for (let g = 0; g < groups; g++) {
          for (let k = 0; k <= curve.degree; k++) {
            let moment = 0
            for (let i = 0; i < curve.length && g * curve.length + i < taps; i++) {
              const tap = g * curve.length + i
              const channel = firstChannel + Math.floor(tap / (kh * kw))
              const y = oy * c.stride[0] + (Math.floor(tap / kw) % kh) - c.padding[0]
              const xx = ox * c.stride[1] + (tap % kw) - c.padding[1]
              if (y < 0 || y >= height || xx < 0 || xx >= width) continue
              moment += i ** k * x[(channel * height + y) * width + xx]!
            }
            const { cut, shift } = moments[k]!
            const coefficient = curve.coefficients[(n * groups + g) * (curve.degree + 1) + k]!
            const kernel = Math.floor((g * curve.length) / (kh * kw))
            sum += product(Math.floor(moment / 2 ** cut), coefficient, n, kernel, k) * 2 ** shift
          }
        }
        result.push(sum)
      }
    }
  }
  return result
}
