import type { Comb } from '../comb/comb.ts'
import { gate, reduceOr } from '../comb/derived.ts'
import type { Parameter, ParameterValues } from './family.ts'

/** Of families that are not 0 at zero operands. */
export const zeroGateParameter: Parameter = {
  kind: 'choice',
  name: 'zeroGate',
  summary: 'product forced to 0 where an operand is 0',
  choices: ['no', 'yes'],
}

export const hasZeroGate = (values: ParameterValues): boolean => values['zeroGate'] === 'yes'

/** `product`, and 0 where an operand is 0. */
export function zeroGated<T>(c: Comb<T>, product: T, a: T, b: T): T {
  const both = c.label(c.and(reduceOr(c, a), reduceOr(c, b)), 'operands_not_zero')
  return gate(c, c.label(product, 'ungated'), both)
}
