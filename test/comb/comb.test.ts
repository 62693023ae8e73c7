import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Comb } from '../../src/comb/comb.ts'
import * as derived from '../../src/comb/derived.ts'
import { fromLanes, lanes, toLanes } from '../../src/comb/lanes.ts'
import { asNumber, type Bits, bits, numbers, signedValue } from '../../src/comb/numbers.ts'
import { follow, recipes } from '../hdl/expressions.ts'

const c = numbers
const operand = (width: number) => fc.bigInt({ min: 0n, max: (1n << BigInt(width)) - 1n })
/** Two values of one width, across the border between numbers and BigInts. */
const pair = fc
  .integer({ min: 1, max: 90 })
  .chain((width) => fc.tuple(fc.constant(width), operand(width), operand(width)))
const value = (x: Bits) => BigInt(x.value)

describe('Comb on numbers', () => {
  it('is integer arithmetic modulo 2^width', () => {
    fc.assert(
      fc.property(pair, fc.integer({ min: 0, max: 130 }), ([width, x, y], amount) => {
        const [a, b] = [bits(x, width), bits(y, width)]
        const cut = (v: bigint) => BigInt.asUintN(width, v)
        const signed = (v: bigint) => BigInt.asIntN(width, v)
        const by = bits(amount, 9)
        expect(value(c.add(a, b))).toBe(cut(x + y))
        expect(value(c.sub(a, b))).toBe(cut(x - y))
        expect(value(c.not(a))).toBe(cut(~x))
        expect(value(c.and(a, b))).toBe(x & y)
        expect(value(c.or(a, b))).toBe(x | y)
        expect(value(c.xor(a, b))).toBe(x ^ y)
        expect(value(c.mul(a, b))).toBe(x * y)
        expect(BigInt(signedValue(c.mulSigned(a, b)))).toBe(signed(x) * signed(y))
        expect(c.equal(a, b).value).toBe(x === y ? 1 : 0)
        expect(c.less(a, b).value).toBe(x < y ? 1 : 0)
        expect(c.lessSigned(a, b).value).toBe(signed(x) < signed(y) ? 1 : 0)
        expect(value(c.shiftLeft(a, by))).toBe(cut(x << BigInt(amount)))
        expect(value(c.shiftRight(a, by))).toBe(x >> BigInt(amount))
        expect(value(c.shiftRightArithmetic(a, by))).toBe(cut(signed(x) >> BigInt(amount)))
        expect(value(c.cat(a, b))).toBe((x << BigInt(width)) | y)
        expect(value(c.signExtend(a, width + 40))).toBe(BigInt.asUintN(width + 40, signed(x)))
        expect(value(c.zeroExtend(a, width + 40))).toBe(x)
        const low = amount % width
        expect(value(c.slice(a, width - 1, low))).toBe(x >> BigInt(low))
      }),
      { numRuns: 500 },
    )
  })

  it('takes constants modulo 2^width', () => {
    expect([bits(-1, 8).value, bits(256, 8).value, bits(-1, 32).value, bits(2 ** 40 + 7, 16).value]).toEqual([
      255, 0, 4294967295, 7,
    ])
    expect([bits(-1, 33).value, bits(-1n, 4).value]).toEqual([2n ** 33n - 1n, 15])
    expect([asNumber(bits(200, 8), true), asNumber(bits(200, 8), false)]).toEqual([-56, 200])
  })

  it('refuses a width slip', () => {
    expect(() => c.add(bits(1, 8), bits(1, 9))).toThrow('add needs operands of one width, not 8 and 9 bits')
    expect(() => c.slice(bits(1, 8), 8, 0)).toThrow('slice takes bits 8..0 of a value of 8 bits')
    expect(() => c.zeroExtend(bits(1, 8), 7)).toThrow('zeroExtend to 7 bits cannot hold a value of 8 bits')
    expect(() => c.mux(bits(1, 2), bits(1, 8), bits(1, 8))).toThrow('mux needs a select of 1 bit')
    expect(() => bits(1, 0)).toThrow('at least 1 bit')
  })
})

describe('Comb on many values at once', () => {
  it('computes what it computes on one', () => {
    const widest = 30
    const count = 40
    const comb = lanes(2)
    fc.assert(
      fc.property(
        recipes(widest),
        fc.array(fc.array(fc.integer(), { minLength: count, maxLength: count }), {
          minLength: 4,
          maxLength: 4,
        }),
        (recipe, data) => {
          const together = follow(
            comb,
            recipe,
            recipe.inputs.map((width, i) => toLanes(data[i]!, 0, count, width, 2)),
            widest,
          )
          const out = together.map((x) => {
            const values: number[] = []
            fromLanes(x, false, values, 0, count)
            return values
          })
          for (const lane of [0, 31, 32, count - 1]) {
            const alone = follow(
              numbers,
              recipe,
              recipe.inputs.map((width, i) => bits(data[i]![lane]!, width)),
              widest,
            )
            expect(out.map((values) => values[lane])).toEqual(alone.map((x) => x.value))
          }
        },
      ),
      { numRuns: 150 },
    )
  })
})

describe('derived operations', () => {
  it('are what their names say', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 255 }),
        fc.integer({ min: 0, max: 255 }),
        fc.integer({ min: 0, max: 12 }),
        (x, y, places) => {
          const [a, b] = [bits(x, 8), bits(y, 8)]
          const signed = (v: number) => (v << 24) >> 24
          const read = <T>(f: (comb: Comb<Bits>) => T) => f(c)
          expect(read((k) => derived.reduceOr(k, a)).value).toBe(x === 0 ? 0 : 1)
          expect(read((k) => derived.reduceAnd(k, a)).value).toBe(x === 255 ? 1 : 0)
          expect(read((k) => derived.reduceXor(k, a)).value).toBe(
            x.toString(2).replaceAll('0', '').length % 2,
          )
          expect(derived.gate(c, a, bits(y & 1, 1)).value).toBe((y & 1) === 1 ? x : 0)
          expect(derived.negate(c, a).value).toBe(-x & 255)
          expect(derived.shiftLeftBy(c, a, places).value).toBe((x << places) & 255)
          expect(derived.shiftRightBy(c, a, places).value).toBe(x >> places)
          expect(derived.shiftRightArithmeticBy(c, a, places).value).toBe(
            (signed(x) >> Math.min(places, 7)) & 255,
          )
          expect(derived.scaleUp(c, a, places).value).toBe(x * 2 ** places)
          expect(derived.fromBits(c, derived.bitsOf(c, a)).value).toBe(x)
          expect(signedValue(derived.minSigned(c, a, b))).toBe(Math.min(signed(x), signed(y)))
          expect(signedValue(derived.maxSigned(c, a, b))).toBe(Math.max(signed(x), signed(y)))
          expect(derived.minUnsigned(c, a, b).value).toBe(Math.min(x, y))
          expect(derived.maxUnsigned(c, a, b).value).toBe(Math.max(x, y))
          expect(derived.msb(c, a).value).toBe(x >> 7)
          expect(signedValue(derived.resize(c, a, true, 12))).toBe(signed(x))
          expect(derived.resize(c, a, true, 4).value).toBe(x & 15)
          const choices = [3, 1, 4, 1, 5].map((v) => bits(v, 8))
          expect(derived.select(c, bits(x & 7, 3), choices).value).toBe([3, 1, 4, 1, 5, 5, 5, 5][x & 7])
        },
      ),
    )
  })
})
