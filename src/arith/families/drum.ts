import type { Comb } from '../../comb/comb.ts'
import { bit, reduceOr } from '../../comb/derived.ts'
import type { Family } from '../family.ts'
import { leadingPlaceOf, leadingSegment, type Segment, segmentParameter, segmentProduct } from '../segment.ts'
import { byMagnitudes } from '../sign-magnitude.ts'

/** Dynamic range unbiased multiplier (S. Hashemi, R. I. Bahar, S. Reda, "DRUM: A dynamic range unbiased multiplier for approximate applications", 2015). */
export const drum: Family = {
  id: 'drum',
  summary: 'k bits from the leading one, the last one set (dynamic range unbiased)',
  definition: [
    'f(A) * f(B), f(x) = x below 2^k; else, t being the leading one,',
    'bits t..t-k+2 of x, bit t-k+1 set, zeros below',
  ].join('\n'),
  domains: 'u x u; signed operands by sign and magnitude; 2..16 bits each',
  parameters: [segmentParameter('k', () => 2)],
  supports: () => true,
  define(domain, values) {
    const k = Number(values['k'])
    const f = (x: number) => unbiased(x, k)
    return byMagnitudes(domain, {
      product: (c, x, y) =>
        segmentProduct(
          c,
          unbiasedSegment(c, x, k, 'a'),
          unbiasedSegment(c, y, k, 'b'),
          c.width(x) + c.width(y),
        ),
      zeroExact: true,
      exact: k >= domain.nA && k >= domain.nB,
      factors: [{ ofA: f, ofB: f }],
    })
  },
}

function unbiasedSegment<T>(c: Comb<T>, x: T, k: number, name: string): Segment<T> {
  const segment = leadingSegment(c, x, k, name)
  const width = c.width(x)
  if (width <= k) return segment
  const cut = c.label(reduceOr(c, c.slice(x, width - 1, k)), `${name}_cut`)
  const { bits } = segment
  return { ...segment, bits: c.cat(c.slice(bits, k - 1, 1), c.or(bit(c, bits, 0), cut)) }
}

function unbiased(x: number, k: number): number {
  if (x < 2 ** k) return x
  const unit = 2 ** (leadingPlaceOf(x) - k + 1)
  const head = Math.floor(x / unit)
  return (head % 2 === 0 ? head + 1 : head) * unit
}
