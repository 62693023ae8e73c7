import type { Multiplier } from '../arith/multiplier.ts'
import { defineModule, type Module } from '../hdl/module.ts'

/** The multiplier as a module of its own, so that a count of its instances is a count of multipliers. */
export function multiplierCore(multiplier: Multiplier): Module {
  const { domain } = multiplier
  const kind = (bits: number, signed: boolean) => `${bits}-bit ${signed ? 'signed' : 'unsigned'}`
  const comment =
    `Multiplier ${multiplier.spec}: ${kind(domain.nA, domain.signedA)} activation a, ${kind(domain.nB, domain.signedB)} weight b, ` +
    `${kind(multiplier.productBits, multiplier.productSigned)} product p.`
  return defineModule(`mul_${multiplier.id}`, comment, (m) => {
    const a = m.input('a', domain.nA)
    const b = m.input('b', domain.nB)
    m.output('p', multiplier.build(m.c, a, b))
  })
}
