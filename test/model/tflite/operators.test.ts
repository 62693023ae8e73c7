import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ModelTensor } from '../../../src/model/model.ts'
import { createTfliteEvaluator } from '../../../src/model/tflite/evaluate.ts'
import { readTflite } from '../../../src/model/tflite/read.ts'
import {
  activationOptions,
  byte,
  convolutionOptions,
  depthwiseOptions,
  type FileModel,
  type FileOperator,
  type FileTensor,
  int,
  poolOptions,
  real,
  tfliteFile,
} from '../../fixtures/tflite.ts'
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

/** The result of the model's one output; float32 inputs where the first is. */
function run(model: FileModel, inputs: readonly (readonly number[])[]): number[] {
  const read = readTflite(tfliteFile(model), 'test.tflite')
  const given = read.inputs.map(({ name, type, shape }, i): [string, ModelTensor] => [
    name,
    {
      type,
      shape: shape as number[],
      data: type === 'float32' ? Float32Array.from(inputs[i]!) : Int8Array.from(inputs[i]!),
    },
  ])
  return Array.from(createTfliteEvaluator(read).run(new Map(given)).get(read.outputs[0]!.name)!.data, Number)
}

/** One operator that reads the first so many tensors and makes the last. */
const alone = (
  tensors: readonly FileTensor[],
  operator: FileOperator['operator'],
  options?: FileOperator['options'],
) => ({
  tensors,
  operators: [
    {
      operator,
      inputs: tensors.slice(0, -1).map((_, i) => i),
      outputs: [tensors.length - 1],
      ...(options === undefined ? {} : { options }),
    },
  ],
  inputs: tensors.slice(0, -1).flatMap(({ data }, i) => (data === undefined ? [i] : [])),
  outputs: [tensors.length - 1],
})

const map = (
  name: string,
  shape: readonly number[],
  quantised: { scale: number; zeroPoint: number },
): FileTensor => ({ name, type: 'int8', shape, scale: [quantised.scale], zeroPoint: [quantised.zeroPoint] })

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

describe('operators on real values', () => {
  const f = (name: string, shape: readonly number[], data?: readonly number[]): FileTensor => ({
    name,
    type: 'float32',
    shape,
    ...(data === undefined ? {} : { data }),
  })

  test('CONV_2D', () => {
    const model = alone(
      [f('x', [1, 2, 2, 1]), f('w', [1, 2, 2, 1], [1, 2, 3, 4]), f('b', [1], [0.5]), f('y', [1, 2, 2, 1])],
      'CONV_2D',
      convolutionOptions({ same: true, stride: [1, 1], activation: 'RELU' }),
    )
    expect(run(model, [[1, -2, 3, 4]])).toEqual([22.5, 10.5, 11.5, 4.5])
  })

  test('FULLY_CONNECTED, SOFTMAX, LOGISTIC, TANH, RELU6', () => {
    const dense = alone(
      [f('x', [2]), f('w', [1, 2], [2, 3]), f('y', [1, 1])],
      'FULLY_CONNECTED',
      activationOptions(),
    )
    expect(run(dense, [[10, 100]])).toEqual([320])
    const [first, second] = run(alone([f('x', [1, 2]), f('y', [1, 2])], 'SOFTMAX', { 0: real(1) }), [
      [0, Math.log(3)],
    ])
    expect(first).toBeCloseTo(0.25, 6)
    expect(second).toBeCloseTo(0.75, 6)
    const each = (operator: 'LOGISTIC' | 'TANH' | 'RELU6') =>
      run(alone([f('x', [3]), f('y', [3])], operator), [[-1, 0, 9]])
    expect(each('LOGISTIC')[0]).toBeCloseTo(1 / (1 + Math.E), 6)
    expect(each('TANH')[0]).toBeCloseTo(Math.tanh(-1), 6)
    expect(each('RELU6')).toEqual([0, 0, 6])
  })

  test('MUL and SUB over a broadcast axis', () => {
    const model = (operator: 'MUL' | 'SUB') =>
      alone([f('a', [1, 2, 2]), f('b', [2], [10, 100]), f('c', [1, 2, 2])], operator, activationOptions())
    expect(run(model('MUL'), [[1, 2, 3, 4]])).toEqual([10, 200, 30, 400])
    expect(run(model('SUB'), [[1, 2, 3, 4]])).toEqual([-9, -98, -7, -96])
  })
})

describe('operators that move elements', () => {
  const q = { scale: 0.5, zeroPoint: 3 }
  test('PAD writes the zero point', () => {
    const paddings: FileTensor = { name: 'p', type: 'int32', shape: [2, 2], data: [1, 0, 0, 2] }
    const model = alone([map('x', [1, 2], q), paddings, map('y', [2, 4], q)], 'PAD')
    expect(run(model, [[7, 8]])).toEqual([3, 3, 3, 3, 7, 8, 3, 3])
  })

  test('TRANSPOSE, CONCATENATION and RESHAPE', () => {
    const order: FileTensor = { name: 'p', type: 'int32', shape: [3], data: [2, 0, 1] }
    expect(
      run(alone([map('x', [1, 2, 3], q), order, map('y', [3, 1, 2], q)], 'TRANSPOSE'), [[1, 2, 3, 4, 5, 6]]),
    ).toEqual([1, 4, 2, 5, 3, 6])
    const joined = alone([map('a', [2, 1], q), map('b', [2, 2], q), map('c', [2, 3], q)], 'CONCATENATION', {
      0: int(-1),
      1: byte(0),
    })
    expect(
      run(joined, [
        [1, 2],
        [3, 4, 5, 6],
      ]),
    ).toEqual([1, 3, 4, 2, 5, 6])
    const shape: FileTensor = { name: 's', type: 'int32', shape: [1], data: [-1] }
    expect(run(alone([map('x', [2, 2], q), shape, map('y', [4], q)], 'RESHAPE'), [[1, 2, 3, 4]])).toEqual([
      1, 2, 3, 4,
    ])
  })

  test('MEAN of codes and of real values', () => {
    const axes: FileTensor = { name: 'axes', type: 'int32', shape: [2], data: [1, 2] }
    const model = alone([map('x', [1, 2, 2, 1], q), axes, map('y', [1, 1], q)], 'MEAN')
    expect(run(model, [[10, 11, 11, 10]])).toEqual([11])
    const f = (name: string, shape: readonly number[]): FileTensor => ({ name, type: 'float32', shape })
    expect(run(alone([f('x', [1, 2, 2, 1]), axes, f('y', [1, 1])], 'MEAN'), [[1, 2, 3, 4]])).toEqual([2.5])
  })

  test('QUANTIZE and DEQUANTIZE', () => {
    const f: FileTensor = { name: 'f', type: 'float32', shape: [4] }
    expect(run(alone([f, map('q', [4], q)], 'QUANTIZE'), [[0.24, 0.25, -0.25, 99]])).toEqual([3, 4, 2, 127])
    expect(run(alone([map('q', [4], q), f], 'DEQUANTIZE'), [[3, 4, 2, 127]])).toEqual([0, 0.5, -0.5, 62])
  })
})

describe('what is not supported', () => {
  const q = { scale: 0.5, zeroPoint: 3 }
  test('is listed completely', () => {
    const model: FileModel = {
      tensors: [map('a', [4], q), map('b', [4], q), map('c', [4], q), map('d', [5], q)],
      operators: [
        { operator: 'SVDF', inputs: [0], outputs: [1] },
        { operator: 'CUSTOM', custom: 'Mfcc', inputs: [1], outputs: [2] },
        { operator: 'RELU', inputs: [2], outputs: [3] },
      ],
      inputs: [0],
      outputs: [3],
    }
    const read = readTflite(tfliteFile(model), 'x.tflite')
    expect(() => createTfliteEvaluator(read)).toThrow(
      /has 3 nodes that cannot be used:\n {2}svdf_0 \(SVDF\): is no operator .*\n {2}mfcc_1 \(Mfcc\): is an operator of its own making.*\n {2}relu_2 \(RELU\): makes a tensor of shape \[4\]; the file says \[5\]/,
    )
  })

  test('unsigned codes, weights with zero points, scales that change in a pooling', () => {
    const model =
      (
        tensors: readonly FileTensor[],
        operator: FileOperator['operator'],
        options?: FileOperator['options'],
      ) =>
      () =>
        createTfliteEvaluator(readTflite(tfliteFile(alone(tensors, operator, options)), 'x'))
    expect(
      model(
        [
          { ...map('a', [4], q), type: 'uint8' },
          { ...map('b', [4], q), type: 'uint8' },
        ],
        'RELU',
      ),
    ).toThrow(/computes on uint8; supported are float32 and int8/)
    const weights: FileTensor = {
      name: 'w',
      type: 'int8',
      shape: [1, 4],
      data: [1, 2, 3, 4],
      scale: [1],
      zeroPoint: [9],
    }
    expect(
      model([map('a', [1, 4], q), weights, map('b', [1, 1], q)], 'FULLY_CONNECTED', activationOptions()),
    ).toThrow(/weights with a zero point/)
    const pool = poolOptions({ same: false, stride: [1, 1], window: [1, 1] })
    expect(
      model([map('a', [1, 1, 1, 1], q), map('b', [1, 1, 1, 1], { ...q, scale: 1 })], 'MAX_POOL_2D', pool),
    ).toThrow(/changes the scale/)
  })
})
