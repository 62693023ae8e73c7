import { bit, fromBits, scaleUp } from '../../comb/derived.ts'
import { prefixAdd } from '../adder.ts'
import type { Family } from '../family.ts'
import { logarithms, scaleDown } from '../logarithm.ts'
import { byMagnitudes } from '../sign-magnitude.ts'
import { logarithmSum } from './mitchell.ts'

/** c = 2^-4 + 2^-6, and half of it, need so many bits of a fraction. */
const correctionBits = 7

/** Minimally biased multiplier (H. Saadat, H. Bokhari, S. Parameswaran, "Minimally biased multipliers for approximate integer and floating-point multiplication", 2018). */
export const mbm: Family = {
  id: 'mbm',
  summary: "Mitchell's product with a constant added (minimally biased)",
  definition: [
    'with A = 2^k1 (1+x1), B = 2^k2 (1+x2): floor of 2^(k1+k2) (1+x1+x2+c) where x1+x2 < 1,',
    'else of 2^(k1+k2+1) (x1+x2+c/2); 0 where an operand is 0',
  ].join('\n'),
  domains: 'u x u; signed operands by sign and magnitude; 2..16 bits each',
  parameters: [{ kind: 'choice', name: 'c', summary: 'the constant', choices: ['0.078125'] }],
  supports: () => true,
  define: (domain) =>
    byMagnitudes(domain, {
      product(c, x, y) {
        const logs = logarithms(c, x, y)
        const { places, fraction } = logarithmSum(c, logs)
        // the sum of the places has a carry where its lowest bit is not that of the places' own sum
        const carry = c.label(
          c.xor(bit(c, places, 0), c.xor(bit(c, logs.a.place, 0), bit(c, logs.b.place, 0))),
          'fraction_carry',
        )
        const bits = Math.max(correctionBits, logs.fractionBits)
        const [zero, whole] = [c.constant(0, 1), c.not(carry)]
        // 0.0001010 or 0.0000101
        const correction = fromBits(c, [carry, whole, carry, whole, zero, zero, zero, zero, zero])
        const mantissa = prefixAdd(
          c,
          scaleUp(c, c.cat(c.constant(1, 2), fraction), bits - logs.fractionBits),
          scaleUp(c, correction, bits - correctionBits),
        )
        return scaleDown(c, mantissa, places, logs, 1)
      },
      zeroExact: true,
    }),
}
