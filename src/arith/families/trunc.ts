import { scaleUp } from '../../comb/derived.ts'
import { type Family, monotoneRange, productRange, truncateAt } from '../family.ts'
import { architectureConflict, architectureParameters, exactProduct } from './exact.ts'

/** Both operands without their low bits: an exact multiplier of (nA - ka) x (nB - kb) bits. */
export const trunc: Family = {
  id: 'trunc',
  summary: 'operands without their low bits',
  definition: '(A >> ka << ka) * (B >> kb << kb), arithmetic shifts',
  domains: 'u x u, s x s, u x s, s x u; 2..16 bits each',
  parameters: [
    { kind: 'integer', name: 'ka', summary: 'low bits of A dropped', range: ({ nA }) => [0, nA - 1] },
    { kind: 'integer', name: 'kb', summary: 'low bits of B dropped', range: ({ nB }) => [0, nB - 1] },
    ...architectureParameters,
  ],
  supports: () => true,
  conflict: architectureConflict,
  define(domain, values) {
    const [ka, kb] = [Number(values['ka']), Number(values['kb'])]
    const ofA = (a: number) => truncateAt(a, ka)
    const ofB = (b: number) => truncateAt(b, kb)
    const { nA, nB, signedA, signedB } = domain
    return {
      product(c, a, b, width) {
        const kept = exactProduct(
          c,
          c.slice(a, nA - 1, ka),
          c.slice(b, nB - 1, kb),
          domain,
          Math.max(1, width - ka - kb),
          values,
        )
        return scaleUp(c, kept, ka + kb)
      },
      range: productRange(monotoneRange(ofA, nA, signedA), monotoneRange(ofB, nB, signedB)),
      exact: ka === 0 && kb === 0,
      zeroExact: true,
      factors: [{ ofA, ofB }],
    }
  },
}
