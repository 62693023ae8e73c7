import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Random, seededRandom } from '../../src/base/random.ts'
import { createAddition, createPooling, type Mean } from '../../src/kernels/elementwise.ts'
import { createLookup, createPairLookup, createSoftmax } from '../../src/kernels/lookup.ts'
import { allocate, bytesAt, release } from '../../src/kernels/memory.ts'
import { useThreads } from '../../src/kernels/threads.ts'
import { createTranspose } from '../../src/kernels/transpose.ts'
import { oracleCode, oracleHalfToEven } from '../oracles/convolution.ts'
import { oracleScaled } from '../oracles/tflite.ts'

const runs = process.env['XGEN_FULL'] === undefined ? 200 : 2000
const cases = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  threads: fc.integer({ min: 1, max: 4 }),
  // some are cut into pieces
  large: fc.integer({ min: 0, max: 19 }).map((n) => n === 0),
})

/** Bytes of random codes at an address, and the codes. */
function placed(count: number, value: () => number) {
  const at = allocate(count)
  const codes = Array.from({ length: count }, value)
  bytesAt(at, count).set(codes)
  return { at, codes, free: () => release(at, count) }
}

describe('kernels', () => {
  test('add as exact integers do', () => {
    fc.assert(
      fc.property(cases, ({ seed, threads, large }) => {
        const random = seededRandom(seed)
        const count = large ? random.integer(65_000, 140_000) : random.integer(1, 100)
        const signed = [random.unit() < 0.5, random.unit() < 0.5] as const
        const [a, b] = signed.map((s) =>
          placed(count, () => (s ? random.integer(-128, 127) : random.integer(0, 255))),
        )
        const result = placed(count, () => 0)
        const multipliers = [random.integer(0, 65_535), random.integer(2 ** 15, 65_535)] as const
        const shift = random.integer(1, 30)
        const [low, high] = random.unit() < 0.5 ? [-128, 127] : [random.integer(0, 9), 255]
        useThreads(threads, 0)
        createAddition({ multipliers, shift, low, high, signed })(a!.at, b!.at, result.at, count)
        const sum = (i: number) => a!.codes[i]! * multipliers[0] + b!.codes[i]! * multipliers[1]
        const expected = a!.codes.map((_, i) => oracleCode(sum(i), 1, shift, low, high) & 255)
        expect(Buffer.compare(bytesAt(result.at, count), Uint8Array.from(expected))).toBe(0)
        for (const one of [a!, b!, result]) one.free()
      }),
      { numRuns: runs },
    )
  })

  test('pool as plain loops do', () => {
    fc.assert(
      fc.property(cases, ({ seed, threads, large }) => {
        const random = seededRandom(seed)
        const pick = (low: number, high: number) => random.integer(low, high)
        const maps = large ? pick(300, 600) : pick(1, 5)
        const [height, width] = [pick(4, large ? 30 : 9), pick(4, large ? 30 : 9)]
        const window = [pick(1, 4), pick(1, 4)] as const
        const padding = [0, 1, 0, 1].map((i) => pick(0, window[i as 0 | 1] - 1)) as [
          number,
          number,
          number,
          number,
        ]
        const stride = [pick(1, 3), pick(1, 3)] as const
        const rows = Math.floor((height + padding[0] + padding[2] - window[0]) / stride[0]) + 1
        const columns = Math.floor((width + padding[1] + padding[3] - window[1]) / stride[1]) + 1
        const signed = random.unit() < 0.5
        const input = placed(maps * height * width, () => (signed ? pick(-128, 127) : pick(0, 255)))
        const output = placed(maps * rows * columns, () => 0)
        const mode = random.unit() < 0.5 ? 'max' : 'average'
        const countPadding = random.unit() < 0.5
        const mean = randomMean(random)
        const size = {
          height,
          width,
          rows,
          columns,
          window,
          stride,
          padding,
          ...(mean && { mean: mean.mean }),
        }
        useThreads(threads, 0)
        createPooling({ ...size, mode, countPadding, signed })(input.at, output.at, maps)
        const expected: number[] = []
        for (let map = 0; map < maps; map++)
          for (let y = 0; y < rows; y++)
            for (let x = 0; x < columns; x++) {
              const codes: number[] = []
              for (let i = 0; i < window[0]; i++)
                for (let j = 0; j < window[1]; j++) {
                  const [iy, ix] = [y * stride[0] - padding[0] + i, x * stride[1] - padding[1] + j]
                  if (iy >= 0 && iy < height && ix >= 0 && ix < width)
                    codes.push(input.codes[(map * height + iy) * width + ix]!)
                }
              const area = countPadding ? window[0] * window[1] : codes.length
              const sum = codes.reduce((s, c) => s + c, 0)
              const code = mean?.code(sum, area, codes) ?? Math.floor((sum + Math.floor(area / 2)) / area)
              expected.push((mode === 'max' ? Math.max(...codes) : code) & 255)
            }
        expect(Buffer.compare(bytesAt(output.at, expected.length), Uint8Array.from(expected))).toBe(0)
        for (const one of [input, output]) one.free()
      }),
      { numRuns: runs },
    )
  })

  test('look codes and pairs of codes up', () => {
    fc.assert(
      fc.property(cases, ({ seed, threads, large }) => {
        const random = seededRandom(seed)
        const [repeat, parts] = [
          random.integer(1, 30),
          large ? random.integer(9000, 14_000) : random.integer(1, 9),
        ]
        const byte = () => random.integer(0, 255)
        const [a, b] = [placed(parts * repeat, byte), placed(parts, byte)]
        const table = Uint8Array.from({ length: 2 ** 16 }, byte)
        const result = placed(parts * repeat, () => 0)
        const equals = (of: (x: number, index: number) => number) =>
          expect(Buffer.compare(bytesAt(result.at, a.codes.length), Uint8Array.from(a.codes, of))).toBe(0)
        useThreads(threads, 0)
        createLookup(table.subarray(0, 256))(a.at, result.at, a.codes.length)
        equals((x) => table[x]!)
        createPairLookup(table)(a.at, b.at, result.at, a.codes.length, repeat)
        equals((x, i) => table[256 * b.codes[Math.floor(i / repeat)]! + x]!)
        createPairLookup(table)(a.at, a.at, result.at, a.codes.length)
        equals((x) => table[257 * x]!)
        for (const one of [a, b, result]) one.free()
      }),
      { numRuns: runs },
    )
  })

  test('turn matrices of bytes', () => {
    fc.assert(
      fc.property(cases, ({ seed, threads, large }) => {
        const random = seededRandom(seed)
        const [rows, columns] = [0, 1].map(() => random.integer(1, large ? 400 : 40)) as [number, number]
        const input = placed(rows * columns, () => random.integer(0, 255))
        const output = placed(rows * columns, () => 0)
        useThreads(threads, 0)
        createTranspose()(input.at, output.at, rows, columns)
        const expected = input.codes.map((_, i) => input.codes[(i % rows) * columns + Math.floor(i / rows)]!)
        expect(Buffer.compare(bytesAt(output.at, expected.length), Uint8Array.from(expected))).toBe(0)
        for (const one of [input, output]) one.free()
      }),
      { numRuns: runs },
    )
  })

  test('share lines of codes out', () => {
    fc.assert(
      fc.property(cases, ({ seed, threads, large }) => {
        const random = seededRandom(seed)
        const blocks = large ? random.integer(500, 900) : random.integer(1, 4)
        const [count, step] = [random.integer(1, 40), random.integer(1, 4)]
        const signed = random.unit() < 0.5
        const input = placed(blocks * count * step, () => random.integer(0, 255) - (signed ? 128 : 0))
        const output = placed(blocks * count * step, () => 0)
        const slope = random.unit() * 0.2
        const table = Int32Array.from({ length: 256 }, (_, d) => Math.round(65_536 * Math.exp(-d * slope)))
        const one = signed ? 128 : 256
        useThreads(threads, 0)
        createSoftmax({ count, step, table, one, high: one - 1, signed })(input.at, output.at, blocks)
        const expected = input.codes.map((code, i) => {
          const first = i - (Math.floor(i / step) % count) * step
          const line = Array.from({ length: count }, (_, n) => input.codes[first + n * step]!)
          const largest = Math.max(...line)
          const sum = line.reduce((all, x) => all + BigInt(table[largest - x]!), 0n)
          const share = (2n * BigInt(table[largest - code]!) * BigInt(one) + sum) / (2n * sum)
          return Math.min(one - 1, Number(share))
        })
        expect(Buffer.compare(bytesAt(output.at, expected.length), Uint8Array.from(expected))).toBe(0)
        for (const one of [input, output]) one.free()
      }),
      { numRuns: runs },
    )
  })
})

interface MeanCase {
  readonly mean: Mean
  readonly code: (sum: number, area: number, codes: readonly number[]) => number
}

/** A mean of real values, in the order of the codes. */
function realMean(random: Random): MeanCase {
  const real = Float32Array.from({ length: 256 }, () => random.unit() * 4 - 2)
  if (random.unit() < 0.1) real[7] = Number.NaN
  const [scale, zero] = [Math.fround(random.unit() * 0.05 + 0.001), random.integer(-128, 127)]
  const [least, most, outputZero] = [-128, 127, [0, 128][random.integer(0, 1)]!]
  const [low, high] = [outputZero - random.integer(0, 128), outputZero + random.integer(0, 127)]
  return {
    mean: { kind: 'real', real, scale, zero, least, most, outputZero, low, high },
    code: (_sum, area, codes) => {
      let sum = 0
      for (const code of codes) sum += real[code & 255]!
      const quotient = oracleHalfToEven(Math.fround(Math.fround(sum / area) / scale))
      const code = Number.isNaN(quotient) ? 0 : Math.max(least, Math.min(most, quotient + zero))
      return Math.max(low, Math.min(high, code + outputZero))
    },
  }
}

/** A mean of an imported model, for the kernel and by definition; or none. */
function randomMean(random: Random): MeanCase | undefined {
  if (random.unit() < 0.25) return realMean(random)
  const zero = random.integer(-128, 127)
  if (random.unit() < 0.5) return undefined
  if (random.unit() < 0.5)
    return {
      mean: { kind: 'away-from-zero', zero },
      code: (sum, area) => {
        const above = sum - area * zero
        return zero + Math.sign(above) * Math.floor((Math.abs(above) + Math.floor(area / 2)) / area)
      },
    }
  const [multiplier, exponent] = [random.integer(2 ** 29, 2 ** 31 - 1), random.integer(-10, 4)]
  const [low, high, outputZero] = [random.integer(-128, 0), random.integer(1, 127), random.integer(-128, 127)]
  return {
    mean: { kind: 'scaled', zero, multiplier, exponent, outputZero, low, high },
    code: (sum, area) =>
      Math.max(low, Math.min(high, oracleScaled(sum - area * zero, multiplier, exponent) + outputZero)),
  }
}
