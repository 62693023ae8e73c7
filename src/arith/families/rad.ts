import type { Comb } from '../../comb/comb.ts'
import { bit, bitsOf, reduceAnd, replicate, scaleUp, tree } from '../../comb/derived.ts'
import { addBoothRow, addNegatedRow, boothDigits, digitCount } from '../booth.ts'
import { type Columns, compress, emptyColumns } from '../compressor.ts'
import { operandRange } from '../domain.ts'
import { type Family, monotoneRange, productRange } from '../family.ts'
import { reductionOf, reductionParameters } from './exact.ts'

/**
 * Hybrid high-radix encoding (V. Leon et al., "Approximate hybrid high radix encoding for energy-efficient inexact multipliers", 2018):
 * the low k bits of B are one digit, rounded to 0 or one of its four largest powers of two; the others are Booth digits.
 */
export const rad: Family = {
  id: 'rad',
  summary: 'low k bits of B as one digit, rounded to a power of two (hybrid high radix)',
  definition: [
    'A * (B - y + r(y)), y the low k bits of B as a signed digit; r(y) has its sign and is, by |y|:',
    '0 below 2^(k-5), 2^(k-4) below 3*2^(k-5), 2^(k-3) below 3*2^(k-4), 2^(k-2) below 3*2^(k-3), else 2^(k-1)',
  ].join('\n'),
  domains: 's x s, u x s; B of 4..16 bits',
  parameters: [
    {
      kind: 'integer',
      name: 'k',
      summary: 'bits of the low digit, an even number',
      range: ({ nB }) => [4, 2 * Math.floor(nB / 2)],
    },
    ...reductionParameters,
  ],
  supports: ({ nB, signedB }) => signedB && nB >= 4,
  conflict: ({ k }) => (Number(k) % 2 === 1 ? `k must be even, not ${k}` : undefined),
  define(domain, values) {
    const k = Number(values['k'])
    const ofA = (a: number) => a
    const ofB = (b: number) => highRadix(b, k)
    const { nA, nB, signedA, signedB } = domain
    return {
      product(c, a, b, width) {
        const x = signedA ? a : c.zeroExtend(a, nA + 1)
        const columns = emptyColumns<typeof a>(width)
        addHighRadixRow(c, columns, c.slice(b, k - 1, 0), x)
        const digits = boothDigits(c, b)
        for (let j = k / 2; j < digitCount(nB); j++) addBoothRow(c, columns, digits[j]!, x, 2 * j)
        return compress(c, columns, reductionOf(values))
      },
      range: productRange(operandRange(nA, signedA), monotoneRange(ofB, nB, signedB)),
      exact: false,
      zeroExact: true,
      factors: [{ ofA, ofB }],
    }
  },
}

/** Adds r(y) * x for the digit y of k bits. */
function addHighRadixRow<T>(c: Comb<T>, columns: Columns<T>, y: T, x: T): void {
  const k = c.width(y)
  const width = c.width(x) + 3
  const chosen = magnitudes(c, y).map((is, i) =>
    c.and(c.signExtend(scaleUp(c, x, i), width), replicate(c, c.label(is, `digit_is_${k - 4 + i}`), width)),
  )
  const row = tree(chosen, (p, q) => c.or(p, q))
  addNegatedRow(c, columns, row, bit(c, y, k - 1), k - 4)
}

/**
 * Whether |r(y)| is 2^(k-4), 2^(k-3), 2^(k-2), 2^(k-1). The thresholds are 1, 3, 6 and 12 times 2^(k-5), so they compare |y| >> (k-5). With y's
 * bits inverted where it is negative, that is four of them, v, and a carry: no adder is needed.
 */
function magnitudes<T>(c: Comb<T>, y: T): T[] {
  const k = c.width(y)
  const negative = bit(c, y, k - 1)
  const inverted = c.xor(c.slice(y, k - 2, 0), replicate(c, negative, k - 1))
  const [v, carry] =
    k === 4
      ? [c.cat(inverted, negative), negative]
      : [c.slice(inverted, k - 2, k - 5), c.and(negative, reduceAnd(c, c.slice(inverted, k - 6, 0)))]
  const [v0, v1, v2, v3] = bitsOf(c, v) as [T, T, T, T]
  const from12 = c.and(v3, c.or(v2, c.and(c.and(v1, v0), carry)))
  const from6 = c.or(v3, c.and(v2, c.or(v1, c.and(v0, carry))))
  const from3 = c.or(c.or(v3, v2), c.and(v1, c.or(v0, carry)))
  const from1 = c.or(c.or(c.or(v3, v2), c.or(v1, v0)), carry)
  const between = (from: T, to: T) => c.and(from, c.not(to))
  return [between(from1, from3), between(from3, from6), between(from6, from12), from12]
}

/** B with its low k bits, as a signed digit, rounded. */
function highRadix(b: number, k: number): number {
  const low = ((b % 2 ** k) + 2 ** k) % 2 ** k
  const y = low >= 2 ** (k - 1) ? low - 2 ** k : low
  const powers = [k - 4, k - 3, k - 2, k - 1].filter(
    (_, i) => Math.abs(y) >= [1, 3, 6, 12][i]! * 2 ** (k - 5),
  )
  const power = powers.at(-1)
  return b - y + (power === undefined ? 0 : Math.sign(y) * 2 ** power)
}
