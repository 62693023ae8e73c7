import type { Comb } from '../../comb/comb.ts'
import { resize } from '../../comb/derived.ts'
import { adders } from '../adder.ts'
import { addCells } from '../array.ts'
import { addBoothRow, boothDigits } from '../booth.ts'
import { type Columns, compress, emptyColumns, type Reduction, trees } from '../compressor.ts'
import { type Domain, operandRange } from '../domain.ts'
import { type Family, type Parameter, type ParameterValues, productRange } from '../family.ts'

/** How the partial products of a gate-level multiplier are added. */
export const reductionParameters: readonly Parameter[] = [
  { kind: 'choice', name: 'tree', summary: 'order of the compressor tree', choices: trees },
  { kind: 'choice', name: 'adder', summary: 'final adder', choices: adders },
]

export const reductionOf = (values: ParameterValues) => values as unknown as Reduction

/** How an exact product is made. */
export const architectureParameters: readonly Parameter[] = [
  {
    kind: 'choice',
    name: 'arch',
    summary: '"*" (synthesis chooses), AND array, or Booth radix 4',
    choices: ['operator', 'array', 'booth4'],
  },
  ...reductionParameters,
]

export const architectureConflict: Family['conflict'] = ({ arch }, given) =>
  arch === 'operator' && (given.has('tree') || given.has('adder'))
    ? 'tree and adder need arch=array or arch=booth4'
    : undefined

/** A*B: by the synthesiser's own multiplier, by an array of AND gates, or by radix-4 Booth recoding. */
export const exact: Family = {
  id: 'exact',
  summary: 'the exact product',
  definition: 'A * B',
  domains: 'u x u, s x s, u x s, s x u; 2..16 bits each',
  parameters: [...architectureParameters],
  supports: () => true,
  conflict: architectureConflict,
  define(domain, values) {
    return {
      product: (c, a, b, width) => exactProduct(c, a, b, domain, width, values),
      range: productRange(operandRange(domain.nA, domain.signedA), operandRange(domain.nB, domain.signedB)),
      exact: true,
      zeroExact: true,
      factors: [{ ofA: (a) => a, ofB: (b) => b }],
    }
  },
}

/** A*B modulo 2^width by the architecture that the values name; the operands may be narrower than the domain's. */
export function exactProduct<T>(
  c: Comb<T>,
  a: T,
  b: T,
  domain: Pick<Domain, 'signedA' | 'signedB'>,
  width: number,
  values: ParameterValues,
): T {
  if (values['arch'] === 'operator') return operatorProduct(c, a, b, domain, width)
  const partialProducts = values['arch'] === 'array' ? arrayColumns : boothColumns
  return compress(c, partialProducts(c, a, b, domain, width), reductionOf(values))
}

/** A*B by one `*`, cut to `width` bits. A mixed pair becomes signed by one more bit. */
function operatorProduct<T>(
  c: Comb<T>,
  a: T,
  b: T,
  { signedA, signedB }: Pick<Domain, 'signedA' | 'signedB'>,
  width: number,
): T {
  const product =
    signedA || signedB
      ? c.mulSigned(
          signedA ? a : c.zeroExtend(a, c.width(a) + 1),
          signedB ? b : c.zeroExtend(b, c.width(b) + 1),
        )
      : c.mul(a, b)
  return resize(c, product, signedA || signedB, width)
}

function arrayColumns<T>(
  c: Comb<T>,
  a: T,
  b: T,
  domain: Pick<Domain, 'signedA' | 'signedB'>,
  width: number,
): Columns<T> {
  const columns = emptyColumns<T>(width)
  addCells(c, columns, a, b, domain)
  return columns
}

function boothColumns<T>(
  c: Comb<T>,
  a: T,
  b: T,
  { signedA, signedB }: Pick<Domain, 'signedA' | 'signedB'>,
  width: number,
): Columns<T> {
  const x = signedA ? a : c.zeroExtend(a, c.width(a) + 1)
  const recoded = signedB ? b : c.zeroExtend(b, c.width(b) + 1)
  const columns = emptyColumns<T>(width)
  for (const [j, digit] of boothDigits(c, recoded).entries()) addBoothRow(c, columns, digit, x, 2 * j)
  return columns
}
