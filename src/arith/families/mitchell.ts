import type { Comb } from '../../comb/comb.ts'
import { prefixAdd } from '../adder.ts'
import type { Family } from '../family.ts'
import { type Logarithms, logarithms, scaleDown } from '../logarithm.ts'
import { byMagnitudes } from '../sign-magnitude.ts'

/** Sum of logarithms (J. N. Mitchell, "Computer multiplication and division using binary logarithms", 1962). */
export const mitchell: Family = {
  id: 'mitchell',
  summary: "the sum of linear logarithms (Mitchell's)",
  definition: [
    'with A = 2^k1 (1+x1), B = 2^k2 (1+x2): floor of 2^(k1+k2) (1+x1+x2) where x1+x2 < 1,',
    'else of 2^(k1+k2+1) (x1+x2); 0 where an operand is 0',
  ].join('\n'),
  domains: 'u x u; signed operands by sign and magnitude; 2..16 bits each',
  parameters: [],
  supports: () => true,
  define: (domain) =>
    byMagnitudes(domain, {
      product(c, x, y) {
        const logs = logarithms(c, x, y)
        const { places, fraction } = logarithmSum(c, logs)
        return scaleDown(c, c.cat(c.constant(1, 1), fraction), places, logs)
      },
      zeroExact: true,
    }),
}

/** k1 + k2 and a carry, and the fraction, of the sum of two logarithms. */
export function logarithmSum<T>(c: Comb<T>, { a, b, fractionBits }: Logarithms<T>) {
  const sum = prefixAdd(
    c,
    ...([a, b].map(({ place, fraction }) => {
      const logarithm = c.cat(place, fraction)
      return c.zeroExtend(logarithm, c.width(logarithm) + 1)
    }) as [T, T]),
  )
  return {
    places: c.slice(sum, c.width(sum) - 1, fractionBits),
    fraction: c.slice(sum, fractionBits - 1, 0),
  }
}
