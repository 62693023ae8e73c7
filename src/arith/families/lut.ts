import { dataError, invariant } from '../../base/errors.ts'
import { signedBits, unsignedBits } from '../../base/integers.ts'
import { decide, decisionDiagram, multiplexersOf } from '../decision-diagram.ts'
import { type Domain, domainName } from '../domain.ts'
import type { Definition, Family, ParameterValues } from '../family.ts'
import { propertiesOf } from '../table-properties.ts'
import { type UserTable, userMultiplier } from '../user-multipliers.ts'

/** Widest operand of a multiplier that a user brings. */
export const userBits = 8

export const fitsUser = ({ nA, nB }: Domain) => nA <= userBits && nB <= userBits

/** A user's table of products. */
export const lut: Family = {
  id: 'lut',
  summary: "a user's table of products",
  definition: 'entry (A, B) of the table: row = code of A, column = code of B',
  domains: `u x u, s x s, u x s, s x u; 2..${userBits} bits each`,
  parameters: [
    {
      kind: 'text',
      name: 'file',
      summary: '.npy of integers, .csv, or .bin (u16 or i32, little-endian, B fastest)',
      optional: false,
    },
    { kind: 'choice', name: 'transpose', summary: 'yes: row = code of B', choices: ['no', 'yes'] },
  ],
  supports: fitsUser,
  define(domain, values) {
    const source = userMultiplier('lut', values)
    invariant(source?.kind === 'table', `the table ${values['file']} was not read`)
    const key = `${domainName(domain)} ${values['transpose']}`
    const known = defined.get(source) ?? new Map<string, Definition>()
    defined.set(source, known)
    let definition = known.get(key)
    if (definition === undefined) known.set(key, (definition = definitionOf(source, domain, values)))
    return definition
  },
}

/** By table, what each domain makes of it: a network's entries name one table again and again, and a diagram takes a fifth of a second. */
const defined = new WeakMap<UserTable, Map<string, Definition>>()

function definitionOf(source: UserTable, domain: Domain, values: ParameterValues): Definition {
  const [rows, columns] = [2 ** domain.nA, 2 ** domain.nB]
  const negative = domain.signedA || domain.signedB
  const transposed = values['transpose'] === 'yes'
  const given = transposed
    ? source.products(columns, rows, negative)
    : source.products(rows, columns, negative)
  const table = Int32Array.from({ length: rows * columns }, (_, i) =>
    transposed ? given[(i % columns) * rows + Math.floor(i / columns)]! : given[i]!,
  )
  const properties = propertiesOf(table, domain)
  const [low, high] = properties.range
  if (low === high)
    throw dataError(`the table has ${low} everywhere: no multiplier of ${domainName(domain)}`, {
      where: source.file,
    })
  const diagram = decisionDiagram(table, domain, low < 0 ? signedBits(low, high) : unsignedBits(high))
  return {
    ...properties,
    product: (c, a, b) => decide(c, diagram, a, b),
    table,
    multiplexers: multiplexersOf(diagram),
    digest: source.digest,
  }
}
