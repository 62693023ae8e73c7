import { describe, expect, it } from 'vitest'
import { fromBfloat, fromHalf, toBfloat, toHalf } from '../../src/base/half.ts'
import { seededRandom } from '../../src/base/random.ts'

const finite = (from: (bits: number) => number) =>
  Array.from({ length: 2 ** 15 }, (_, bits) => bits).filter((bits) => Number.isFinite(from(bits)))

describe.each([
  ['float16', fromHalf, toHalf],
  ['bfloat16', fromBfloat, toBfloat],
] as const)('%s', (name, from, to) => {
  it('gives back the bits of every value', () => {
    for (const bits of finite(from)) {
      expect(to(from(bits))).toBe(bits)
      expect(to(from(bits | 0x8000))).toBe(bits | 0x8000)
    }
    expect([to(Infinity), to(-Infinity)].map(from)).toEqual([Infinity, -Infinity])
    expect(from(to(Number.NaN))).toBeNaN()
  })

  it('takes the nearest of two neighbours, and the even one in their middle', () => {
    const all = finite(from)
    const random = seededRandom(3)
    for (let i = 0; i < 5000; i++) {
      const bits = random.integer(0, all.length - 2)
      const [low, high] = [from(bits), from(bits + 1)]
      const middle = (low + high) / 2
      expect(to(middle)).toBe(bits % 2 === 0 ? bits : bits + 1)
      const near = Math.fround(low + (high - low) * random.unit())
      if (near !== middle) expect(to(near)).toBe(near < middle ? bits : bits + 1)
    }
  })

  it('is infinite from half a step behind the largest value on', () => {
    const largest = finite(from).at(-1)!
    const step = from(largest) - from(largest - 1)
    expect(from(to(Math.fround(from(largest) + 0.49 * step)))).toBe(from(largest))
    if (name === 'float16') expect(from(to(from(largest) + step / 2))).toBe(Infinity)
  })
})
