import { usageError } from '../base/errors.ts'
import { type CurveChoice, curveCodes } from './curve-layer.ts'
import type { QuantOptions } from './options.ts'
import type { QConv, QTensor } from './qgraph.ts'
import { fixedPoint } from './rules.ts'

// What makes integers of a layer's weights and biases.

/** Largest magnitude of a bias, so that it never uses more than half of the 32-bit accumulator. */
const largestBias = 2 ** 30

/** Smallest ratio of product scale to output scale that a shift of 47 can express, with room for rounding. */
const smallestFactor = 2 ** -31

/** A dense layer is a convolution of 1x1. */
export const denseGeometry = {
  dense: true,
  kernel: [1, 1],
  stride: [1, 1],
  padding: [0, 0, 0, 0],
  groups: 1,
} as const satisfies Partial<QConv>

/** The integers of a layer's filters, whose results have the scale `outputScale`. */
export function filterCodes(
  name: string,
  { weight, bias }: { readonly weight: Float32Array; readonly bias: Float32Array },
  input: QTensor,
  outputScale: number,
  options: QuantOptions,
  choice?: CurveChoice,
): Pick<QConv, 'weights' | 'weightBits' | 'curve' | 'bias' | 'multiplier' | 'shift'> {
  // A bias that dwarfs its weights decides the scale: the codes of weights that small are near 0 anyway.
  const least = (n: number) =>
    Math.max(Math.abs(bias[n]!) / (input.scale * largestBias), (smallestFactor * outputScale) / input.scale)
  const codes =
    choice === undefined
      ? { ...weightCodes(weight, bias.length, options.weightBits, least), weightBits: options.weightBits }
      : curveCodes(name, weight, bias.length, choice, input, least)
  const { units, ...operands } = codes
  const q = {
    bias: new Int32Array(bias.length),
    multiplier: new Uint16Array(bias.length),
    shift: new Uint8Array(bias.length),
  }
  for (const [n, unit] of units.entries()) {
    q.bias[n] = Math.floor(bias[n]! / (input.scale * unit) + 0.5)
    const factor = fixedPoint((input.scale * unit) / outputScale)
    if (factor === undefined) {
      throw usageError(
        `layer "${name}", filter ${n}: its weights and its calibrated range differ by more than 2^15`,
        { where: name, hint: 'The ranges do not belong to these weights: calibrate again.' },
      )
    }
    q.multiplier[n] = factor.multiplier
    q.shift[n] = factor.shift
  }
  return { ...operands, ...q }
}

/** The codes of a layer's weights, and what a code of each filter counts. */
function weightCodes(weight: Float32Array, filters: number, bits: number, least: (n: number) => number) {
  const taps = weight.length / filters
  const levels = 2 ** (bits - 1) - 1
  const weights = new Int8Array(weight.length)
  const units = Array.from({ length: filters }, (_, n) => {
    const row = weight.subarray(n * taps, (n + 1) * taps)
    const scale = Math.max(weightClip(row, levels) / levels, least(n))
    for (let k = 0; k < taps; k++)
      weights[n * taps + k] = Math.max(-levels, Math.min(levels, Math.floor(row[k]! / scale + 0.5)))
    return scale
  })
  return { weights, units }
}

/** The clip of one filter's weights with the least squared error, of 24/64, 25/64 .. 64/64 of the largest magnitude. */
function weightClip(row: Float32Array, levels: number): number {
  let largest = 0
  for (const w of row) largest = Math.max(largest, Math.abs(w))
  let best = largest
  let least = Infinity
  for (let part = 64; part >= 24 && largest > 0; part--) {
    const clip = (largest * part) / 64
    const scale = clip / levels
    let error = 0
    for (const w of row)
      error += (w - scale * Math.max(-levels, Math.min(levels, Math.floor(w / scale + 0.5)))) ** 2
    if (error < least) [best, least] = [clip, error]
  }
  return best
}
