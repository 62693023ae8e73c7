import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { constantAdders, signedDigits, timesConstant } from '../../src/arith/constant.ts'
import {
  columnAdders,
  columnMoments,
  type MomentShape,
  prependAdders,
  prependKernel,
  slideAdders,
  slideMoments,
} from '../../src/arith/moments.ts'
import { asNumber, type Bits, bits, numbers } from '../../src/comb/numbers.ts'
import { momentSpec } from '../../src/plan/moments.ts'
import { momentsOf } from '../../src/quant/curve.ts'

const c = numbers

/** Counts additions and subtractions. */
function counting() {
  const seen = { adders: 0 }
  const counted = {
    ...c,
    add: (a: Bits, b: Bits) => {
      seen.adders++
      return c.add(a, b)
    },
    sub: (a: Bits, b: Bits) => {
      seen.adders++
      return c.sub(a, b)
    },
  }
  return { c: counted, seen }
}

describe('products with constants', () => {
  test('have the fewest digits', () => {
    expect([1, 3, 5, 7, 9, 25, 49, 11].map(constantAdders)).toEqual([0, 1, 1, 1, 1, 2, 2, 2])
  })

  test('are what their digits say, and have as many adders', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), fc.integer({ min: -128, max: 127 }), (k, x) => {
        const { c: counted, seen } = counting()
        expect(asNumber(timesConstant(counted, bits(x, 8), k, true, 20), true)).toBe(k * x)
        expect(seen.adders).toBe(constantAdders(k))
        expect(signedDigits(k).reduce((sum, d) => sum + (d.negative ? -1 : 1) * 2 ** d.place, 0)).toBe(k)
      }),
    )
  })
})

describe('moments of a sliding window', () => {
  const scene = fc.record({
    rows: fc.integer({ min: 1, max: 7 }),
    columns: fc.integer({ min: 1, max: 7 }),
    codeBits: fc.integer({ min: 2, max: 8 }),
    signed: fc.boolean(),
    degree: fc.constantFrom<1 | 2>(1, 2),
    pixels: fc.infiniteStream(fc.nat({ max: 255 })),
  })

  test('equal the definition at every step, with as many adders as counted', () => {
    fc.assert(
      fc.property(scene, ({ rows, columns, codeBits, signed, degree, pixels }) => {
        fc.pre(rows * columns > degree + 1)
        const { orders } = momentsOf(degree, rows * columns, codeBits, signed)
        const shape: MomentShape = {
          rows,
          columns,
          codeBits,
          signed,
          widths: orders.map(({ wholeBits }) => wholeBits),
        }
        const line: number[][] = []
        const reduced: Bits[][] = []
        let sums = shape.widths.map((width) => bits(0, width))
        for (let x = 0; x < columns + 4; x++) {
          const codes = [...pixels.take(rows)].map((p) => p & (2 ** codeBits - 1))
          line.push(codes.map((code) => asNumber(bits(code, codeBits), signed)))
          const inColumn = counting()
          const entering = columnMoments(
            inColumn.c,
            shape,
            codes.map((code) => bits(code, codeBits)),
          )
          expect(inColumn.seen.adders).toBe(columnAdders(shape))
          reduced.push(entering)
          const leaving = reduced[x - columns] ?? entering.map(({ width }) => bits(0, width))
          const sliding = counting()
          sums = slideMoments(sliding.c, shape, sums, entering, leaving)
          expect(sliding.seen.adders).toBe(slideAdders(shape))
          const expected = shape.widths.map((_, k) => {
            let sum = 0
            for (let r = 0; r < rows; r++)
              for (let i = 0; i < columns; i++)
                sum += (r * columns + i) ** k * (line[x - columns + 1 + i]?.[r] ?? 0)
            return sum
          })
          expect(sums.map((sum) => asNumber(sum, signed))).toEqual(expected)
        }
      }),
      { numRuns: 300 },
    )
  })
}) // prettier-ignore

describe('moments of several kernels', () => {
  const scene = fc.record({
    rows: fc.integer({ min: 1, max: 4 }),
    columns: fc.integer({ min: 1, max: 4 }),
    signed: fc.boolean(),
    degree: fc.constantFrom<1 | 2>(1, 2),
    kernels: fc.array(fc.array(fc.nat({ max: 255 }), { minLength: 16, maxLength: 16 }), {
      minLength: 2,
      maxLength: 6,
    }),
  })

  test('equal the definition with each kernel that comes before the others, with as many adders as counted', () => {
    fc.assert(
      fc.property(scene, ({ rows, columns, signed, degree, kernels }) => {
        const area = rows * columns
        fc.pre(kernels.length * area > degree + 1)
        const { orders } = momentsOf(degree, kernels.length * area, 8, signed)
        const shape = { rows, columns, codeBits: 8, signed, kernels: kernels.length }
        const { widths } = momentSpec(shape, orders, 2)
        const sumsOf = (codes: readonly number[], powers: number) =>
          Array.from({ length: powers }, (_, k) => codes.reduce((sum, x, i) => sum + i ** k * x, 0))
        const values = kernels.map((kernel) =>
          kernel.slice(0, area).map((code) => asNumber(bits(code, 8), signed)),
        )
        let sums = orders.map(({ wholeBits }) => bits(0, wholeBits))
        for (let kernel = kernels.length - 1; kernel >= 0; kernel--) {
          const own = sumsOf(values[kernel]!, widths.length).map((sum, k) => bits(sum, widths[k]!))
          const { c: counted, seen } = counting()
          sums = prependKernel(counted, { ...shape, widths }, sums, own)
          expect(seen.adders).toBe(prependAdders({ ...shape, widths }, orders.length))
          expect(sums.map((sum) => asNumber(sum, signed))).toEqual(
            sumsOf(values.slice(kernel).flat(), orders.length),
          )
        }
      }),
      { numRuns: 300 },
    )
  })
}) // prettier-ignore
