import type { Family } from '../family.ts'
import { segmentParameter } from '../segment.ts'
import { staticSegments } from './ssm.ts'

/** Enhanced static segment multiplier: a third segment between those of `ssm`. */
export const essm: Family = {
  id: 'essm',
  summary: 'the upper, middle or lower m bits (enhanced static segment)',
  definition: [
    'f(A) * f(B), f(x) = x without the bits below the lowest segment of m bits that holds its leading one;',
    'segments start at bits 0, floor((n-m)/2) and n-m',
  ].join('\n'),
  domains: 'u x u; signed operands by sign and magnitude; 2..16 bits each',
  // with fewer bits there would be numbers whose leading one is between two segments
  parameters: [segmentParameter('m', ({ nA, nB }) => Math.ceil(Math.max(nA, nB) / 3))],
  supports: () => true,
  define: (domain, values) =>
    staticSegments(domain, Number(values['m']), (most) => [...new Set([0, Math.floor(most / 2), most])]),
}
