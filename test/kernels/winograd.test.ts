import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Random, seededRandom } from '../../src/base/random.ts'
import { type CodeFormat, type ConvolutionShape, createConvolution } from '../../src/kernels/convolution.ts'
import { allocate, bytesAt, release, wordsAt } from '../../src/kernels/memory.ts'
import type { DotProducts } from '../../src/kernels/products.ts'
import { useThreads } from '../../src/kernels/threads.ts'
import { winogradWeights } from '../../src/kernels/winograd.ts'
import { oracleCode, oracleSums } from '../oracles/convolution.ts'

const runs = process.env['XGEN_FULL'] === undefined ? 60 : 500

interface Layer {
  readonly shape: ConvolutionShape
  readonly format: CodeFormat
  readonly products: DotProducts
  readonly bias: readonly number[]
}

const shapeOf = (
  [channels, filters]: readonly [number, number],
  [rows, columns]: readonly [number, number],
  change: Partial<ConvolutionShape> = {},
): ConvolutionShape => ({
  ...{ channels, filters, groups: 1, height: rows, width: columns, rows, columns },
  ...{ kernel: [3, 3], stride: [1, 1], padding: [1, 1], dilation: [1, 1] },
  ...change,
})

const signedBytes = { bits: 8, signed: true, padding: 0 } as const

/** A layer with the weights that `weight` gives, of exact products. */
function exactLayer(shape: ConvolutionShape, weight: (at: number) => number): Layer {
  const count = (shape.filters * shape.channels * shape.kernel[0] * shape.kernel[1]) / shape.groups
  const weights = Int16Array.from({ length: count }, (_, at) => weight(at))
  const bias = Array.from({ length: shape.filters }, () => 0)
  return { shape, format: signedBytes, products: { kind: 'dot', terms: 1, values: undefined, weights }, bias }
}

const weightsOf = ({ shape, format, products, bias }: Layer) => winogradWeights(shape, format, products, bias)

/** Compares a layer, whose kernel this is, with plain loops: its sums and its codes. */
function check(layer: Layer, images: number, code: (at: number) => number, threads = 1) {
  expect(weightsOf(layer)).toBeDefined()
  const { shape, format, products, bias } = layer
  const { channels, height, width, filters, groups, kernel } = shape
  const taps = (channels / groups) * kernel[0] * kernel[1]
  const codes = Int32Array.from({ length: images * channels * height * width }, (_, at) => code(at))
  const { terms, values, weights } = products
  const product = (x: number, n: number, tap: number) => {
    if (values === undefined) return x * weights[n * taps + tap]!
    let sum = 0
    for (let t = 0; t < terms; t++)
      sum += values[256 * t + (x & (2 ** format.bits - 1))]! * weights[(n * taps + tap) * terms + t]!
    return sum
  }
  const sums = oracleSums({ ...shape, images, outside: format.padding }, codes, bias, product)
  useThreads(threads, 0)
  const input = allocate(codes.length)
  const output = allocate(4 * sums.length)
  bytesAt(input, codes.length).set(codes)
  createConvolution(shape, format, products, bias, { kind: 'sums' }).run(input, output, images)
  expect([...wordsAt(output, sums.length)]).toEqual(sums)
  const factors = Array.from(bias, (_, n) => ({ multiplier: 32768 + 97 * n, shift: 22 + (n % 9) }))
  const finish = {
    ...({ kind: 'requantise', low: -128, high: 127 } as const),
    ...{ multiplier: factors.map((one) => one.multiplier), shift: factors.map((one) => one.shift) },
  }
  createConvolution(shape, format, products, bias, finish).run(input, output, images)
  const plane = shape.rows * shape.columns
  const expected = sums.map((sum, i) => {
    const { multiplier, shift } = factors[Math.floor(i / plane) % filters]!
    return oracleCode(sum, multiplier, shift, -128, 127) & 255
  })
  expect([...bytesAt(output, expected.length)]).toEqual(expected)
  release(input, codes.length)
  release(output, 4 * sums.length)
}

/** Maps that tiles overhang, of any padding, groups, width of the kernel, terms. */
function randomLayer(random: Random): Layer {
  const pick = (low: number, high: number) => random.integer(low, high)
  const groups = pick(0, 3) === 0 ? 2 : 1
  const columnsOfKernel = pick(1, 4)
  const dilation = [1, pick(1, 2)] as const
  const padding = [pick(0, 2), pick(0, columnsOfKernel - 1)] as const
  const [rows, columns] = [[3, 4, 7, 8, 12, 31][pick(0, 5)]!, [7, 8, 15, 16, 24, 30][pick(0, 5)]!]
  const shape = {
    ...{
      channels: groups * pick(4, 9),
      filters: groups * pick(7, 12),
      groups,
      rows,
      columns,
      dilation,
      padding,
    },
    ...{
      height: Math.max(1, rows + 2 - pick(padding[0], 2 * padding[0])),
      kernel: [3, columnsOfKernel] as const,
    },
    ...{
      width: Math.max(1, columns + (columnsOfKernel - 1) * dilation[1] - pick(padding[1], 2 * padding[1])),
    },
    stride: [1, 1] as const,
  }
  const bits = pick(2, 8)
  const signed = pick(0, 1) === 0
  const [low, high] = signed ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1]
  const terms = pick(0, 1) === 0 ? 1 : pick(1, 2)
  const exact = terms === 1 && pick(0, 1) === 0
  const count = (shape.filters * shape.channels * 3 * columnsOfKernel * terms) / groups
  return {
    shape,
    format: { bits, signed, padding: pick(low, high) },
    products: {
      ...{ kind: 'dot', terms },
      values: exact ? undefined : Int16Array.from({ length: 256 * terms }, () => pick(-3276, 3276)),
      weights: Int16Array.from({ length: count }, () => (exact ? pick(-128, 127) : pick(-300, 300))),
    },
    bias: Array.from({ length: shape.filters }, () => pick(-(2 ** 20), 2 ** 20)),
  }
}

describe('minimal filtering', () => {
  test('equals plain loops on random layers, whatever the number of threads', () => {
    let used = 0
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), fc.integer({ min: 1, max: 4 }), (seed, threads) => {
        const random = seededRandom(seed)
        const layer = randomLayer(random)
        if (weightsOf(layer) === undefined) return
        used++
        const { bits, signed } = layer.format
        const least = signed ? -(2 ** (bits - 1)) : 0
        check(layer, random.integer(1, 4), () => random.integer(least, least + 2 ** bits - 1), threads)
      }),
      { numRuns: runs, seed: 5 },
    )
    expect(used).toBeGreaterThan(runs / 3)
  })

  test('holds the largest codes and weights of either sign', () => {
    const shape = shapeOf([16, 8], [8, 16])
    for (const weight of [-128, 127]) {
      check(
        exactLayer(shape, () => weight),
        2,
        () => -128,
      )
      check(
        exactLayer(shape, () => weight),
        2,
        () => 127,
      )
    }
    // Signs that make one transformed value as large as can be, in each of the six.
    for (let row = 0; row < 6; row++)
      check(
        exactLayer(shape, (at) => (at % 9 < 3 || at % 9 > 5 ? -128 : 127)),
        1,
        (at) => (Math.floor(at / 16) % 6 === row || Math.floor(at / 16) % 6 === (row + 2) % 6 ? -128 : 127),
      )
  })

  test('is exact where its sums wrap, and left where results could', () => {
    const shape = shapeOf([4, 4], [8, 8])
    const value = 3276
    const wide = (weight: number, bias: number, even = value): Layer => {
      const { products } = exactLayer(shape, () => weight)
      const values = Int16Array.from({ length: 256 }, (_, code) => (code % 2 === 0 ? even : value))
      return { shape, format: signedBytes, products: { ...products, values }, bias: [0, bias, -bias, 0] }
    }
    // 24 times these sums takes 33 bits.
    const weight = 2270
    const bias = 2 ** 28 - 1 - 36 * value * weight
    check(wide(weight, bias), 1, (at) => at)
    check(wide(-weight, bias), 1, (at) => at)
    expect(weightsOf(wide(weight, bias + 1))).toBeUndefined()
    // Signs at random: transformed values reach 16 bits.
    const random = seededRandom(2)
    check(wide(weight, bias, -value), 4, () => random.integer(-128, 127))
  })

  test('is left where transformed values or weights pass 16 bits', () => {
    const shape = shapeOf([8, 8], [8, 8])
    const layer = exactLayer(shape, () => 1)
    const withValue = (value: number) => {
      const values = new Int16Array(256)
      values[255] = value
      return weightsOf({ ...layer, products: { ...layer.products, values } })
    }
    expect(withValue(-3276)).toBeDefined()
    expect(withValue(-3277)).toBeUndefined()
    expect(weightsOf(exactLayer(shapeOf([8, 8], [8, 8]), () => 4681))).toBeDefined()
    expect(weightsOf(exactLayer(shapeOf([8, 8], [8, 8]), () => 4682))).toBeUndefined()
  })

  test('is left to kernels of three rows whose windows follow one another, on maps that fill its tiles', () => {
    const used = (change: Partial<ConvolutionShape>) =>
      weightsOf(exactLayer(shapeOf([16, 16], [16, 16], change), () => 1)) !== undefined
    expect(used({})).toBe(true)
    expect(used({ dilation: [1, 2] })).toBe(true)
    expect(used({ kernel: [5, 5] })).toBe(false)
    expect(used({ stride: [2, 1], rows: 8 })).toBe(false)
    expect(used({ stride: [1, 2], columns: 8 })).toBe(false)
    expect(used({ dilation: [2, 1] })).toBe(false)
    expect(used({ groups: 16 })).toBe(false)
    expect(used({ rows: 1, columns: 1 })).toBe(false)
  })

  test('gives the same when layers are cut between images, rows, columns and filters', () => {
    const random = seededRandom(3)
    for (const [channels, filters, rows, columns, images] of [
      [12, 40, 16, 16, 5],
      [4, 8, 70, 64, 1],
      [220, 8, 4, 100, 1],
    ] as const) {
      const layer = exactLayer(shapeOf([channels, filters], [rows, columns]), () => random.integer(-128, 127))
      for (let threads = 1; threads <= 4; threads += 3)
        check(layer, images, () => random.integer(-128, 127), threads)
    }
  })
})
