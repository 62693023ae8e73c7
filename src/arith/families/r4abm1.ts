import type { Comb } from '../../comb/comb.ts'
import { bit, bitsOf, replicate } from '../../comb/derived.ts'
import { digitCount } from '../booth.ts'
import { type DigitBits, digitwiseRange } from '../booth-range.ts'
import { addRow, addSignedRow, type Columns, compress, emptyColumns } from '../compressor.ts'
import type { Family } from '../family.ts'
import { hasZeroGate, zeroGated, zeroGateParameter } from '../zero-gate.ts'
import { reductionOf, reductionParameters } from './exact.ts'

/**
 * Approximate radix-4 Booth multiplier 1 (W. Liu et al., "Design of approximate radix-4 Booth multipliers for error-tolerant computing", 2017).
 * Of a negative digit's row the bits are inverted and 1 is added at its place, by both encoders; digit 111 is not negative.
 */
export const r4abm1: Family = {
  id: 'r4abm1',
  summary: 'approximate Booth encoder in the low columns (R4ABM1)',
  definition: [
    'radix-4 Booth rows of A, of nA+1 bits and a correction bit; bits in columns below p have',
    'the digits 0,1,1,0,0,-1,-1,0 for b_(2j+1) b_2j b_(2j-1) = 000..111, others 0,1,1,2,-2,-1,-1,0',
  ].join('\n'),
  domains: 's x s, u x s; 2..16 bits each',
  parameters: [
    {
      kind: 'integer',
      name: 'p',
      summary: 'columns of approximate bits',
      range: ({ nA, nB }) => [0, nA + nB - 1],
    },
    zeroGateParameter,
    ...reductionParameters,
  ],
  supports: ({ signedB }) => signedB,
  define(domain, values) {
    const p = Number(values['p'])
    const { nA, nB, signedA } = domain
    const gated = hasZeroGate(values)
    // an unsigned A has a sign of 0 above it
    const bits = (signedA ? nA : nA + 1) + 1
    const digits = Array.from({ length: digitCount(nB) }, (_, j) => j)
    return {
      product(c, a, b, width) {
        const columns = emptyColumns<typeof a>(width)
        for (const j of digits)
          addApproximateRow(
            c,
            columns,
            c.signExtend(signedA ? a : c.zeroExtend(a, nA + 1), bits),
            digitBits(c, b, j),
            j,
            p,
          )
        const sum = compress(c, columns, reductionOf(values))
        return gated ? zeroGated(c, sum, a, b) : sum
      },
      range: digitwiseRange(domain, {
        digits,
        row: (a, j, digit) => rowValue(a, digit, bits, p - 2 * j) * 4 ** j,
        error: (j) => rowError(bits, p - 2 * j) * 4 ** j,
      }),
      exact: p === 0,
      // digit 100 leaves out low ones of its row and keeps its correction bit, also where A is 0
      zeroExact: gated || p === 0,
    }
  },
}

/** b_(2j+1), b_2j, b_(2j-1) of a two's complement operand, whose sign stands above it too. */
function digitBits<T>(c: Comb<T>, b: T, j: number): readonly [top: T, middle: T, below: T] {
  const [top, middle] = [2 * j + 1, 2 * j].map((i) => bit(c, b, Math.min(i, c.width(b) - 1))) as [T, T]
  return [top, middle, j === 0 ? c.constant(0, 1) : bit(c, b, 2 * j - 1)]
}

/** Adds the row of digit j, `x` being the operand in as many bits as the row has. */
function addApproximateRow<T>(
  c: Comb<T>,
  columns: Columns<T>,
  x: T,
  [top, middle, below]: readonly [T, T, T],
  j: number,
  p: number,
): void {
  const width = c.width(x)
  const one = c.label(c.xor(middle, below), `digit_${j}_one`)
  const two = c.label(c.and(c.xor(top, middle), c.not(one)), `digit_${j}_two`)
  const inverted = c.xor(x, replicate(c, top, width))
  const single = c.label(c.and(inverted, replicate(c, one, width)), `row_${j}_single`)
  const exact = bitsOf(c, single).map((bitOfOne, i) =>
    // 2x has a 0 below, inverted like the rest
    c.or(bitOfOne, c.and(two, i === 0 ? top : bit(c, inverted, i - 1))),
  )
  const row = exact.map((one, i) => (2 * j + i < p ? bit(c, single, i) : one))
  addSignedRow(c, columns, row, 2 * j)
  addRow(columns, [c.label(c.and(top, c.not(c.and(middle, below))), `digit_${j}_negative`)], 2 * j)
}

/** The value of a row of `bits` bits whose low `approximate` bits are those of the approximate encoder. */
function rowValue(a: number, [top, middle, below]: DigitBits, bits: number, approximate: number): number {
  const inverted = (x: number) => (top === 1 ? -x - 1 : x)
  const single = middle === below ? 0 : inverted(a)
  const exact = middle !== below ? single : top !== middle ? inverted(2 * a) : 0
  const correction = top === 1 && !(middle === 1 && below === 1) ? 1 : 0
  if (approximate >= bits) return single + correction
  const unit = 2 ** Math.max(0, approximate)
  return Math.floor(exact / unit) * unit + (single - Math.floor(single / unit) * unit) + correction
}

/** How far a row may be from that of exact bits: its approximate bits, all wrong. */
const rowError = (bits: number, approximate: number): number =>
  approximate <= 0 ? 0 : 2 ** Math.min(bits, approximate)
