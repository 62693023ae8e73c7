import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addCodes,
  addFactors,
  averageCode,
  fixedPoint,
  quantiseValue,
  requantise,
} from '../../src/quant/rules.ts'
import { oracleAdd, oracleAverage, oracleInputCode, oracleRequantise } from '../oracles/quantise.ts'

describe('the integer rules', () => {
  test('requantise equals exact integers over the whole range of accumulators, multipliers and shifts', () => {
    const acc = fc.oneof(
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      fc.constantFrom(-(2 ** 31), 2 ** 31 - 1, 0, -1, 1),
    )
    const multiplier = fc.oneof(fc.integer({ min: 2 ** 15, max: 2 ** 16 - 1 }), fc.constant(0))
    fc.assert(
      fc.property(acc, multiplier, fc.integer({ min: 1, max: 47 }), (a, m, s) => {
        expect(requantise(a, m, s, -128, 127)).toBe(oracleRequantise(a, m, s, -128, 127))
        expect(requantise(a, m, s, 0, 255)).toBe(oracleRequantise(a, m, s, 0, 255))
      }),
      { numRuns: 2000 },
    )
  })

  test('ties of requantisation go up', () => {
    expect([-3, -1, 1, 3].map((acc) => requantise(acc, 32768, 16, -128, 127))).toEqual([-1, 0, 1, 2])
  })

  test('an addition equals exact integers over the whole range of codes, multipliers and shifts', () => {
    const code = fc.integer({ min: -128, max: 255 })
    const larger = fc.integer({ min: 2 ** 15, max: 2 ** 16 - 1 })
    const shift = fc.integer({ min: 1, max: 47 })
    fc.assert(
      fc.property(code, code, larger, fc.nat(2 ** 16 - 1), shift, (x0, x1, m0, m1, s) => {
        for (const [low, high] of [
          [-128, 127],
          [0, 255],
        ] as const) {
          expect(addCodes(x0, x1, m0, m1, s, low, high)).toBe(oracleAdd([x0, x1], [m0, m1], s, low, high))
          expect(addCodes(x0, x1, m1, m0, s, low, high)).toBe(oracleAdd([x0, x1], [m1, m0], s, low, high))
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('the factors of an addition share the shift of the larger one', () => {
    const factor = fc.double({ min: 2 ** -31, max: 2 ** 14, noNaN: true })
    fc.assert(
      fc.property(factor, factor, (first, second) => {
        const { multipliers, shift } = addFactors(first, second)!
        const larger = fixedPoint(Math.max(first, second))!
        expect([Math.max(...multipliers), shift]).toEqual([larger.multiplier, larger.shift])
        for (const [i, real] of [first, second].entries())
          expect(Math.abs(multipliers[i]! - real * 2 ** shift)).toBeLessThanOrEqual(0.5)
      }),
    )
    expect(addFactors(2 ** 15, 1)).toBeUndefined()
    expect(addFactors(2 ** -34, 2 ** -35)).toBeUndefined()
  })

  test('averages round half up, below zero too', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -128 * 49, max: 255 * 49 }),
        fc.integer({ min: 1, max: 49 }),
        (sum, area) => {
          expect(averageCode(sum, area)).toBe(oracleAverage(sum, area))
        },
      ),
    )
  })

  test('every byte gets the code of exact arithmetic, for every width', () => {
    for (const top of [1, 3, 7, 15, 31, 63, 127, 255]) {
      for (let byte = 0; byte < 256; byte++)
        expect(quantiseValue(byte / 255, 1 / top, 0, top)).toBe(oracleInputCode(byte, top))
    }
  })

  test('a factor becomes the nearest normalised 16-bit number, or none', () => {
    fc.assert(
      fc.property(fc.double({ min: 2 ** -31, max: 2 ** 14, noNaN: true }), (real) => {
        const { multiplier, shift } = fixedPoint(real)!
        expect(multiplier).toBeGreaterThanOrEqual(2 ** 15)
        expect(multiplier).toBeLessThan(2 ** 16)
        expect(shift).toBeGreaterThanOrEqual(1)
        expect(shift).toBeLessThanOrEqual(47)
        expect(Math.abs(multiplier / 2 ** shift - real) / real).toBeLessThanOrEqual(2 ** -16)
      }),
    )
    expect(fixedPoint(2 ** 15)).toBeUndefined()
    expect(fixedPoint(2 ** -34)).toBeUndefined()
    expect(fixedPoint(Number.NaN)).toBeUndefined()
    expect(fixedPoint(1 - 2 ** -20)).toEqual({ multiplier: 32768, shift: 15 })
  })
})
