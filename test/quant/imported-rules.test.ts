import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addScaled,
  averageAwayFromZero,
  doublingHighProduct,
  roundingShift,
  scaled,
  scaledAddition,
  scaleFactor,
} from '../../src/quant/imported-rules.ts'
import {
  oracleFactor,
  oracleHighProduct,
  oracleScaled,
  oracleShift,
  oracleTfliteAdd,
} from '../oracles/tflite.ts'

const word = fc.oneof(
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  fc.constantFrom(-(2 ** 31), 2 ** 31 - 1, 2 ** 30, -(2 ** 30), 0, 1, -1),
  fc.integer({ min: -300, max: 300 }),
)
const scale = fc.float({ min: Math.fround(1e-5), max: 16, noNaN: true })
const code = fc.integer({ min: -128, max: 127 })
const runs = { numRuns: 3000 }

describe('the rules of TensorFlow Lite', () => {
  test('the high half of a doubled product equals 64-bit integers', () => {
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(doublingHighProduct(a, b)).toBe(oracleHighProduct(a, b))
      }),
      runs,
    )
    expect(doublingHighProduct(-(2 ** 31), -(2 ** 31))).toBe(2 ** 31 - 1)
  })

  test('a rounding shift equals 64-bit integers, and ties leave zero', () => {
    fc.assert(
      fc.property(word, fc.integer({ min: 0, max: 31 }), (x, places) => {
        expect(roundingShift(x, places) + 0).toBe(oracleShift(x, places))
      }),
      runs,
    )
    expect([-6, -2, 2, 6].map((x) => roundingShift(x, 2))).toEqual([-2, -1, 1, 2])
  })

  test('a factor is the nearest of 31 bits', () => {
    const real = fc.double({ min: 2 ** -40, max: 2 ** 20, noNaN: true, minExcluded: true })
    fc.assert(
      fc.property(real, (value) => {
        const { multiplier, exponent } = scaleFactor(value)
        expect([multiplier, exponent]).toEqual(oracleFactor(value))
      }),
      runs,
    )
    expect(scaleFactor(0.5)).toEqual({ multiplier: 2 ** 30, exponent: 0 })
    expect(scaleFactor(1 - 2 ** -40)).toEqual({ multiplier: 2 ** 30, exponent: 1 })
    expect(scaleFactor(2 ** -33)).toEqual({ multiplier: 0, exponent: 0 })
  })

  test('scaling equals 64-bit integers for shifts of both directions', () => {
    const multiplier = fc.integer({ min: 2 ** 30, max: 2 ** 31 - 1 })
    fc.assert(
      fc.property(word, multiplier, fc.integer({ min: -31, max: 30 }), (x, m, e) => {
        expect(scaled(x, m, e) + 0).toBe(oracleScaled(x, m, e))
      }),
      runs,
    )
  })

  test('an addition equals 64-bit integers', () => {
    const tensor = fc.record({ scale, zeroPoint: code })
    fc.assert(
      fc.property(code, code, tensor, tensor, tensor, (x0, x1, first, second, output) => {
        const rule = scaledAddition(first, second, output)
        expect(addScaled(x0, x1, rule, -128, 127) + 0).toBe(
          oracleTfliteAdd(x0, x1, first, second, output, -128, 127),
        )
      }),
      runs,
    )
  })

  test('means are rounded half away from zero', () => {
    expect([-3, -1, 0, 1, 3].map((sum) => averageAwayFromZero(sum, 2) + 0)).toEqual([-2, -1, 0, 1, 2])
    expect([-5, -4, 4, 5].map((sum) => averageAwayFromZero(sum, 9) + 0)).toEqual([-1, -0 + 0, 0, 1])
  })
})
