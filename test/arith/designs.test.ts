import { describe, expect, it } from 'vitest'
import { tabulatedDesigns } from '../../src/arith/designs.ts'
import { parseDomain } from '../../src/arith/domain.ts'
import { families } from '../../src/arith/registry.ts'

const of = (domain: string) => tabulatedDesigns(parseDomain(domain))

describe('the table of designs', () => {
  it('has at least 150 of 8 bits and 40 of 16 bits, none twice', () => {
    const small = [...of('s8s8'), ...of('u8u8')]
    const wide = [...of('s16s16'), ...of('u16u16')]
    expect(small.length).toBeGreaterThanOrEqual(150)
    expect(wide.length).toBeGreaterThanOrEqual(40)
    for (const designs of [small, wide])
      expect(new Set(designs.map(({ id }) => id)).size).toBe(designs.length)
  })

  it.each(['s8s8', 'u8u8', 's16s16', 'u16u16', 'u8s8'])('has every family that multiplies %s', (domain) => {
    const operands = parseDomain(domain)
    const ids = families
      .filter(({ id, supports }) => supports(operands) && !/^(lut|verilog)$/.test(id))
      .map(({ id }) => id)
    expect([...new Set(of(domain).map(({ family }) => family))].sort()).toEqual(ids.sort())
  })

  it('has the exact multipliers of narrower operands beside symmetric roup', () => {
    const specs = of('s8s8').map(({ spec }) => spec)
    for (const spec of specs) {
      const [, p, r] = /^roup:p=(\d),r=(\d)$/.exec(spec) ?? []
      if (p === undefined || p === '0') continue
      if (r !== '0') expect(specs, spec).toContain(`trunc:ka=${r},kb=${2 * Number(p)}`)
    }
  })
})
