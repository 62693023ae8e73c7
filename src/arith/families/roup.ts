import type { Comb } from '../../comb/comb.ts'
import {
  addRoundedRow,
  boothDigits,
  digitCount,
  gateDigit,
  type RoundedOperand,
  roundOperandByMode,
} from '../booth.ts'
import { type DigitBits, digitValue, digitwiseRange } from '../booth-range.ts'
import { compress, emptyColumns, type Reduction } from '../compressor.ts'
import type { Domain } from '../domain.ts'
import {
  type Definition,
  type Family,
  monotoneRange,
  type ParameterValues,
  productRange,
  roundAt,
} from '../family.ts'
import type { Factor } from '../multiplier.ts'
import { reductionOf, reductionParameters } from './exact.ts'

/**
 * ROUP-style multiplier: the p lowest Booth digits of B are perforated, and A is rounded. Symmetric rounding is at bit r
 * for all digits; asymmetric rounding cuts each kept partial product at product column r.
 */
export const roup: Family = {
  id: 'roup',
  summary: 'perforated Booth digits of B, rounded A (ROUP-style)',
  definition: [
    'symmetric: rnd(A, r) * rnd(B, 2p), rnd(x, m) = ((x + 2^(m-1)) >> m) << m',
    'asymmetric: sum over Booth digits d_j of B, j >= p, of d_j * rnd(A, max(0, r - 2j)) * 4^j',
  ].join('\n'),
  domains: 's x s, u x s; 2..16 bits each',
  parameters: [
    {
      kind: 'integer',
      name: 'p',
      summary: 'Booth digits of B perforated',
      range: ({ nB }) => [0, digitCount(nB) - 1],
    },
    { kind: 'integer', name: 'r', summary: 'bits of A rounded away', range: ({ nA }) => [0, nA - 1] },
    {
      kind: 'choice',
      name: 'rounding',
      summary: 'one rounding for all digits, or one a digit',
      choices: ['symmetric', 'asymmetric'],
    },
    ...reductionParameters,
  ],
  supports: ({ signedB }) => signedB,
  define(domain, values) {
    const mode = modeOf(values)
    const { p, roundedBits } = mode
    const shared = {
      exact: p === 0 && roundedBits(p) === 0,
      zeroExact: true,
      product: <T>(c: Comb<T>, a: T, b: T, width: number): T =>
        roupProduct(c, a, b, domain, [mode], [c.constant(1, 1)], width, reductionOf(values)),
    }
    if (values['rounding'] === 'symmetric') return { ...shared, ...symmetric(domain, p, roundedBits(p)) }
    return { ...shared, ...asymmetric(domain, p, roundedBits) }
  },
}

/** What a multiplier of the family leaves out. */
export interface RoupMode {
  /** Digits of B perforated. */
  readonly p: number
  /** Bits of A rounded away for a digit. */
  readonly roundedBits: (digit: number) => number
}

/** The mode of parameter values of the family. */
export function modeOf(values: ParameterValues): RoupMode {
  const r = Number(values['r'])
  const symmetrically = values['rounding'] === 'symmetric'
  return {
    p: Number(values['p']),
    roundedBits: (digit) => (symmetrically ? r : Math.max(0, r - 2 * digit)),
  }
}

/**
 * The product in one of several modes, `is[i]` being 1 in mode i alone: digits that only some modes keep are gated, and so are
 * the operand bits that only some keep. With one mode nothing is gated, and what it leaves out is not there.
 */
export function roupProduct<T>(
  c: Comb<T>,
  a: T,
  b: T,
  { signedA }: Domain,
  modes: readonly RoupMode[],
  is: readonly T[],
  width: number,
  reduction: Reduction,
): T {
  const x = signedA ? a : c.zeroExtend(a, c.width(a) + 1)
  const columns = emptyColumns<T>(width)
  const operands = new Map<string, RoundedOperand<T>>()
  for (const [j, digit] of boothDigits(c, b).entries()) {
    const keeping = is.filter((_, i) => modes[i]!.p <= j)
    if (keeping.length === 0) continue
    const places = modes.map((mode) => mode.roundedBits(j))
    const known = operands.get(places.join())
    const operand = known ?? roundOperandByMode(c, x, places, is, `operand_${j}`)
    operands.set(places.join(), operand)
    const kept = keeping.length === is.length ? digit : gateDigit(c, digit, keeping)
    addRoundedRow(c, columns, kept, operand, 2 * j)
  }
  return compress(c, columns, reduction)
}

function symmetric(
  { nA, signedA, nB, signedB }: Domain,
  p: number,
  r: number,
): Pick<Definition, 'range' | 'factors'> {
  const ofA = (a: number) => roundAt(a, r)
  const ofB = (b: number) => roundAt(b, 2 * p)
  return {
    range: productRange(monotoneRange(ofA, nA, signedA), monotoneRange(ofB, nB, signedB)),
    factors: [{ ofA, ofB }],
  }
}

function asymmetric(
  domain: Domain,
  p: number,
  roundedBits: (digit: number) => number,
): Pick<Definition, 'range' | 'factors'> {
  const digits = Array.from({ length: digitCount(domain.nB) - p }, (_, i) => p + i)
  // Digits that round alike are one factor: the high digits, which keep all of A, together.
  const byRounding = new Map<number, number[]>()
  for (const j of digits) byRounding.set(roundedBits(j), [...(byRounding.get(roundedBits(j)) ?? []), j])
  const factors: Factor[] = [...byRounding].map(([m, members]) => ({
    ofA: (a) => roundAt(a, m),
    ofB: (b) => members.reduce((sum, j) => sum + digitOf(b, j) * 4 ** j, 0),
  }))
  const row = (a: number, j: number, bits: DigitBits) =>
    digitValue(bits) * roundAt(a, roundedBits(j)) * 4 ** j
  // a digit of 2, and half a unit
  const error = (j: number) => 2 ** roundedBits(j) * 4 ** j
  return { range: digitwiseRange(domain, { digits, row, error }), factors }
}

/** Digit j of a value: what is left of it, rounded at both ends. */
function digitOf(b: number, j: number): number {
  return (roundAt(b, 2 * j) - roundAt(b, 2 * j + 2)) / 4 ** j
}
