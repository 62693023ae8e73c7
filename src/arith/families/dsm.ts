import type { Family } from '../family.ts'
import { leadingPlaceOf, leadingSegment, segmentParameter, segmentProduct } from '../segment.ts'
import { byMagnitudes } from '../sign-magnitude.ts'

/** Dynamic segment multiplier (S. Narayanamoorthy et al., "Energy-efficient approximate multiplication for digital signal processing", 2015). */
export const dsm: Family = {
  id: 'dsm',
  summary: 'm bits from the leading one on (dynamic segment)',
  definition: 'f(A) * f(B), f(x) = x without the bits more than m - 1 places below its leading one',
  domains: 'u x u; signed operands by sign and magnitude; 2..16 bits each',
  parameters: [segmentParameter('m', () => 1)],
  supports: () => true,
  define(domain, values) {
    const m = Number(values['m'])
    const f = (x: number) => floored(x, m)
    return byMagnitudes(domain, {
      product: (c, x, y) =>
        segmentProduct(
          c,
          leadingSegment(c, x, m, 'a'),
          leadingSegment(c, y, m, 'b'),
          c.width(x) + c.width(y),
        ),
      zeroExact: true,
      exact: keepsAll(domain.nA, domain.signedA, m) && keepsAll(domain.nB, domain.signedB, m),
      factors: [{ ofA: f, ofB: f }],
    })
  },
}

/** The largest magnitude of a signed operand is a power of two, of which one bit is enough. */
const keepsAll = (bits: number, signed: boolean, m: number) => m >= (signed ? bits - 1 : bits)

function floored(x: number, m: number): number {
  if (x < 2 ** m) return x
  const unit = 2 ** (leadingPlaceOf(x) - m + 1)
  return Math.floor(x / unit) * unit
}
