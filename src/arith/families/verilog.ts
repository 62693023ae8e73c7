import { dataError, invariant } from '../../base/errors.ts'
import { resize } from '../../comb/derived.ts'
import { allPairs, productsOf } from '../batch.ts'
import { type Domain, domainName } from '../domain.ts'
import type { Family } from '../family.ts'
import { evaluateGates } from '../gate-list.ts'
import { propertiesOf } from '../table-properties.ts'
import { type UserCircuit, userMultiplier } from '../user-multipliers.ts'
import { fitsUser, userBits } from './lut.ts'

const port = (name: string, summary: string) => ({ kind: 'text', name, summary, optional: true }) as const

/** A user's own module. The hardware instantiates it as it is; what it computes is known from its gates, for all operands. */
export const verilog: Family = {
  id: 'verilog',
  summary: "a user's own Verilog module",
  definition: 'whatever the module computes: two inputs, one output, no state',
  domains: `u x u, s x s, u x s, s x u; 2..${userBits} bits each`,
  parameters: [
    { kind: 'text', name: 'file', summary: 'the Verilog file, with all modules it needs', optional: false },
    port('top', 'the module; without it, the one that no other instantiates'),
    port('a', 'port of the activation; without it, the first input'),
    port('b', 'port of the weight; without it, the second input'),
    port('p', 'port of the product; without it, the output'),
  ],
  supports: fitsUser,
  define(domain, values) {
    const source = userMultiplier('verilog', values)
    invariant(source?.kind === 'circuit', `the module of ${values['file']} was not read`)
    checkWidths(source, domain)
    const { gates, verilog, digest } = source
    const productSigned = domain.signedA || domain.signedB
    const { a, b } = allPairs(domain)
    const table = productsOf(
      {
        domain,
        productBits: verilog.outputBits,
        productSigned,
        build: (c, x, y) => evaluateGates(c, gates, x, y),
      },
      a,
      b,
    )
    const products = Int32Array.from(table)
    return {
      ...propertiesOf(products, domain),
      product: (c, x, y, width) => resize(c, evaluateGates(c, gates, x, y), productSigned, width),
      table: products,
      digest,
      verilog,
    }
  },
}

function checkWidths(
  { gates, verilog: { top, ports, outputBits }, file }: UserCircuit,
  domain: Domain,
): void {
  for (const [name, bits, wanted] of [
    [ports.a, gates.a.length, domain.nA],
    [ports.b, gates.b.length, domain.nB],
  ] as const) {
    if (bits !== wanted)
      throw dataError(
        `the port ${name} of ${top} has ${bits} bits, but an operand of ${domainName(domain)} has ${wanted}`,
        { where: file, hint: 'Operands must fit exactly; a and b name the ports (a=NAME,b=NAME).' },
      )
  }
  // Products are kept as numbers of 32 bits.
  const most = domain.signedA || domain.signedB ? 32 : 31
  if (outputBits > most)
    throw dataError(`the port ${ports.p} of ${top} has ${outputBits} bits; at most ${most} are possible`, {
      where: file,
    })
}
