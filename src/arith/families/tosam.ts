import type { Comb } from '../../comb/comb.ts'
import { fromBits } from '../../comb/derived.ts'
import { prefixAdd } from '../adder.ts'
import { addCells, plainReduction } from '../array.ts'
import { addRow, compress, emptyColumns } from '../compressor.ts'
import type { Family } from '../family.ts'
import { fractionHead, type Logarithms, logarithms, scaleDown } from '../logarithm.ts'
import { byMagnitudes } from '../sign-magnitude.ts'

/** Truncation- and rounding-based scalable multiplier (S. Vahdat et al., "TOSAM: An energy-efficient truncation- and rounding-based scalable approximate multiplier", 2019). */
export const tosam: Family = {
  id: 'tosam',
  summary: 'fractions added with t bits and multiplied with h bits (TOSAM)',
  definition: [
    'with A = 2^k1 (1+y1), B = 2^k2 (1+y2): floor of',
    '2^(k1+k2) (1 + trunc_t(y1) + trunc_t(y2) + (trunc_h(y1)+2^(-h-1)) (trunc_h(y2)+2^(-h-1)));',
    '0 where an operand is 0',
  ].join('\n'),
  domains: 'u x u; signed operands by sign and magnitude; 2..16 bits each',
  parameters: [
    {
      kind: 'integer',
      name: 'h',
      summary: 'bits of the fractions multiplied',
      range: ({ nA, nB }) => [0, Math.max(nA, nB) - 1],
    },
    {
      kind: 'integer',
      name: 't',
      summary: 'bits of the fractions added, at least h',
      range: ({ nA, nB }) => [1, Math.max(nA, nB) - 1],
    },
  ],
  supports: () => true,
  conflict: ({ h, t }) => (Number(h) > Number(t) ? `h=${h} is more than t=${t}` : undefined),
  define(domain, values) {
    const [h, t] = [Number(values['h']), Number(values['t'])]
    return byMagnitudes(domain, {
      product(c, x, y) {
        const logs = logarithms(c, x, y)
        return scaleDown(c, mantissa(c, logs, h, t), placesAndOne(c, logs), logs)
      },
      zeroExact: true,
    })
  },
}

/** 1 + trunc_t(y1) + trunc_t(y2) + the product of the rounded fractions, in one compressor tree: two bits above the point. */
function mantissa<T>(c: Comb<T>, { a, b }: Logarithms<T>, h: number, t: number): T {
  const places = Math.max(t, 2 * h + 2)
  const columns = emptyColumns<T>(places + 2)
  const rounded = emptyColumns<T>(2 * h + 2)
  const [x, y] = [a, b].map(({ fraction }) =>
    fromBits(c, [c.constant(1, 1), ...fractionHead(c, fraction, h)]),
  ) as [T, T]
  addCells(c, rounded, x, y, { signedA: false, signedB: false })
  for (const [i, bits] of rounded.columns.entries())
    for (const one of bits) addRow(columns, [one], places - 2 * h - 2 + i)
  for (const { fraction } of [a, b]) addRow(columns, fractionHead(c, fraction, t), places - t)
  columns.constant += 1n << BigInt(places)
  return compress(c, columns, plainReduction)
}

/** k1 + k2 + 1: bits of 1 below the places are the carry. */
function placesAndOne<T>(c: Comb<T>, { a, b }: Logarithms<T>): T {
  const [x, y] = [a, b].map(({ place }) => c.cat(c.constant(0, 1), place, c.constant(1, 1))) as [T, T]
  const sum = prefixAdd(c, x, y)
  return c.slice(sum, c.width(sum) - 1, 1)
}
