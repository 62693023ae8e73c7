import type { Comb } from '../../comb/comb.ts'
import { bit, reduceOr, replicate, resize } from '../../comb/derived.ts'
import { unsignedProduct } from '../array.ts'
import type { Family } from '../family.ts'
import { smear } from '../leading-one.ts'
import { byMagnitudes } from '../sign-magnitude.ts'
import { hasZeroGate, zeroGated, zeroGateParameter } from '../zero-gate.ts'

/** Error-tolerant multiplier (K. Y. Kyaw, W. L. Goh, K. S. Yeo, "Low-power high-speed multiplier for error-tolerant application", 2010). */
export const etm: Family = {
  id: 'etm',
  summary: 'exact high parts, low parts by OR (error tolerant)',
  definition: [
    'the exact product of the low s bits where both high parts are 0; else (high part of A * high part of B) 2^(2s)',
    'plus 2s bits: the OR of the low parts, ones from its leading one on down to bit 0',
  ].join('\n'),
  domains: 'u x u; signed operands by sign and magnitude; 2..16 bits each',
  parameters: [
    {
      kind: 'integer',
      name: 's',
      summary: 'bits of the low parts',
      range: ({ nA, nB }) => [1, Math.min(nA, nB) - 1],
    },
    zeroGateParameter,
  ],
  supports: () => true,
  define(domain, values) {
    const s = Number(values['s'])
    const gated = hasZeroGate(values)
    return byMagnitudes(domain, {
      product(c, x, y) {
        const product = etmProduct(c, x, y, s)
        return gated ? zeroGated(c, product, x, y) : product
      },
      // beside a zero, an operand with a high and a low part leaves the low part
      zeroExact:
        gated || (hasOneHigh(domain.nA, domain.signedA, s) && hasOneHigh(domain.nB, domain.signedB, s)),
    })
  },
}

/** Whether the one magnitude with a high part is 2^(n-1), that of the smallest operand. */
const hasOneHigh = (bits: number, signed: boolean, s: number) => signed && s === bits - 1

function etmProduct<T>(c: Comb<T>, x: T, y: T, s: number): T {
  const high = (operand: T) => c.slice(operand, c.width(operand) - 1, s)
  const low = (operand: T) => c.slice(operand, s - 1, 0)
  const anyHigh = c.label(c.or(reduceOr(c, high(x)), reduceOr(c, high(y))), 'any_high')
  // one exact core does for the high and the low parts
  const chosen = (operand: T) => {
    const width = Math.max(s, c.width(operand) - s)
    return c.mux(anyHigh, c.zeroExtend(high(operand), width), c.zeroExtend(low(operand), width))
  }
  const core = c.label(unsignedProduct(c, chosen(x), chosen(y)), 'core')
  const filled = smear(c, c.or(low(x), low(y)))
  const ones = c.cat(filled, replicate(c, bit(c, filled, 0), s))
  const width = c.width(x) + c.width(y)
  const whole = c.cat(resize(c, core, false, width - 2 * s), c.label(ones, 'low_part'))
  return c.mux(anyHigh, whole, resize(c, core, false, width))
}
