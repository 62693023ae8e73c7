import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDomain } from '../../src/arith/domain.ts'
import { integerFactors, type TableFactor } from '../../src/arith/factors.ts'
import { identify } from '../../src/arith/identify.ts'
import { errorsByOperand } from '../../src/arith/operand-errors.ts'
import { rank } from '../../src/arith/rank.ts'
import { parseMultiplier } from '../../src/arith/registry.ts'

const product = (factors: readonly TableFactor[], rows: number, columns: number) =>
  Array.from({ length: rows * columns }, (_, i) =>
    factors.reduce((sum, { ofA, ofB }) => sum + ofA[Math.floor(i / columns)]! * ofB[i % columns]!, 0),
  )

describe('integer factors', () => {
  const vectors = (count: number, length: number) =>
    fc.array(fc.array(fc.integer({ min: -300, max: 300 }), { minLength: length, maxLength: length }), {
      minLength: count,
      maxLength: count,
    })

  it('give the matrix again, with as many terms as its rank', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 4 }).chain((r) => fc.tuple(vectors(r, 9), vectors(r, 12))),
        ([x, y]) => {
          const matrix = product(
            x.map((ofA, k) => ({ ofA, ofB: y[k]! })),
            9,
            12,
          )
          const factors = integerFactors(matrix, 9, 12)!
          expect(factors.length).toBe(rank(matrix, 9, 12))
          expect(product(factors, 9, 12).map((value) => value + 0)).toEqual(matrix.map((value) => value + 0))
          for (const { ofA, ofB } of factors)
            for (const value of [...ofA, ...ofB]) expect(Number.isInteger(value)).toBe(true)
        },
      ),
      { numRuns: 200 },
    )
  })

  it.each([
    ['exact', 1],
    ['roup:p=1,r=2', 1],
    ['udm', 2],
    ['roba', 2],
    ['roup:p=0,r=4,rounding=asymmetric', undefined],
    ['mitchell', undefined],
  ])('of %s', (spec, terms) => {
    const m = parseMultiplier(spec, parseDomain('s8s8'))
    const factors = integerFactors(m.table(), 256, 256)
    const found = rank(m.table(), 256, 256)
    expect(factors?.length).toBe(found <= 4 ? found : undefined)
    if (terms !== undefined) expect(found).toBe(terms)
    if (factors !== undefined) expect(product(factors, 256, 256)).toEqual([...m.table()])
  })
})

describe('recognition', () => {
  it.each([
    ['s5s5', 'bam:h=0,v=4'],
    ['u4u4', 'perforate:j=1,k=2'],
    ['s5s4', 'roup:p=1,r=2'],
  ])('knows in %s the table of %s', (name, spec) => {
    const domain = parseDomain(name)
    const table = parseMultiplier(spec, domain).table()
    const found = [...identify(table, domain)].flatMap((one) => (one === undefined ? [] : [one]))
    expect(found.map((one) => one.spec)).toContain(spec)
    for (const one of found) expect(one.table()).toEqual(table)
    const changed = table.map((value, i) => (i === 77 ? value + 1 : value))
    expect([...identify(changed, domain)].every((one) => one === undefined)).toBe(true)
  })
})

describe('errors by operand', () => {
  it('are the means of the rows and columns', () => {
    const m = parseMultiplier('trunc:ka=2,kb=0', parseDomain('s4s5'))
    const { a, b } = errorsByOperand(m)
    expect(a.map(({ value }) => value)).toEqual(Array.from({ length: 16 }, (_, i) => i - 8))
    for (const [values, of] of [
      [a, (x: number, y: number) => m.multiply(x, y) - x * y],
      [b, (y: number, x: number) => m.multiply(x, y) - x * y],
    ] as const) {
      const others = values === a ? b : a
      for (const { value, bias, mae } of values) {
        const errors = others.map((other) => of(value, other.value))
        expect(bias).toBeCloseTo(errors.reduce((sum, e) => sum + e, 0) / errors.length, 9)
        expect(mae).toBeCloseTo(errors.reduce((sum, e) => sum + Math.abs(e), 0) / errors.length, 9)
      }
    }
  })
})
