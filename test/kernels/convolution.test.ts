import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Random, seededRandom } from '../../src/base/random.ts'
import {
  type ConvolutionShape,
  codesOf,
  createConvolution,
  type Finish,
} from '../../src/kernels/convolution.ts'
import { allocate, bytesAt, release, wordsAt } from '../../src/kernels/memory.ts'
import type { Products } from '../../src/kernels/products.ts'
import { placeRows } from '../../src/kernels/rows.ts'
import { useThreads } from '../../src/kernels/threads.ts'
import { randomShape } from '../fixtures/convolutions.ts'
import { oracleCode, oracleHalfToEven, oracleSums } from '../oracles/convolution.ts'
import { oracleScaled } from '../oracles/tflite.ts'

const runs = process.env['XGEN_FULL'] === undefined ? 200 : 2000

interface Case {
  readonly seed: number
  /** Some cases are large enough to be cut into pieces. */
  readonly large: boolean
  readonly kind: 'tables' | 'wide tables' | 'exact' | 'factors'
  readonly bits: number
  readonly signed: boolean
  readonly threads: number
}

const cases = fc.record<Case>({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  large: fc.integer({ min: 0, max: 15 }).map((n) => n === 0),
  kind: fc.constantFrom('tables', 'wide tables', 'exact', 'factors'),
  bits: fc.integer({ min: 2, max: 8 }),
  signed: fc.boolean(),
  threads: fc.integer({ min: 1, max: 4 }),
})

/** Random weights of 8 bits or fewer with what multiplies them, by definition and for the kernels. */
function randomProducts(
  random: Random,
  { kind, bits, signed }: Case,
  shape: ConvolutionShape,
  codes: number,
) {
  const taps = (shape.channels / shape.groups) * shape.kernel[0] * shape.kernel[1]
  const count = shape.filters * taps
  const code = (x: number) => x & (2 ** bits - 1)
  const value = (raw: number) => (signed && raw >= 2 ** (bits - 1) ? raw - 2 ** bits : raw)
  if (kind === 'exact') {
    const weights = Int16Array.from({ length: count }, () => random.integer(-128, 127))
    const products: Products = { kind: 'dot', terms: 1, values: undefined, weights }
    return { products, product: (x: number, n: number, tap: number) => x * weights[n * taps + tap]! }
  }
  if (kind === 'factors') {
    const terms = random.integer(1, 3)
    const weights = Int16Array.from({ length: count * terms }, () => random.integer(-300, 300))
    // Rounded codes take no lookup.
    const dropped = terms === 1 ? random.integer(0, bits) : 0
    const offset = random.integer(0, 1) * ((2 ** dropped) >> 1)
    const values = Int16Array.from({ length: 256 * terms }, (_, raw) =>
      dropped > 0 ? (value(code(raw)) + offset) & -(2 ** dropped) : random.integer(-1000, 1000),
    )
    const products: Products = { kind: 'dot', terms, values, weights }
    const product = (x: number, n: number, tap: number) => {
      let sum = 0
      for (let t = 0; t < terms; t++)
        sum += values[256 * t + code(x)]! * weights[(n * taps + tap) * terms + t]!
      return sum
    }
    return { products, product }
  }
  const weightBits = random.integer(2, 8)
  const reach = kind === 'tables' ? [-8000, 8000][random.integer(0, 1)]! : 65535
  const tables = Array.from({ length: random.integer(1, 3) }, () =>
    Int32Array.from({ length: 2 ** (bits + weightBits) }, (_, i) =>
      kind === 'tables'
        ? Math.trunc((value(i >> weightBits) * random.integer(0, reach)) / 128)
        : random.integer(-20_000, 45_535),
    ),
  )
  const index = Uint16Array.from(
    { length: count },
    () => random.integer(0, tables.length - 1) * 256 + random.integer(0, 2 ** weightBits - 1),
  )
  const rows = tables.map((table) => placeRows(table, bits, weightBits, codes)!)
  const product = (x: number, n: number, tap: number) => {
    const at = index[n * taps + tap]!
    return tables[at >> 8]![(code(x) << weightBits) + (at & 255)]!
  }
  return { products: { kind: 'table', rows, index } satisfies Products, product }
}

/** What imported models make of sums, for the kernels and by 64-bit integers or plain doubles. */
function importedFinishes(random: Random, filters: number) {
  const [low, high, zeroPoint] = [random.integer(-128, 0), random.integer(1, 127), random.integer(-128, 127)]
  const of = (value: () => number) => Array.from({ length: filters }, value)
  const clamp = (code: number) => Math.max(low, Math.min(high, code + zeroPoint))
  const multiplier = of(() => random.integer(2 ** 30, 2 ** 31 - 1))
  const exponent = of(() => (random.unit() < 0.1 ? random.integer(-31, 30) : random.integer(-20, -4)))
  const factor = of(() => Math.fround(random.unit() * 2 ** random.integer(-20, 2)))
  const scale: Finish = { kind: 'scale', multiplier, exponent, zeroPoint, low, high }
  const round: Finish = { kind: 'round', factor, zeroPoint, low, high }
  return [
    {
      finish: scale,
      code: (sum: number, n: number) => clamp(oracleScaled(sum, multiplier[n]!, exponent[n]!)),
    },
    {
      finish: round,
      code: (sum: number, n: number) => clamp(oracleHalfToEven(Math.fround(Math.fround(sum) * factor[n]!))),
    },
  ]
}

function check(c: Case, given?: ConvolutionShape) {
  const random = seededRandom(c.seed)
  const shape = given ?? randomShape(random, c.large)
  const signed = c.signed
  // Codes behind a ReLU: tables are made for half of the codes.
  const [least, high] = signed ? [-(2 ** (c.bits - 1)), 2 ** (c.bits - 1) - 1] : [0, 2 ** c.bits - 1]
  const low = random.integer(0, 2) === 0 ? 0 : least
  const images = random.integer(1, c.large ? 3 : 6)
  const outside = random.integer(low, high)
  const format = { bits: c.bits, signed, padding: outside, least: low }
  const { products, product } = randomProducts(random, c, shape, codesOf(format))
  const filters = Array.from({ length: shape.filters }, () => ({
    bias: random.integer(-(2 ** 20), 2 ** 20),
    multiplier: random.integer(0, random.unit() < 0.5 ? 65_535 : 2 ** 31 - 1),
    shift: random.integer(1, random.unit() < 0.5 ? 20 : 50),
  }))
  const values = Int32Array.from({ length: images * shape.channels * shape.height * shape.width }, () =>
    random.integer(low, high),
  )
  const bias = filters.map((one) => one.bias)
  const sums = oracleSums({ ...shape, images, outside }, values, bias, product)
  const plane = shape.rows * shape.columns
  const expected = sums.map((sum, i) => {
    const { multiplier, shift } = filters[Math.floor(i / plane) % shape.filters]!
    return oracleCode(sum, multiplier, shift, -100, 90) & 255
  })
  const finish = {
    ...({ kind: 'requantise', low: -100, high: 90 } as const),
    ...{ multiplier: filters.map((one) => one.multiplier), shift: filters.map((one) => one.shift) },
  }
  useThreads(c.threads, 0)
  const input = allocate(values.length)
  const output = allocate(4 * sums.length)
  bytesAt(input, values.length).set(values)
  createConvolution(shape, format, products, bias, finish).run(input, output, images)
  expect([...bytesAt(output, expected.length)]).toEqual(expected)
  createConvolution(shape, format, products, bias, { kind: 'sums' }).run(input, output, images)
  expect([...wordsAt(output, sums.length)]).toEqual(sums)
  for (const { finish, code } of importedFinishes(random, shape.filters)) {
    createConvolution(shape, format, products, bias, finish).run(input, output, images)
    const codes = sums.map((sum, i) => code(sum, Math.floor(i / plane) % shape.filters) & 255)
    expect([...bytesAt(output, codes.length)]).toEqual(codes)
  }
  release(input, values.length)
  release(output, 4 * sums.length)
}

describe('convolution kernels', () => {
  test('equal plain loops, whatever the number of threads', () => {
    fc.assert(
      fc.property(cases, (c) => check(c)),
      { numRuns: runs },
    )
  })

  test('give the same when layers are large enough to be shared out', () => {
    for (const kind of ['tables', 'exact'] as const) {
      for (let threads = 1; threads <= 4; threads++) {
        for (let seed = 1; seed <= 3; seed++)
          check({ seed, large: true, kind, bits: 8, signed: true, threads })
      }
    }
  })

  test('add four products in 16 bits up to the bound, over the codes that occur', () => {
    useThreads(1)
    const width = 40
    const size = { channels: 4, height: 1, width, rows: 1, columns: width, groups: 1 }
    const window = { kernel: [1, 1], stride: [1, 1], padding: [0, 0], dilation: [1, 1] } as const
    // Less their middles, four products are 32,764, -32,768 or 32,768 at the extremes: the last does not fit 16 bits.
    for (const [largest, reach] of [
      [16_382, 8191],
      [16_383, 8192],
      [16_384, 8192],
    ] as const) {
      // Half of the codes have the least product and half the largest; those that do not occur have products beyond any.
      const table = Int32Array.from({ length: 512 }, (_, i) => (i < 256 ? ((i >> 1) & 1) * largest : 1e9))
      const rows = placeRows(table, 8, 1, 128)!
      expect([...rows.reach]).toEqual([reach, reach])
      expect(placeRows(table, 8, 1)).toBeUndefined()
      for (const filters of [2, 16]) {
        const [input, output] = [allocate(4 * width), allocate(4 * filters * width)]
        // All 16 ways to have them.
        const codes = Array.from({ length: 4 * width }, (_, i) => ((i % width) >> Math.floor(i / width)) & 1)
        bytesAt(input, 4 * width).set(codes)
        createConvolution(
          { ...size, ...window, filters },
          { bits: 8, signed: true, padding: 0, least: 0 },
          { kind: 'table', rows: [rows], index: new Uint16Array(4 * filters) },
          new Int32Array(filters),
          { kind: 'sums' },
        ).run(input, output, 1)
        const sums = Array.from({ length: width }, (_, x) =>
          [0, 1, 2, 3].reduce((sum, channel) => sum + codes[channel * width + x]! * largest, 0),
        )
        expect([...wordsAt(output, filters * width)]).toEqual(
          Array.from({ length: filters }, () => sums).flat(),
        )
        release(input, 4 * width)
        release(output, 4 * filters * width)
      }
    }
  })

  test('give the same with tables of 16 filters side by side, and of the 8 that are left', () => {
    const size = { height: 26, width: 90, rows: 24, columns: 90, channels: 2, filters: 24, groups: 1 }
    const window = { kernel: [3, 3], stride: [1, 1], padding: [0, 1], dilation: [1, 1] } as const
    for (const kind of ['tables', 'wide tables'] as const) {
      for (const [seed, threads] of [
        [2, 1],
        [3, 3],
      ] as const)
        check({ seed, large: true, kind, bits: 7, signed: false, threads }, { ...size, ...window })
    }
  })
})
