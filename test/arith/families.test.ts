import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { productsOf } from '../../src/arith/batch.ts'
import { type Domain, domainName, operandRange, parseDomain } from '../../src/arith/domain.ts'
import { parseMultiplier } from '../../src/arith/registry.ts'
import { exactProduct, roupAsymmetric, roupSymmetric, truncProduct } from '../oracles/multipliers.ts'

interface Sample {
  readonly spec: string
  readonly domain: Domain
  readonly product: (a: number, b: number) => number
}

const bits = fc.integer({ min: 2, max: 16 })
const trees = fc.constantFrom(
  '',
  ',tree=wallace',
  ',adder=ripple',
  ',tree=wallace,adder=ripple',
  ',tree=arrival',
  ',tree=linear,adder=ripple',
)

/** Any multiplier of any domain, with its plain definition. */
const samples: fc.Arbitrary<Sample> = fc
  .record({
    nA: bits,
    nB: bits,
    signedA: fc.boolean(),
    signedB: fc.boolean(),
    family: fc.integer({ min: 0, max: 5 }),
    tree: trees,
    x: fc.nat(),
    y: fc.nat(),
  })
  .map(({ family, tree, x, y, ...domain }): Sample => {
    const { nA, nB } = domain
    const [p, r] = [x % Math.ceil(nB / 2), y % nA]
    switch (family) {
      case 0:
        return { spec: 'exact', domain, product: exactProduct }
      case 1:
        return { spec: `exact:arch=array${tree}`, domain, product: exactProduct }
      case 2:
        return { spec: `exact:arch=booth4${tree}`, domain, product: exactProduct }
      case 3: {
        const [ka, kb] = [x % nA, y % nB]
        const architecture = ['', `,arch=array${tree}`, `,arch=booth4${tree}`][(x + y) % 3]!
        return {
          spec: `trunc:ka=${ka},kb=${kb}${architecture}`,
          domain,
          product: (a, b) => truncProduct(a, b, ka, kb),
        }
      }
      case 4:
        return {
          spec: `roup:p=${p},r=${r}${tree}`,
          domain: { ...domain, signedB: true },
          product: (a, b) => roupSymmetric(a, b, p, r),
        }
      default:
        return {
          spec: `roup:p=${p},r=${r},rounding=asymmetric${tree}`,
          domain: { ...domain, signedB: true },
          product: (a, b) => roupAsymmetric(a, b, p, r, nB),
        }
    }
  })

const operandsOf = (n: number, signed: boolean) => {
  const [low, high] = operandRange(n, signed)
  return fc.oneof(fc.integer({ min: low, max: high }), fc.constantFrom(low, low + 1, 0, 1, high - 1, high))
}

describe('exact, trunc and roup in every domain', () => {
  it('is its plain definition, within its range, by its factors', () => {
    fc.assert(
      fc.property(
        samples.chain((sample) =>
          fc.tuple(
            fc.constant(sample),
            fc.array(
              fc.tuple(
                operandsOf(sample.domain.nA, sample.domain.signedA),
                operandsOf(sample.domain.nB, sample.domain.signedB),
              ),
              { minLength: 20, maxLength: 20 },
            ),
          ),
        ),
        ([{ spec, domain, product }, pairs]) => {
          const m = parseMultiplier(spec, domain)
          for (const [a, b] of pairs) {
            const expected = product(a, b) + 0
            expect(m.multiply(a, b)).toBe(expected)
            expect(expected).toBeGreaterThanOrEqual(m.productRange[0])
            expect(expected).toBeLessThanOrEqual(m.productRange[1])
            expect(m.factors!.reduce((sum, { ofA, ofB }) => sum + ofA(a) * ofB(b), 0)).toBeCloseTo(
              expected,
              6,
            )
            if (a === 0 || b === 0) expect(expected).toBe(0)
            if (m.exact) expect(expected).toBe(a * b + 0)
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  it('has the exact range and table of small domains', () => {
    const small = samples.filter(({ domain }) => domain.nA <= 7 && domain.nB <= 7)
    fc.assert(
      fc.property(small, ({ spec, domain, product }) => {
        const m = parseMultiplier(spec, domain)
        const table = m.table()
        const { nA, nB } = domain
        let [low, high, wrong, inexact] = [0, 0, 0, 0]
        for (let i = 0; i < table.length; i++) {
          const [a, b] = [
            valueOfCode(i >> nB, nA, domain.signedA),
            valueOfCode(i & (2 ** nB - 1), nB, domain.signedB),
          ]
          const expected = product(a, b) + 0
          if (table[i] !== expected) wrong++
          if (expected !== a * b) inexact++
          low = Math.min(low, expected)
          high = Math.max(high, expected)
        }
        expect(wrong).toBe(0)
        // A range always holds 0, the product of zeros.
        expect(m.productRange).toEqual([low, high])
        expect(m.productSigned).toBe(low < 0)
        expect(m.exact).toBe(inexact === 0)
        const fits = (width: number) =>
          low < 0 ? low >= -(2 ** (width - 1)) && high < 2 ** (width - 1) : high < 2 ** width
        expect(fits(m.productBits)).toBe(true)
        expect(m.productBits === 1 || !fits(m.productBits - 1)).toBe(true)
      }),
      { numRuns: 150 },
    )
  })

  it('keeps a product of 33 bits', () => {
    const m = parseMultiplier('roup:p=7,r=15', parseDomain('u16s16'))
    expect(m.multiply(65535, -32768)).toBe(65536 * -32768)
    expect(m.multiply(65535, 32767)).toBe(65536 * 32768)
    expect(m.productBits).toBe(33)
    expect([...productsOf(m, [65535, 65535, 0], [32768, 32767, 32768])]).toEqual([
      65536 * -32768,
      65536 * 32768,
      0,
    ])
  })
})

describe('8-bit tables', () => {
  const cases: [domain: string, spec: string, product: (a: number, b: number) => number][] = []
  for (const domain of ['s8s8', 'u8s8']) {
    for (const arch of ['', ':arch=array', ':arch=booth4', ':arch=booth4,tree=wallace,adder=ripple'])
      cases.push([domain, `exact${arch}`, exactProduct])
    for (let p = 0; p < 4; p++) {
      for (const r of [0, 2, 5, 7]) {
        cases.push([domain, `roup:p=${p},r=${r}`, (a, b) => roupSymmetric(a, b, p, r)])
        cases.push([
          domain,
          `roup:p=${p},r=${r},rounding=asymmetric`,
          (a, b) => roupAsymmetric(a, b, p, r, 8),
        ])
      }
    }
    for (const [ka, kb] of [
      [1, 0],
      [0, 3],
      [2, 2],
      [6, 7],
    ] as const)
      cases.push([domain, `trunc:ka=${ka},kb=${kb}`, (a, b) => truncProduct(a, b, ka, kb)])
  }
  it.each(cases)('%s %s is its definition for all 65,536 pairs', (name, spec, product) => {
    const domain = parseDomain(name)
    const m = parseMultiplier(spec, domain)
    const table = m.table()
    const wrong = table.findIndex(
      (value, i) =>
        value !== product(valueOfCode(i >> 8, 8, domain.signedA), valueOfCode(i & 255, 8, domain.signedB)),
    )
    expect(wrong).toBe(-1)
    expect(domainName(m.domain)).toBe(name)
  })
})

function valueOfCode(code: number, n: number, signed: boolean): number {
  return signed && code >> (n - 1) ? code - 2 ** n : code
}
