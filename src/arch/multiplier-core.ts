import type { ModalMultiplier } from '../arith/modes.ts'
import { coreModule, type Multiplier } from '../arith/multiplier.ts'
import { defineModule, type Module } from '../hdl/module.ts'

/** What a PE may have for a multiplier: one function, or several with a choice at run time. */
export type TileMultiplier = Multiplier | ModalMultiplier

/** Bits of the operand that chooses the function; 0 where there is one function. */
export const modeBitsOf = (multiplier: TileMultiplier): number =>
  'modes' in multiplier ? multiplier.modeBits : 0

/** The multiplier as a module of its own, so that a count of its instances is a count of multipliers. */
export function multiplierCore(multiplier: TileMultiplier): Module {
  const { domain } = multiplier
  const kind = (bits: number, signed: boolean) => `${bits}-bit ${signed ? 'signed' : 'unsigned'}`
  const modes =
    'modes' in multiplier
      ? `\nmode: ${multiplier.modes.map(({ spec }, mode) => `${mode} ${spec}`).join(', ')}.`
      : ''
  const name = 'modes' in multiplier ? 'roup with run-time modes' : multiplier.spec
  const comment =
    `Multiplier ${name}: ${kind(domain.nA, domain.signedA)} activation a, ${kind(domain.nB, domain.signedB)} weight b, ` +
    `${kind(multiplier.productBits, multiplier.productSigned)} product p.${modes}`
  const core = defineModule(coreModule(multiplier), comment, (m) => {
    const a = m.input('a', domain.nA)
    const b = m.input('b', domain.nB)
    m.output(
      'p',
      'modes' in multiplier
        ? multiplier.build(m.c, a, b, m.input('mode', multiplier.modeBits))
        : multiplier.build(m.c, a, b),
    )
  })
  if ('modes' in multiplier || multiplier.verilog === undefined) return core
  const { verilog } = multiplier
  return { ...core, foreign: verilog }
}
