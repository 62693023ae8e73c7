import type { Comb } from '../../comb/comb.ts'
import type { Domain } from '../domain.ts'
import type { Definition, Family } from '../family.ts'
import { placedSegment, segmentParameter, segmentProduct } from '../segment.ts'
import { byMagnitudes } from '../sign-magnitude.ts'

/** Static segment multiplier (S. Narayanamoorthy et al., "Energy-efficient approximate multiplication for digital signal processing", 2015). */
export const ssm: Family = {
  id: 'ssm',
  summary: 'the upper or the lower m bits (static segment)',
  definition: 'f(A) * f(B), f(x) = x below 2^m, else x without its n - m low bits',
  domains: 'u x u; signed operands by sign and magnitude; 2..16 bits each',
  // with fewer than half of the bits there would be numbers whose leading one is in neither segment
  parameters: [segmentParameter('m', ({ nA, nB }) => Math.ceil(Math.max(nA, nB) / 2))],
  supports: () => true,
  define: (domain, values) => staticSegments(domain, Number(values['m']), (rest) => [0, rest]),
}

/** The product of the lowest segments of m bits that hold the leading ones; `placesOf` says where segments stand, of n - m places. */
export function staticSegments(
  domain: Domain,
  m: number,
  placesOf: (most: number) => readonly number[],
): Definition {
  const factor = (bits: number) => (x: number) => {
    if (bits <= m) return x
    const place = placesOf(bits - m).find((one) => x < 2 ** (one + m))!
    return Math.floor(x / 2 ** place) * 2 ** place
  }
  const keepsAll = (bits: number, signed: boolean) => {
    const [low, high] = [2 ** (bits - 1) - 1, 2 ** bits - 1].map((x) => factor(bits)(x) === x)
    return signed ? low! : high!
  }
  return byMagnitudes(domain, {
    product<T>(c: Comb<T>, x: T, y: T): T {
      const segment = (operand: T, name: string) =>
        placedSegment(c, operand, m, placesOf(Math.max(0, c.width(operand) - m)), name)
      return segmentProduct(c, segment(x, 'a'), segment(y, 'b'), c.width(x) + c.width(y))
    },
    zeroExact: true,
    exact: keepsAll(domain.nA, domain.signedA) && keepsAll(domain.nB, domain.signedB),
    factors: [{ ofA: factor(domain.nA), ofB: factor(domain.nB) }],
  })
}
