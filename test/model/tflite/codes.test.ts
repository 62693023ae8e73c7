import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  activationOptions,
  convolutionOptions,
  depthwiseOptions,
  type FileTensor,
  poolOptions,
  real,
} from '../../fixtures/tflite.ts'
import { alone, map, run } from '../../fixtures/tflite-run.ts'
import {
  oracleExtent,
  oracleTfliteAdd,
  oracleTfliteConvolution,
  oracleTfliteMean,
  oracleTflitePool,
} from '../../oracles/tflite.ts'

const cases = process.env['XGEN_FULL'] ? 2000 : 150
const code = fc.integer({ min: -128, max: 127 })
const weight = fc.integer({ min: -127, max: 127 })
const scale = fc.float({ min: Math.fround(1e-4), max: 2, noNaN: true })
const codes = (count: number, of = code) => fc.array(of, { minLength: count, maxLength: count })

/** Codes that RELU or RELU6 leave. */
function clampOf(activation: 'NONE' | 'RELU' | 'RELU6', output: { scale: number; zeroPoint: number }) {
  const low = activation === 'NONE' ? -128 : Math.max(-128, output.zeroPoint)
  const six = output.zeroPoint + Math.floor(Math.fround(6 / output.scale) + 0.5)
  return [low, activation === 'RELU6' ? Math.min(127, six) : 127] as const
}

const quantised = fc.record({ scale, zeroPoint: code })
const activation = fc.constantFrom('NONE' as const, 'RELU' as const, 'RELU6' as const)
const small = (min: number, max: number) => fc.integer({ min, max })
const geometry = fc
  .record({
    height: small(1, 7),
    width: small(1, 7),
    kernel: fc.tuple(small(1, 3), small(1, 3)),
    stride: fc.tuple(small(1, 3), small(1, 3)),
    dilation: fc.tuple(small(1, 2), small(1, 2)),
    same: fc.boolean(),
  })
  .filter(
    (g) =>
      g.same ||
      (oracleExtent(g.height, g.kernel[0], g.stride[0], g.dilation[0], false)[0] > 0 &&
        oracleExtent(g.width, g.kernel[1], g.stride[1], g.dilation[1], false)[0] > 0),
  )

describe('operators on int8 codes equal the plain loops', () => {
  test('CONV_2D with any geometry, groups and scales', () => {
    const layer = fc
      .record({
        g: geometry,
        groups: small(1, 2),
        channels: small(1, 3),
        filters: small(1, 3),
        perChannel: fc.boolean(),
      })
      .chain(({ g, groups, channels, filters, perChannel }) => {
        const total = filters * groups
        return fc.record({
          g: fc.constant(g),
          depth: fc.constant(groups * channels),
          channels: fc.constant(channels),
          filters: fc.constant(total),
          x: codes(g.height * g.width * groups * channels),
          w: codes(total * g.kernel[0] * g.kernel[1] * channels, weight),
          bias: codes(total, fc.integer({ min: -100_000, max: 100_000 })),
          scales: fc.array(scale, { minLength: perChannel ? total : 1, maxLength: perChannel ? total : 1 }),
          input: quantised,
          output: quantised,
          activation,
        })
      })
    fc.assert(
      fc.property(
        layer,
        ({ g, depth, channels, filters, x, w, bias, scales, input, output, activation: a }) => {
          const [kh, kw] = g.kernel
          const rows = oracleExtent(g.height, kh, g.stride[0], g.dilation[0], g.same)[0]
          const columns = oracleExtent(g.width, kw, g.stride[1], g.dilation[1], g.same)[0]
          const model = alone(
            [
              map('x', [1, g.height, g.width, depth], input),
              { name: 'w', type: 'int8', shape: [filters, kh, kw, channels], data: w, scale: scales },
              { name: 'b', type: 'int32', shape: [filters], data: bias },
              map('y', [1, rows, columns, filters], output),
            ],
            'CONV_2D',
            convolutionOptions({ ...g, activation: a }),
          )
          const expected = oracleTfliteConvolution(
            { ...g, input: [g.height, g.width, depth], filters, channelsOfFilter: channels },
            x,
            (n, ky, kx, k) => w[((n * kh + ky) * kw + kx) * channels + k]!,
            bias,
            input,
            (n) => scales[scales.length === 1 ? 0 : n]!,
            output,
            ...clampOf(a, output),
          )
          expect(run(model, [x])).toEqual(expected.map((value) => value + 0))
        },
      ),
      { numRuns: cases },
    )
  })

  test('DEPTHWISE_CONV_2D with any multiplier', () => {
    const layer = fc
      .record({ g: geometry, depth: small(1, 3), multiplier: small(1, 3) })
      .chain(({ g, depth, multiplier }) => {
        const filters = depth * multiplier
        return fc.record({
          g: fc.constant(g),
          depth: fc.constant(depth),
          multiplier: fc.constant(multiplier),
          x: codes(g.height * g.width * depth),
          w: codes(filters * g.kernel[0] * g.kernel[1], weight),
          bias: codes(filters, fc.integer({ min: -10_000, max: 10_000 })),
          scales: fc.array(scale, { minLength: filters, maxLength: filters }),
          input: quantised,
          output: quantised,
        })
      })
    fc.assert(
      fc.property(layer, ({ g, depth, multiplier, x, w, bias, scales, input, output }) => {
        const [kh, kw] = g.kernel
        const filters = depth * multiplier
        const rows = oracleExtent(g.height, kh, g.stride[0], g.dilation[0], g.same)[0]
        const columns = oracleExtent(g.width, kw, g.stride[1], g.dilation[1], g.same)[0]
        const model = alone(
          [
            map('x', [1, g.height, g.width, depth], input),
            { name: 'w', type: 'int8', shape: [1, kh, kw, filters], data: w, scale: scales, axis: 3 },
            { name: 'b', type: 'int32', shape: [filters], data: bias },
            map('y', [1, rows, columns, filters], output),
          ],
          'DEPTHWISE_CONV_2D',
          depthwiseOptions({ ...g, multiplier }),
        )
        const expected = oracleTfliteConvolution(
          { ...g, input: [g.height, g.width, depth], filters, channelsOfFilter: 1 },
          x,
          (n, ky, kx) => w[(ky * kw + kx) * filters + n]!,
          bias,
          input,
          (n) => scales[n]!,
          output,
          -128,
          127,
        )
        expect(run(model, [x])).toEqual(expected.map((value) => value + 0))
      }),
      { numRuns: cases },
    )
  })

  test('FULLY_CONNECTED, with the product of its scales in float32', () => {
    const layer = fc
      .record({ features: small(1, 9), units: small(1, 4), input: quantised, output: quantised, s: scale })
      .chain((l) =>
        fc.record({
          l: fc.constant(l),
          x: codes(l.features),
          w: codes(l.features * l.units, weight),
          bias: fc.option(codes(l.units, fc.integer({ min: -9999, max: 9999 })), { nil: undefined }),
        }),
      )
    fc.assert(
      fc.property(layer, ({ l, x, w, bias }) => {
        const tensors: FileTensor[] = [
          map('x', [1, l.features], l.input),
          { name: 'w', type: 'int8', shape: [l.units, l.features], data: w, scale: [l.s] },
          ...(bias === undefined
            ? []
            : [{ name: 'b', type: 'int32' as const, shape: [l.units], data: bias }]),
          map('y', [1, l.units], l.output),
        ]
        const expected = oracleTfliteConvolution(
          {
            input: [1, 1, l.features],
            filters: l.units,
            kernel: [1, 1],
            stride: [1, 1],
            dilation: [1, 1],
            same: false,
            channelsOfFilter: l.features,
          },
          x,
          (n, _y, _x, k) => w[n * l.features + k]!,
          bias ?? Array(l.units).fill(0),
          // the product of both scales, rounded to float32, as one scale
          { scale: Math.fround(l.input.scale * l.s), zeroPoint: l.input.zeroPoint },
          () => 1,
          l.output,
          -128,
          127,
        )
        expect(run(alone(tensors, 'FULLY_CONNECTED', activationOptions()), [x])).toEqual(
          expected.map((value) => value + 0),
        )
      }),
      { numRuns: cases },
    )
  })

  test('AVERAGE_POOL_2D and MAX_POOL_2D count what lies in the map', () => {
    const layer = geometry.chain((g) =>
      fc.record({
        g: fc.constant(g),
        depth: small(1, 3),
        average: fc.boolean(),
        q: quantised,
        x: codes(g.height * g.width * 3),
      }),
    )
    fc.assert(
      fc.property(layer, ({ g, depth, average, q, x }) => {
        const [rows] = oracleExtent(g.height, g.kernel[0], g.stride[0], 1, g.same)
        const [columns] = oracleExtent(g.width, g.kernel[1], g.stride[1], 1, g.same)
        fc.pre(rows > 0 && columns > 0)
        const own = x.slice(0, g.height * g.width * depth)
        const model = alone(
          [map('x', [1, g.height, g.width, depth], q), map('y', [1, rows, columns, depth], q)],
          average ? 'AVERAGE_POOL_2D' : 'MAX_POOL_2D',
          poolOptions({ ...g, window: g.kernel }),
        )
        const expected = oracleTflitePool(
          average ? 'average' : 'max',
          [g.height, g.width, depth],
          g.kernel,
          g.stride,
          g.same,
          own,
        )
        expect(run(model, [own]).map((value) => value + 0)).toEqual(expected.map((value) => value + 0))
      }),
      { numRuns: cases },
    )
  })

  test('ADD with any three scales', () => {
    const layer = fc.record({
      a: quantised,
      b: quantised,
      c: quantised,
      x: codes(12),
      y: codes(12),
      activation,
    })
    fc.assert(
      fc.property(layer, ({ a, b, c, x, y, activation: kind }) => {
        fc.pre((2 * Math.max(a.scale, b.scale)) / (2 ** 20 * c.scale) < 1)
        const shape = [1, 2, 2, 3]
        const model = alone(
          [map('a', shape, a), map('b', shape, b), map('c', shape, c)],
          'ADD',
          activationOptions(kind),
        )
        const expected = x.map((value, i) => oracleTfliteAdd(value, y[i]!, a, b, c, ...clampOf(kind, c)) + 0)
        expect(run(model, [x, y])).toEqual(expected)
      }),
      { numRuns: cases },
    )
  })

  test('MEAN over the positions of a map', () => {
    const layer = fc.record({ height: small(1, 7), width: small(1, 7) }).chain(({ height, width }) =>
      fc.record({
        height: fc.constant(height),
        width: fc.constant(width),
        a: quantised,
        b: quantised,
        x: codes(height * width),
      }),
    )
    fc.assert(
      fc.property(layer, ({ height, width, a, b, x }) => {
        fc.pre(a.scale / b.scale < 128)
        const axes: FileTensor = { name: 'axes', type: 'int32', shape: [2], data: [1, 2] }
        const model = alone([map('x', [1, height, width, 1], a), axes, map('y', [1, 1], b)], 'MEAN')
        expect(run(model, [x])).toEqual([oracleTfliteMean(x, a, b) + 0])
      }),
      { numRuns: cases },
    )
  })

  test('SOFTMAX is within one code of the real one', () => {
    const layer = fc.record({
      scale: fc.float({ min: Math.fround(0.005), max: 1, noNaN: true }),
      x: codes(10),
    })
    fc.assert(
      fc.property(layer, ({ scale: s, x }) => {
        const model = alone(
          [
            map('x', [1, 10], { scale: s, zeroPoint: 7 }),
            map('y', [1, 10], { scale: 1 / 256, zeroPoint: -128 }),
          ],
          'SOFTMAX',
          { 0: real(1) },
        )
        const largest = Math.max(...x)
        const parts = x.map((value) => Math.exp((value - largest) * s))
        const sum = parts.reduce((p, q) => p + q, 0)
        for (const [i, value] of run(model, [x]).entries()) {
          const exact = Math.min(127, (256 * parts[i]!) / sum - 128)
          expect(Math.abs(value - exact)).toBeLessThan(1)
        }
      }),
      { numRuns: cases },
    )
  })
})
