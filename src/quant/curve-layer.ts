import { usageError } from '../base/errors.ts'
import { type Degree, groupsOf, momentsOf, type QCurve } from './curve.ts'
import { fitCurve } from './fit.ts'
import type { QTensor } from './qgraph.ts'

/** How the weights of one layer are made curves. */
export interface CurveChoice {
  readonly degree: Degree
  /** Taps of a group. */
  readonly length: number
  /** Bits of a coefficient. */
  readonly bits: number
  /** Coefficients that are given; fitted to the weights where not. */
  readonly given?: GivenCoefficients
}

export interface GivenCoefficients {
  /** What a coefficient counts, for each filter. */
  readonly scales: readonly number[]
  /** [filter][group][order], flat. */
  readonly coefficients: Int16Array
  readonly where: string
}

/** Taps of the longest group: the moments of longer ones would not fit 31 bits. */
export const longestGroup = 256

/** The coefficients of a layer, and what its accumulator counts for each filter. */
export function curveCodes(
  name: string,
  weight: Float32Array,
  filters: number,
  choice: CurveChoice,
  input: Pick<QTensor, 'bits' | 'signed'>,
  least: (n: number) => number,
): { weights: Int8Array; weightBits: number; curve: QCurve; units: number[] } {
  const { degree, length, bits, given } = choice
  const moments = momentsOf(degree, length, input.bits, input.signed)
  const fine = 2 ** moments.fraction
  const taps = weight.length / filters
  const groups = groupsOf(choice, taps)
  const orders = degree + 1
  const { coefficients, scales } =
    given ?? fitted(weight, filters, choice, moments.spread, (n) => least(n) * fine)
  if (coefficients.length !== filters * groups * orders)
    throw usageError(
      `layer "${name}" needs ${filters} x ${groups} x ${orders} coefficients (filters, groups of ${length} taps, orders), not ${coefficients.length}`,
      { where: given?.where ?? name },
    )
  const small = given?.scales.findIndex((scale, n) => scale < least(n) * fine) ?? -1
  if (small >= 0)
    throw usageError(
      `layer "${name}", filter ${small}: the scale ${given!.scales[small]} is too small for its bias and range; at least ${least(small) * fine} is needed`,
      { where: given!.where, hint: 'Scale the coefficients of this filter down, and their scale up.' },
    )
  return {
    weights: new Int8Array(0),
    weightBits: bits,
    curve: { degree, length, bits, coefficients, moments },
    units: scales.map((scale) => scale / fine),
  }
}

/** Each filter has the scale at which its largest coefficient just fits. */
function fitted(
  weight: Float32Array,
  filters: number,
  { degree, length, bits }: CurveChoice,
  spread: number,
  least: (n: number) => number,
): Pick<GivenCoefficients, 'coefficients' | 'scales'> {
  const taps = weight.length / filters
  const levels = 2 ** (bits - 1) - 1
  const groups = groupsOf({ length }, taps)
  const coefficients = new Int16Array(filters * groups * (degree + 1))
  const scales: number[] = []
  for (let n = 0; n < filters; n++) {
    const parts = Array.from({ length: groups }, (_, g) =>
      weight.subarray(n * taps + g * length, n * taps + Math.min(taps, (g + 1) * length)),
    )
    const real = parts.flatMap((part) => fitCurve(part, degree, spread))
    const largest = Math.max(...real.map(Math.abs))
    const scale = Math.max(largest / levels, least(n), Number.MIN_VALUE)
    const code = (x: number) => Math.max(-levels, Math.min(levels, Math.floor(x + 0.5)))
    const codes = parts.flatMap((part) =>
      fitCurve(
        Float64Array.from(part, (w) => w / scale),
        degree,
        spread,
        code,
      ),
    )
    coefficients.set(codes, n * groups * (degree + 1))
    scales.push(scale)
  }
  return { coefficients, scales }
}
