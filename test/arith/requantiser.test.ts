import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addBias, clamp, roundShift, scale } from '../../src/arith/requantiser.ts'
import { asNumber, bits, numbers, signedValue } from '../../src/comb/numbers.ts'

const c = numbers
const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const edge = fc.constantFrom(-(2 ** 31), 2 ** 31 - 1, -1, 0, 1)

/** floor(n / 2^s) of a BigInt, s at least 0. */
const floorShift = (n: bigint, s: bigint) => n >> s

describe('requantiser', () => {
  it('computes clamp(floor(((acc + bias) * m + 2^(s-1)) / 2^s), low, high)', () => {
    fc.assert(
      fc.property(
        fc.oneof(word, edge),
        fc.oneof(word, edge),
        fc.integer({ min: 0, max: 65535 }),
        fc.integer({ min: 1, max: 47 }),
        fc.integer({ min: -128, max: 255 }),
        fc.integer({ min: -128, max: 255 }),
        (acc, bias, m, s, x, y) => {
          const [low, high] = [Math.min(x, y), Math.max(x, y)]
          const sum = addBias(c, bits(acc, 32), bits(bias, 32))
          expect(signedValue(sum)).toBe(BigInt(acc) + BigInt(bias))
          const product = scale(c, sum, bits(m, 16))
          expect(signedValue(product)).toBe((BigInt(acc) + BigInt(bias)) * BigInt(m))
          const rounded = roundShift(c, product, bits(s, 6))
          const expected = floorShift(
            (BigInt(acc) + BigInt(bias)) * BigInt(m) + (1n << BigInt(s - 1)),
            BigInt(s),
          )
          expect(signedValue(rounded)).toBe(expected)
          const code = clamp(c, rounded, bits(low, 9), bits(high, 9))
          const bounded = expected < BigInt(low) ? low : expected > BigInt(high) ? high : Number(expected)
          expect(asNumber(code, false)).toBe(bounded & 255)
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('rounds halves up at the extremes of the product', () => {
    for (const product of [-(2n ** 49n), 2n ** 49n - 1n, -3n, -2n, -1n, 0n, 1n, 2n]) {
      for (let s = 1; s <= 47; s++) {
        const expected = floorShift(product + (1n << BigInt(s - 1)), BigInt(s))
        expect(signedValue(roundShift(c, bits(product, 50), bits(s, 6)))).toBe(expected)
      }
    }
  })
})
