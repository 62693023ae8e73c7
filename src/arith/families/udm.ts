import type { Comb } from '../../comb/comb.ts'
import { bitsOf } from '../../comb/derived.ts'
import { addRow, compress, emptyColumns } from '../compressor.ts'
import type { Family } from '../family.ts'
import { byMagnitudes } from '../sign-magnitude.ts'
import { reductionOf, reductionParameters } from './exact.ts'

/** Underdesigned multiplier (P. Kulkarni, P. Gupta, M. Ercegovac, "Trading accuracy for power with an underdesigned multiplier architecture", 2011). */
export const udm: Family = {
  id: 'udm',
  summary: 'blocks of 2x2 bits in which 3 * 3 is 7 (underdesigned multiplier)',
  definition: 'sum over the base-4 digits of m(A_i, B_j) 4^(i+j), m(3, 3) = 7, else m(x, y) = x y',
  domains: 'u x u; signed operands by sign and magnitude; 2..16 bits each',
  parameters: reductionParameters,
  supports: () => true,
  define: (domain, values) =>
    byMagnitudes(domain, {
      product(c, x, y) {
        const columns = emptyColumns<typeof x>(c.width(x) + c.width(y))
        for (const [i, one] of digits(c, x).entries())
          for (const [j, other] of digits(c, y).entries())
            addRow(columns, blockProduct(c, one, other), 2 * (i + j))
        return compress(c, columns, reductionOf(values))
      },
      zeroExact: true,
      // a magnitude has a digit of 3, unless it is one of a signed operand of 2 bits: 0, 1, 2
      exact: (domain.signedA && domain.nA === 2) || (domain.signedB && domain.nB === 2),
      factors: [
        { ofA: (a) => a, ofB: (b) => b },
        { ofA: (a) => -2 * threes(a), ofB: threes },
      ],
    }),
}

/** The digits of two bits, from the lowest; the top one of an odd width has one bit. */
function digits<T>(c: Comb<T>, x: T): T[][] {
  const bits = bitsOf(c, x)
  return Array.from({ length: Math.ceil(bits.length / 2) }, (_, i) => bits.slice(2 * i, 2 * i + 2))
}

/** The product of two digits, 3 * 3 being 7: three bits, by AND and one OR. */
function blockProduct<T>(c: Comb<T>, [x0, x1]: readonly T[], [y0, y1]: readonly T[]): T[] {
  const low = c.and(x0!, y0!)
  if (x1 === undefined && y1 === undefined) return [low]
  if (x1 === undefined) return [low, c.and(x0!, y1!)]
  if (y1 === undefined) return [low, c.and(x1, y0!)]
  return [low, c.or(c.and(x1, y0!), c.and(x0!, y1)), c.and(x1, y1)]
}

/** 1 for each base-4 digit that is 3. */
function threes(x: number): number {
  let sum = 0
  for (let i = 0; 4 ** i <= x; i++) if (Math.floor(x / 4 ** i) % 4 === 3) sum += 4 ** i
  return sum
}
