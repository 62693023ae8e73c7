import { describe, expect, test } from 'vitest'
import { type Random, seededRandom } from '../../src/base/random.ts'
import { createConvolution } from '../../src/kernels/convolution.ts'
import { allocate, bytesAt, release, shortsAt } from '../../src/kernels/memory.ts'
import { useThreads } from '../../src/kernels/threads.ts'
import { oracleCode } from '../oracles/convolution.ts'

const runs = process.env['XGEN_FULL'] === undefined ? 300 : 3000

/** Multipliers of all sizes, powers of two and their neighbours among them: those make ties. */
function randomMultiplier(random: Random): number {
  const power = 2 ** random.integer(0, 30)
  const near = power + random.integer(-1, 1)
  return random.integer(0, 2) === 0 ? near : random.integer(0, power)
}

/** A sum whose code is at a step of the clamped range, or one near the ends of 32 bits. */
function randomSum(random: Random, multiplier: number, shift: number, low: number, high: number): number {
  const ends = [-(2 ** 31) + 128, 2 ** 31 - 129] as const
  if (multiplier === 0 || random.integer(0, 3) === 0) return random.integer(...ends)
  const step = Math.round(((random.integer(low - 1, high + 1) + 0.5) * 2 ** shift) / multiplier)
  return Math.max(ends[0], Math.min(ends[1], step))
}

/** One filter of weight 1 for each rule: its sums are those of the codes -128..127 with a bias that is near a step. */
function check(seed: number) {
  const random = seededRandom(seed)
  const kind = (['requantise', 'gates'] as const)[seed % 2]!
  const [low, high] = (
    kind === 'gates'
      ? [-random.integer(0, 32_768), random.integer(1, 32_767)]
      : [
          [-128, 127],
          [0, 255],
          [-random.integer(1, 128), random.integer(0, 127)],
        ][random.integer(0, 2)]!
  ) as [number, number]
  const rules = Array.from({ length: random.integer(1, 9) }, () => {
    const multiplier = randomMultiplier(random)
    const shift = random.integer(1, 62)
    return { multiplier, shift, bias: randomSum(random, multiplier, shift, low, high) }
  })
  const [filters, width] = [rules.length, random.integer(1, 75)]
  const values = Int8Array.from({ length: width }, () => random.integer(-128, 127))
  const of = (name: 'multiplier' | 'shift' | 'bias') => rules.map((rule) => rule[name])
  const convolution = createConvolution(
    {
      ...{ channels: 1, height: 1, width, filters, rows: 1, columns: width, groups: 1 },
      ...{ kernel: [1, 1], stride: [1, 1], padding: [0, 0], dilation: [1, 1] },
    },
    { bits: 8, signed: true, padding: 0 },
    { kind: 'dot', terms: 1, values: undefined, weights: new Int16Array(filters).fill(1) },
    of('bias'),
    { kind, multiplier: of('multiplier'), shift: of('shift'), low, high },
  )
  const [input, output] = [allocate(width), allocate(2 * filters * width)]
  bytesAt(input, width).set(new Uint8Array(values.buffer))
  convolution.run(input, output, 1)
  const result = kind === 'gates' ? shortsAt(output, filters * width) : bytesAt(output, filters * width)
  const expected = rules.flatMap(({ bias, multiplier, shift }) =>
    Array.from(values, (value) => oracleCode(value + bias, multiplier, shift, low, high)),
  )
  expect([...result]).toEqual(kind === 'gates' ? expected : expected.map((code) => code & 255))
  release(input, width)
  release(output, 2 * filters * width)
}

describe('requantisation', () => {
  test('equals integers of any size: at ties and steps, at the ends of 32 bits, for all multipliers and shifts', () => {
    useThreads(1)
    for (let seed = 1; seed <= runs; seed++) check(seed)
  })
})
