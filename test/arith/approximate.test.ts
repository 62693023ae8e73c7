import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { multiplierCore } from '../../src/arch/multiplier-core.ts'
import { operandValue, productsOf } from '../../src/arith/batch.ts'
import { type Domain, domainName, operandRange, parseDomain } from '../../src/arith/domain.ts'
import type { Multiplier } from '../../src/arith/multiplier.ts'
import { families, parseMultiplier } from '../../src/arith/registry.ts'
import { seededRandom } from '../../src/base/random.ts'
import { compileCircuit } from '../../src/hdl/simulator.ts'
import { approximateSpecs, fittedSpec } from '../fixtures/multiplier-specs.ts'
import { approximateFamilies, approximateProduct } from '../oracles/approximate-multipliers.ts'

const full = process.env['XGEN_FULL'] === '1'

const domains = (most: number): fc.Arbitrary<Domain> => {
  const bits = fc.integer({ min: 2, max: most })
  return fc.record({ nA: bits, nB: bits, signedA: fc.boolean(), signedB: fc.boolean() })
}

/** Any multiplier of any domain that its family has. */
const multipliers = (most: number): fc.Arbitrary<Multiplier> =>
  fc
    .tuple(approximateSpecs, domains(most))
    .map(([spec, domain]) => ({ spec: fittedSpec(spec, domain.nA, domain.nB), domain }))
    .map(({ spec, domain }) => ({
      spec,
      domain: /^(rad|r4abm1)/.test(spec) ? { ...domain, signedB: true } : domain,
    }))
    .filter(({ spec }) => spec !== 'exact')
    .map(({ spec, domain }) => parseMultiplier(spec, domain))

const byFactors = ({ factors = [] }: Multiplier, a: number, b: number) =>
  factors.reduce((sum, { ofA, ofB }) => sum + ofA(a) * ofB(b), 0)

describe('every approximate family in every domain', () => {
  const operandsOf = (n: number, signed: boolean) => {
    const [low, high] = operandRange(n, signed)
    return fc.oneof(
      fc.integer({ min: low, max: high }),
      fc.constantFrom(low, low + 1, 0, 1, 2, 3, high - 1, high).filter((x) => x >= low && x <= high),
    )
  }

  it('is its plain definition, within its range, by its factors', () => {
    const samples = multipliers(16).chain((multiplier) => {
      const { nA, nB, signedA, signedB } = multiplier.domain
      const pair = fc.tuple(operandsOf(nA, signedA), operandsOf(nB, signedB))
      return fc.tuple(fc.constant(multiplier), fc.array(pair, { minLength: 20, maxLength: 20 }))
    })
    const seen = new Set<string>()
    const property = fc.property(samples, ([m, pairs]) => {
      seen.add(m.family)
      const codes = (index: 0 | 1, n: number) => pairs.map((pair) => pair[index] & (2 ** n - 1))
      const products = productsOf(m, codes(0, m.domain.nA), codes(1, m.domain.nB))
      for (const [i, [a, b]] of pairs.entries()) {
        const expected = approximateProduct(m.spec, m.domain, a, b)
        expect(products[i]).toBe(expected)
        if (i < 4) expect(m.multiply(a, b)).toBe(expected)
        expect(expected).toBeGreaterThanOrEqual(m.productRange[0])
        expect(expected).toBeLessThanOrEqual(m.productRange[1])
        if (m.factors !== undefined) expect(byFactors(m, a, b) + 0).toBe(expected)
        if (m.exact) expect(expected).toBe(a * b + 0)
        if (m.zeroExact && a * b === 0) expect(expected).toBe(0)
      }
    })
    fc.assert(property, { numRuns: full ? 20_000 : 400, seed: 7 })
    expect([...seen].sort()).toEqual([...approximateFamilies].sort())
  })

  it('has the table, the exact range and the right properties in small domains', () => {
    const property = fc.property(multipliers(7), (m) => {
      const { nA, signedA, nB, signedB } = m.domain
      const table = m.table()
      let [low, high, wrong, inexact, zeros, unlike] = [0, 0, 0, 0, 0, 0]
      for (let i = 0; i < table.length; i++) {
        const [a, b] = [operandValue(i >> nB, nA, signedA), operandValue(i & (2 ** nB - 1), nB, signedB)]
        const expected = approximateProduct(m.spec, m.domain, a, b)
        if (table[i] !== expected) wrong++
        if (expected !== a * b) inexact++
        if (a * b === 0 && expected !== 0) zeros++
        if (m.factors !== undefined && byFactors(m, a, b) !== expected) unlike++
        low = Math.min(low, expected)
        high = Math.max(high, expected)
      }
      expect({ wrong, unlike }).toEqual({ wrong: 0, unlike: 0 })
      // A range always holds 0.
      expect(m.productRange).toEqual([low, high])
      expect([m.exact, m.zeroExact, m.productSigned]).toEqual([inexact === 0, zeros === 0, low < 0])
    })
    fc.assert(property, { numRuns: full ? 5000 : 200, seed: 8 })
  })

  it('stands in the registry with its oracle', () => {
    const others = ['exact', 'roup', 'trunc', 'lut', 'verilog']
    expect(
      families
        .map(({ id }) => id)
        .filter((id) => !others.includes(id))
        .sort(),
    ).toEqual([...approximateFamilies].sort())
  })
})

describe('8x8 bits, all pairs: numbers = oracle', () => {
  const specs = [
    'bam:h=1,v=4',
    'perforate:j=2,k=3',
    'udm',
    'drum:k=3',
    'ssm:m=4',
    'essm:m=4',
    'dsm:m=5',
    'mitchell',
    'alm-soa:w=4',
    'mbm',
    'roba',
    'tosam:h=1,t=5',
    'compressor:design=1',
    'compressor:design=2,columns=8',
    'etm:s=3',
    'rad:k=6',
    'r4abm1:p=6',
    'r4abm1:p=12,zeroGate=yes',
  ]
  const cases = specs.flatMap((spec) =>
    (/^(rad|r4abm1)/.test(spec) ? ['s8s8', 'u8s8'] : ['u8u8', 's8s8', 'u8s8', 's8u8']).map(
      (domain) => [domain, spec] as const,
    ),
  )
  it.each(cases)('%s %s', (name, spec) => {
    const m = parseMultiplier(spec, parseDomain(name))
    const { signedA, signedB } = m.domain
    const value = (code: number, signed: boolean) => operandValue(code, 8, signed)
    const wrong = m
      .table()
      .findIndex(
        (product, i) =>
          product !== approximateProduct(spec, m.domain, value(i >> 8, signedA), value(i & 255, signedB)),
      )
    expect(wrong).toBe(-1)
  })
})

describe('16x16 bits: numbers = oracle = netlist in JavaScript, sampled', () => {
  const specs = [
    'bam:h=3,v=12',
    'perforate:j=2,k=3',
    'udm',
    'drum:k=6',
    'ssm:m=8',
    'essm:m=8',
    'essm:m=7',
    'dsm:m=6',
    'mitchell',
    'alm-soa:w=6',
    'mbm',
    'roba',
    'tosam:h=3,t=7',
    'compressor:design=1,columns=20',
    'compressor:design=2',
    'etm:s=8',
    'rad:k=8',
    'r4abm1:p=14',
  ]
  const cases = specs.flatMap((spec) =>
    (/^(rad|r4abm1)/.test(spec) ? ['s16s16', 'u16s16'] : ['u16u16', 's16s16', 'u16s16']).map(
      (domain) => [domain, spec] as const,
    ),
  )
  it.each(cases)('%s %s', (name, spec) => {
    const m = parseMultiplier(spec, parseDomain(name))
    const { signedA, signedB } = m.domain
    const circuit = compileCircuit(multiplierCore(m))
    const random = seededRandom(16)
    const corners = [0, 1, 2, 3, 0x7fff, 0x8000, 0x8001, 0xfffe, 0xffff]
    const pairs = [
      ...corners.flatMap((a) => corners.map((b) => [a, b] as const)),
      ...Array.from({ length: 2000 }, () => {
        // small operands as often as large ones
        const draw = () => random.integer(0, 65535) >> random.integer(0, 12)
        return [draw(), draw()] as const
      }),
    ]
    const products = productsOf(
      m,
      pairs.map(([a]) => a),
      pairs.map(([, b]) => b),
    )
    const wrong = pairs.filter(([a, b], i) => {
      const expected = approximateProduct(
        spec,
        m.domain,
        operandValue(a, 16, signedA),
        operandValue(b, 16, signedB),
      )
      circuit.set('a', a)
      circuit.set('b', b)
      const code = BigInt.asUintN(m.productBits, BigInt(expected))
      return products[i] !== expected || BigInt(circuit.get('p')) !== code
    })
    expect(wrong).toEqual([])
  })
})

describe('what a signed operand needs', () => {
  it.each([
    ['drum:k=4', 's8s8', true],
    ['drum:k=4', 'u8u8', false],
    ['etm:s=4', 'u8s8', true],
    ['bam:h=1,v=3', 's8s8', false],
    ['rad:k=4', 's8s8', false],
  ])('%s of %s is by sign and magnitude: %s', (spec, domain, expected) => {
    expect(parseMultiplier(spec, parseDomain(domain)).signMagnitude).toBe(expected)
  })
})

describe('parameters', () => {
  it.each([
    ['drum:k=1', 'u8u8', 'k must be a whole number from 2 to 8 for u8u8, not "1"'],
    ['drum:k=9', 'u8u8', 'not "9"'],
    ['ssm:m=3', 'u8u8', 'm must be a whole number from 4 to 8 for u8u8'],
    ['essm:m=2', 'u8u8', 'm must be a whole number from 3 to 8 for u8u8'],
    ['rad:k=5', 's8s8', '"rad:k=5": k must be even, not 5'],
    ['rad:k=4', 's8s3', '"rad" does not multiply s8s3'],
    ['rad:k=4', 's8u8', '"rad" does not multiply s8u8'],
    ['r4abm1:p=4', 'u8u8', '"r4abm1" does not multiply u8u8'],
    ['perforate:j=6,k=3', 'u8u8', 'rows 6..8 are not all there: B has 8 bits'],
    ['perforate:j=0,k=0', 'u8u8', 'k must be a whole number from 1 to 7'],
    ['bam:h=8,v=0', 's8s8', 'h must be a whole number from 0 to 7'],
    ['bam:h=0,v=15', 's8s8', 'v must be a whole number from 0 to 14'],
    ['tosam:h=4,t=3', 'u8u8', '"tosam:h=4,t=3": h=4 is more than t=3'],
    ['compressor:design=3', 'u8u8', 'design must be a whole number from 1 to 2'],
    ['compressor:columns=8', 'u8u8', 'needs design'],
    ['etm:s=8', 'u8u8', 's must be a whole number from 1 to 7'],
    ['mbm:c=0.1', 'u8u8', 'c is 0.078125, not "0.1"'],
    ['mitchell:w=1', 'u8u8', 'mitchell has no parameter "w"'],
  ])('%s for %s is refused', (spec, domain, message) => {
    expect(() => parseMultiplier(spec, parseDomain(domain))).toThrow(message)
  })

  it.each([
    ['compressor:design=2', 'compressor:design=2,columns=16', 'compressor_design2_columns16_u8u8'],
    ['etm:s=4,zeroGate=yes', 'etm:s=4,zeroGate=yes', 'etm_s4_zeroGate_u8u8'],
    ['etm:zeroGate=no,s=4', 'etm:s=4', 'etm_s4_u8u8'],
    ['mbm:c=0.078125', 'mbm', 'mbm_u8u8'],
    ['alm-soa:w=3', 'alm-soa:w=3', 'alm_soa_w3_u8u8'],
  ])('%s is %s', (given, spec, id) => {
    const m = parseMultiplier(given, parseDomain('u8u8'))
    expect([m.spec, m.id, domainName(m.domain)]).toEqual([spec, id, 'u8u8'])
    expect(parseMultiplier(m.spec, m.domain)).toBe(m)
  })
})
