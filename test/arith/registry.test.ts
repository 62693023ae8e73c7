import { describe, expect, it } from 'vitest'
import { parseDomain } from '../../src/arith/domain.ts'
import { parseMultiplier } from '../../src/arith/registry.ts'
import { XgenError } from '../../src/base/errors.ts'

const s8s8 = parseDomain('s8s8')

describe('multiplier specs', () => {
  it.each([
    ['exact', 'exact', 'exact_s8s8'],
    [' exact:arch=operator ', 'exact', 'exact_s8s8'],
    ['exact:adder=ripple,arch=booth4', 'exact:arch=booth4,adder=ripple', 'exact_booth4_ripple_s8s8'],
    ['roup:r=2,p=1', 'roup:p=1,r=2', 'roup_p1_r2_s8s8'],
    ['roup:p=0, r=5, rounding=asymmetric', 'roup:p=0,r=5,rounding=asymmetric', 'roup_p0_r5_asymmetric_s8s8'],
    ['trunc:ka=2,kb=02', 'trunc:ka=2,kb=2', 'trunc_ka2_kb2_s8s8'],
  ])('%s is %s', (given, spec, id) => {
    const m = parseMultiplier(given, s8s8)
    expect([m.spec, m.id]).toEqual([spec, id])
    expect(parseMultiplier(m.spec, s8s8)).toBe(m)
  })

  it.each([
    ['roop:p=1,r=2', 's8s8', '"roop" is no multiplier family. Did you mean "roup"?'],
    ['', 's8s8', '"" is no multiplier family.'],
    ['roup:p=1,s=2', 's8s8', '"roup:p=1,s=2": roup has no parameter "s".'],
    ['roup:p=1,rouding=symmetric', 's8s8', 'roup has no parameter "rouding". Did you mean "rounding"?'],
    ['roup:p=1,p=2,r=1', 's8s8', '"roup:p=1,p=2,r=1" gives p twice'],
    ['roup:p=1', 's8s8', '"roup:p=1" needs r (bits of A rounded away, 0..7 for s8s8)'],
    ['roup', 's8s8', '"roup" needs p (Booth digits of B perforated, 0..3 for s8s8)'],
    ['roup:p=4,r=0', 's8s8', 'p must be a whole number from 0 to 3 for s8s8, not "4"'],
    ['roup:p=4,r=0', 's8s7', 'p must be a whole number from 0 to 3 for s8s7, not "4"'],
    ['roup:p=-1,r=0', 's8s8', 'not "-1"'],
    ['trunc:ka=1.5,kb=0', 's8s8', 'ka must be a whole number from 0 to 7 for s8s8, not "1.5"'],
    ['trunc:ka=1,kb=8', 's8s8', 'kb must be a whole number from 0 to 7 for s8s8, not "8"'],
    ['exact:arch=boot4', 's8s8', 'arch is operator or array or booth4, not "boot4". Did you mean "booth4"?'],
    ['exact:tree=dadda', 's8s8', 'tree and adder need arch=array or arch=booth4'],
    ['exact:', 's8s8', '"exact:": "" is no key=value'],
    ['roup:p1', 's8s8', '"p1" is no key=value'],
    ['roup:p=0,r=0', 's8u8', '"roup" does not multiply s8u8'],
  ])('%s for %s is refused', (spec, domain, message) => {
    expect(() => parseMultiplier(spec, parseDomain(domain))).toThrow(message)
  })

  it('names the place and the remedy', () => {
    let caught: unknown
    try {
      parseMultiplier('roop', s8s8, 'xgen.yaml:7:12: multipliers.conv2')
    } catch (error) {
      caught = error
    }
    expect(caught).toBeInstanceOf(XgenError)
    expect(caught).toMatchObject({
      kind: 'usage',
      where: 'xgen.yaml:7:12: multipliers.conv2',
      hint: expect.stringContaining('xgen mult list'),
    })
  })

  it.each(['s8', 's8s1', 's17s8', 'x8s8', 's8s8s8', ''])('"%s" is no domain', (text) => {
    expect(() => parseDomain(text)).toThrow('is no multiplier domain')
  })
})
