import type { Comb } from '../../comb/comb.ts'
import { prefixAdd } from '../adder.ts'
import type { Family } from '../family.ts'
import { type Logarithms, logarithms, scaleDown } from '../logarithm.ts'
import { byMagnitudes } from '../sign-magnitude.ts'

/** Approximate logarithmic multiplier with a set-one adder (W. Liu et al., "Design and evaluation of approximate logarithmic multipliers for low power error-tolerant applications", 2018). */
export const almSoa: Family = {
  id: 'alm-soa',
  summary: "Mitchell's product, the low bits of the fractions' sum set to 1 (set-one adder)",
  definition: [
    "Mitchell's product with fractions of max(nA, nB) - 1 bits, of whose sum the low w bits are 1 and bit w",
    'has the AND of both bits w-1 for its carry; floor; 0 where an operand is 0',
  ].join('\n'),
  domains: 'u x u; signed operands by sign and magnitude; 2..16 bits each',
  parameters: [
    {
      kind: 'integer',
      name: 'w',
      summary: "bits of the fractions' sum set to 1",
      range: ({ nA, nB }) => [1, Math.max(nA, nB) - 1],
    },
  ],
  supports: () => true,
  define(domain, values) {
    const w = Number(values['w'])
    return byMagnitudes(domain, {
      product(c, x, y) {
        const logs = logarithms(c, x, y)
        const sum = setOneSum(c, logs, w)
        const top = c.width(sum) - 1
        const mantissa = c.cat(c.constant(1, 1), c.slice(sum, logs.fractionBits - 1, 0))
        return scaleDown(c, mantissa, c.slice(sum, top, logs.fractionBits), logs)
      },
      zeroExact: true,
      exact: false,
    })
  },
}

/** The sum of the logarithms, the low w bits 1. Bit w-1 is added too: its carry is the AND of both. */
function setOneSum<T>(c: Comb<T>, { a, b }: Logarithms<T>, w: number): T {
  const [x, y] = [a, b].map(({ place, fraction }) => {
    const logarithm = c.cat(place, fraction)
    const width = c.width(logarithm)
    return c.zeroExtend(c.slice(logarithm, width - 1, w - 1), width - w + 2)
  }) as [T, T]
  const sum = prefixAdd(c, x, y)
  return c.cat(c.slice(sum, c.width(sum) - 1, 1), c.constant(-1, w))
}
