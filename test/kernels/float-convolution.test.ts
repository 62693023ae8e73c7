import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../src/base/random.ts'
import { createFloatConvolution } from '../../src/kernels/float-convolution.ts'
import { createFloatAddition, createFloatClamp } from '../../src/kernels/floats.ts'
import { allocate, floatsAt, release } from '../../src/kernels/memory.ts'
import { useThreads } from '../../src/kernels/threads.ts'
import { randomShape } from '../fixtures/convolutions.ts'

const runs = process.env['XGEN_FULL'] === undefined ? 200 : 2000

describe('the kernel of float convolutions', () => {
  test('adds in float32, tap after tap and the bias last, whatever the number of threads', () => {
    const cases = fc.record({
      seed: fc.integer({ min: 1, max: 1_000_000 }),
      threads: fc.integer({ min: 1, max: 4 }),
      large: fc.integer({ min: 0, max: 15 }).map((n) => n === 0),
    })
    fc.assert(
      fc.property(cases, ({ seed, threads, large }) => {
        const random = seededRandom(seed)
        const shape = randomShape(random, large)
        const { channels, height, width, filters, groups, rows, columns, kernel } = shape
        const images = random.integer(1, 4)
        const real = () => Math.fround(random.unit() * 2 - 1)
        const perGroup = channels / groups
        const taps = perGroup * kernel[0] * kernel[1]
        const weights = Float32Array.from({ length: filters * taps }, real)
        const bias = Float32Array.from({ length: filters }, real)
        const values = Float32Array.from({ length: images * channels * height * width }, real)
        const [from, to] = [allocate(4 * values.length), allocate(4 * images * filters * rows * columns)]
        floatsAt(from, values.length).set(values)
        useThreads(threads, 0)
        createFloatConvolution(shape, weights, bias).run(from, to, images)
        const result = floatsAt(to, images * filters * rows * columns)
        let at = 0
        for (let image = 0; image < images; image++)
          for (let n = 0; n < filters; n++)
            for (let y = 0; y < rows; y++)
              for (let x = 0; x < columns; x++, at++) {
                const first = Math.floor(n / (filters / groups)) * perGroup
                let sum = 0
                for (let k = 0; k < taps; k++) {
                  const [channel, tap] = [
                    Math.floor(k / (kernel[0] * kernel[1])),
                    k % (kernel[0] * kernel[1]),
                  ]
                  const iy =
                    y * shape.stride[0] - shape.padding[0] + Math.floor(tap / kernel[1]) * shape.dilation[0]
                  const ix = x * shape.stride[1] - shape.padding[1] + (tap % kernel[1]) * shape.dilation[1]
                  const inside = iy >= 0 && iy < height && ix >= 0 && ix < width
                  const place = ((image * channels + first + channel) * height + iy) * width + ix
                  const product = Math.fround((inside ? values[place]! : 0) * weights[n * taps + k]!)
                  sum = Math.fround(sum + product)
                }
                if (result[at] !== Math.fround(sum + bias[n]!))
                  throw new Error(`image ${image}, filter ${n}, row ${y}, column ${x}: ${result[at]}`)
              }
        expect(at).toBe(result.length)
        release(from, 4 * values.length)
        release(to, 4 * result.length)
      }),
      { numRuns: runs },
    )
  })
})

describe('the kernels of float values', () => {
  test('clamp and add as float32 does', () => {
    const value = fc.oneof(
      fc.float({ noDefaultInfinity: false }),
      fc.constantFrom(0, -0, 6, Number.NaN, -Infinity),
    )
    const lists = fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 40 })
    const bound = fc.double({ min: -10, max: 10, noNaN: true })
    fc.assert(
      fc.property(lists, bound, bound, fc.integer({ min: 1, max: 3 }), (pairs, x, y, threads) => {
        const [low, high] = [Math.min(x, y), Math.max(x, y, 0)]
        // repeated, so that some are cut into pieces
        const times = pairs.length === 7 ? 5000 : 1
        const [a, b] = [0, 1].map((i) =>
          Float32Array.from({ length: times * pairs.length }, (_, n) => pairs[n % pairs.length]![i]!),
        ) as [Float32Array, Float32Array]
        const bytes = 4 * a.length
        const [first, second, output] = [allocate(bytes), allocate(bytes), allocate(bytes)]
        floatsAt(first, a.length).set(a)
        floatsAt(second, b.length).set(b)
        useThreads(threads, 0)
        createFloatAddition()(first, second, output, a.length)
        expect(floatsAt(output, a.length)).toEqual(a.map((v, i) => v + b[i]!))
        createFloatClamp(low, high)(first, output, a.length)
        expect(floatsAt(output, a.length)).toEqual(a.map((v) => Math.min(high, Math.max(low, v))))
        for (const at of [first, second, output]) release(at, bytes)
      }),
    )
  })
})
