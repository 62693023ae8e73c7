import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildAssignment, layerDomain } from '../../../src/approx/build.ts'
import { parseMultiplier } from '../../../src/arith/registry.ts'
import { createEmulator } from '../../../src/emu/emulator.ts'
import { createEvaluator } from '../../../src/model/evaluator.ts'
import { floatView } from '../../../src/model/lower/tflite/float-view.ts'
import { lowerTflite } from '../../../src/model/lower/tflite/graph.ts'
import type { ModelTensor } from '../../../src/model/model.ts'
import { createTfliteEvaluator } from '../../../src/model/tflite/evaluate.ts'
import { readTflite } from '../../../src/model/tflite/read.ts'
import { planNetwork } from '../../../src/plan/network.ts'
import type { ScaledSums } from '../../../src/quant/imported-rules.ts'
import type { QConv } from '../../../src/quant/qgraph.ts'
import {
  activationOptions,
  byte,
  convolutionOptions,
  depthwiseOptions,
  type FileModel,
  type FileOperator,
  type FileTensor,
  poolOptions,
  real,
  tfliteFile,
} from '../../fixtures/tflite.ts'
import { oracleScaled } from '../../oracles/tflite.ts'

const cases = process.env['XGEN_FULL'] ? 500 : 30
const code = fc.integer({ min: -128, max: 127 })
const weight = fc.integer({ min: -127, max: 127 })
const codes = (count: number, of = code) => fc.array(of, { minLength: count, maxLength: count })
const quantised = fc.record({
  scale: fc.float({ min: Math.fround(0.01), max: 2, noNaN: true }),
  zeroPoint: code,
})

/** Weights and settings that fill a small network: two branches that meet, pooling, a dense layer over a map, softmax. */
const networks = fc.record({
  q: fc.array(quantised, { minLength: 7, maxLength: 7 }),
  image: codes(6 * 5 * 2),
  first: codes(3 * 3 * 3 * 2, weight),
  firstScales: fc.array(fc.float({ min: Math.fround(0.001), max: Math.fround(0.05), noNaN: true }), {
    minLength: 3,
    maxLength: 3,
  }),
  depthwise: codes(3 * 3 * 3, weight),
  dense: codes(4 * 3 * 3 * 3, weight),
  bias: codes(3, fc.integer({ min: -5000, max: 5000 })),
  average: fc.boolean(),
  same: fc.boolean(),
})

type Drawn = typeof networks extends fc.Arbitrary<infer T> ? T : never

function fileOf(d: Drawn): FileModel {
  const map = (name: string, shape: readonly number[], i: number): FileTensor => ({
    name,
    type: 'int8',
    shape,
    scale: [d.q[i]!.scale],
    zeroPoint: [d.q[i]!.zeroPoint],
  })
  const tensors: FileTensor[] = [
    map('image', [1, 6, 5, 2], 0),
    { name: 'w1', type: 'int8', shape: [3, 3, 3, 2], data: d.first, scale: d.firstScales },
    { name: 'b1', type: 'int32', shape: [3], data: d.bias },
    map('a', [1, 6, 5, 3], 1),
    { name: 'w2', type: 'int8', shape: [1, 3, 3, 3], data: d.depthwise, scale: d.firstScales, axis: 3 },
    map('b', [1, 6, 5, 3], 2),
    map('sum', [1, 6, 5, 3], 3),
    map('pooled', [1, 3, 3, 3], 3),
    { name: 'shape', type: 'int32', shape: [2], data: [1, 27] },
    map('flat', [1, 27], 3),
    { name: 'w3', type: 'int8', shape: [4, 27], data: d.dense, scale: [d.firstScales[0]!] },
    map('logits', [1, 4], 4),
    { name: 'result', type: 'int8', shape: [1, 4], scale: [1 / 256], zeroPoint: [-128] },
  ]
  const window = poolOptions({ same: true, stride: [2, 2], window: [2, 2] })
  const operators: FileOperator[] = [
    {
      operator: 'CONV_2D',
      inputs: [0, 1, 2],
      outputs: [3],
      options: convolutionOptions({ same: true, stride: [1, 1], activation: 'RELU' }),
    },
    {
      operator: 'DEPTHWISE_CONV_2D',
      inputs: [3, 4, -1],
      outputs: [5],
      options: depthwiseOptions({ same: true, stride: [1, 1], multiplier: 1 }),
    },
    { operator: 'ADD', inputs: [3, 5], outputs: [6], options: activationOptions('RELU') },
    { operator: d.average ? 'AVERAGE_POOL_2D' : 'MAX_POOL_2D', inputs: [6], outputs: [7], options: window },
    { operator: 'RESHAPE', inputs: [7, 8], outputs: [9] },
    { operator: 'FULLY_CONNECTED', inputs: [9, 10, -1], outputs: [11], options: activationOptions() },
    { operator: 'SOFTMAX', inputs: [11], outputs: [12], options: { 0: real(1) } },
  ]
  return { tensors, operators, inputs: [0], outputs: [12] }
}

/** Codes [channel][y][x] of a file's [y][x][channel]. */
function channelsFirst(data: ArrayLike<number>, channels: number): number[] {
  const positions = data.length / channels
  return Array.from(
    { length: data.length },
    (_, i) => data[(i % positions) * channels + Math.floor(i / positions)]!,
  )
}

describe('int8 models as integer graphs', () => {
  test('with exact products every tensor has the codes of the file', () => {
    fc.assert(
      fc.property(networks, (drawn) => {
        const model = readTflite(tfliteFile(fileOf(drawn)), 'x')
        const { graph, tensorOf, host } = lowerTflite(model)
        expect(graph.nodes.map(({ name }) => name)).toEqual([
          'conv1',
          'conv2',
          'add1',
          'pool1',
          'flatten1',
          'fc1',
        ])
        expect(host).toEqual(['softmax_6'])
        const image: ModelTensor = { type: 'int8', shape: [1, 6, 5, 2], data: Int8Array.from(drawn.image) }
        const expected = new Map<string, ModelTensor>()
        createTfliteEvaluator(model).run(new Map([['image', image]]), (name, tensor) =>
          expected.set(name, tensor),
        )
        const trace = createEmulator(graph, buildAssignment(graph, [])).runImage(
          Int8Array.from(channelsFirst(drawn.image, 2)),
        )
        for (const [id, name] of tensorOf) {
          if (id === 'input' || id === 'flatten1') continue
          const channels = graph.tensors[id]!.shape[0]
          expect([id, ...trace.get(id)!]).toEqual([
            id,
            ...channelsFirst(expected.get(name)!.data as Int8Array, channels),
          ])
        }
      }),
      { numRuns: cases },
    )
  })

  test('approximate products: the multiplier sees the codes, and the padding is the zero point', () => {
    const spec = 'roup:p=1,r=2'
    fc.assert(
      fc.property(networks, (drawn) => {
        const { graph } = lowerTflite(readTflite(tfliteFile(fileOf(drawn)), 'x'))
        const conv = graph.nodes[0] as QConv
        const multiplier = parseMultiplier(spec, layerDomain(graph, conv))
        const product = (a: number, w: number) => multiplier.table()[(a & 255) * 256 + (w & 255)]!
        const x = channelsFirst(drawn.image, 2)
        const result = createEmulator(graph, buildAssignment(graph, [{ selector: 'default', spec }]))
          .runImage(Int8Array.from(x))
          .get('conv1')!
        const zero = drawn.q[0]!.zeroPoint
        for (const [n, y, column] of [
          [0, 0, 0],
          [2, 3, 4],
        ] as const) {
          let sum = drawn.bias[n]!
          for (let c = 0; c < 2; c++) {
            for (let ky = 0; ky < 3; ky++) {
              for (let kx = 0; kx < 3; kx++) {
                const [yy, xx] = [y + ky - 1, column + kx - 1]
                const inside = yy >= 0 && yy < 6 && xx >= 0 && xx < 5
                const w = drawn.first[((n * 3 + ky) * 3 + kx) * 2 + c]!
                sum += product(inside ? x[(c * 6 + yy) * 5 + xx]! : zero, w) - zero * w
              }
            }
          }
          const { multiplier: m, exponent, zeroPoint } = conv.rule as ScaledSums
          const scaled = oracleScaled(sum, m[n]!, exponent[n]!) + zeroPoint
          expect(result[(n * 6 + y) * 5 + column]).toBe(Math.max(conv.low, Math.min(conv.high, scaled)))
        }
      }),
      { numRuns: cases },
    )
  })

  const sample = () => fileOf(fc.sample(networks, { numRuns: 1, seed: 3 })[0]!)

  test('zeros around a map become padding of the convolution that reads them', () => {
    const { tensors } = sample()
    const file: FileModel = {
      tensors: [
        ...tensors,
        { name: 'p', type: 'int32', shape: [4, 2], data: [0, 0, 0, 1, 1, 0, 0, 0] },
        { ...tensors[0]!, name: 'padded', shape: [1, 7, 6, 2] },
        { ...tensors[3]!, name: 'out', shape: [1, 5, 4, 3] },
      ],
      operators: [
        { operator: 'PAD', inputs: [0, 13], outputs: [14] },
        {
          operator: 'CONV_2D',
          inputs: [14, 1, 2],
          outputs: [15],
          options: convolutionOptions({ same: false, stride: [1, 1] }),
        },
      ],
      inputs: [0],
      outputs: [15],
    }
    const model = readTflite(tfliteFile(file), 'x')
    const { graph } = lowerTflite(model)
    expect((graph.nodes[0] as QConv).padding).toEqual([0, 1, 1, 0])
    const x = Int8Array.from({ length: 60 }, (_, i) => ((i * 37) % 256) - 128)
    const expected = createTfliteEvaluator(model).run(
      new Map([['image', { type: 'int8', shape: [1, 6, 5, 2], data: x }]]),
    )
    const found = createEmulator(graph, buildAssignment(graph, [])).runImage(
      Int8Array.from(channelsFirst(x, 2)),
    )
    expect([...found.get('conv1')!]).toEqual(channelsFirst(expected.get('out')!.data as Int8Array, 3))
  })

  test.each([false, true])('a mean over the positions of a map, unsigned: %s', (unsigned) => {
    const { tensors } = sample()
    for (const [scale, zeroPoint] of [
      [0.01, 0],
      [tensors[6]!.scale![0]! * 1.7, -128],
    ] as const) {
      const file: FileModel = {
        tensors: [
          ...tensors.map((t) => (t.name === 'sum' ? { ...t, zeroPoint: [-128] } : t)),
          { name: 'axes', type: 'int32', shape: [2], data: [1, 2] },
          { name: 'mean', type: 'int8', shape: [1, 3], scale: [scale], zeroPoint: [zeroPoint] },
        ],
        operators: [{ operator: 'MEAN', inputs: [6, 13], outputs: [14] }],
        inputs: [6],
        outputs: [14],
      }
      const model = readTflite(tfliteFile(file), 'x')
      const x = Int8Array.from({ length: 90 }, (_, i) => ((i * 91) % 200) - 128)
      const image: ModelTensor = { type: 'int8', shape: [1, 6, 5, 3], data: x }
      const expected = createTfliteEvaluator(model)
        .run(new Map([['sum', image]]))
        .get('mean')!
      const { graph } = lowerTflite(model, { unsigned })
      const codes = channelsFirst(x, 3).map((value) => value + (unsigned ? 128 : 0))
      const input = unsigned ? Uint8Array.from(codes) : Int8Array.from(codes)
      const found = createEmulator(graph, new Map()).runImage(input).get('pool1')!
      const offset = unsigned && zeroPoint === -128 ? 128 : 0
      expect(Array.from(found, (value) => value - offset)).toEqual([...(expected.data as Int8Array)])
    }
  })

  test('a dense layer may read a map as it is', () => {
    const { tensors } = sample()
    const file: FileModel = {
      tensors,
      operators: [
        { operator: 'FULLY_CONNECTED', inputs: [7, 10, -1], outputs: [11], options: activationOptions() },
      ],
      inputs: [7],
      outputs: [11],
    }
    const model = readTflite(tfliteFile(file), 'x')
    const x = Int8Array.from({ length: 27 }, (_, i) => ((i * 91) % 256) - 128)
    const image: ModelTensor = { type: 'int8', shape: [1, 3, 3, 3], data: x }
    const expected = createTfliteEvaluator(model)
      .run(new Map([['pooled', image]]))
      .get('logits')!
    const { graph } = lowerTflite(model)
    expect(graph.nodes.map(({ name }) => name)).toEqual(['flatten1', 'fc1'])
    const found = createEmulator(graph, buildAssignment(graph, [])).runImage(
      Int8Array.from(channelsFirst(x, 3)),
    )
    expect([...found.get('fc1')!]).toEqual([...(expected.data as Int8Array)])
    const view = floatView(model).model
    const { scale, zeroPoint } = model.inputs[0]!.quantisation!
    const reals = Float32Array.from(channelsFirst(x, 3), (code) => scale[0]! * (code - zeroPoint[0]!))
    const real = createEvaluator(view)
      .run(new Map([['pooled', { type: 'float32', shape: [1, 3, 3, 3], data: reals }]]))
      .get('logits')!
    const { scale: unit, zeroPoint: zero } = model.outputs[0]!.quantisation!
    for (const [i, value] of [...(real.data as Float32Array)].entries()) {
      const code = Math.max(-128, Math.min(127, value / unit[0]! + zero[0]!))
      expect(Math.abs(code - Number(expected.data[i]))).toBeLessThan(1)
    }
  })

  test('an int8 input without a scale is told', () => {
    const { tensors } = sample()
    const bare = tensors.map(({ scale, zeroPoint, ...tensor }) => tensor)
    const model = readTflite(tfliteFile({ tensors: bare, operators: [], inputs: [0], outputs: [0] }), 'x')
    expect(() => lowerTflite(model)).toThrow(/tensor "image" has no single scale/)
  })

  test('functions of one code become tables, and convolutions may be dilated', () => {
    const { tensors } = sample()
    const like = tensors[5]!
    const dilated = convolutionOptions({ same: true, stride: [1, 1], dilation: [2, 1] })
    const file: FileModel = {
      tensors: [...tensors, { ...like, name: 'u' }, { ...like, name: 'v', scale: [0.3], zeroPoint: [-128] }],
      operators: [
        { operator: 'CONV_2D', inputs: [0, 1, 2], outputs: [5], options: dilated },
        { operator: 'TANH', inputs: [5], outputs: [13] },
        { operator: 'RELU6', inputs: [13], outputs: [14] },
      ],
      inputs: [0],
      outputs: [14],
    }
    const model = readTflite(tfliteFile(file), 'x')
    const x = Int8Array.from({ length: 60 }, (_, i) => ((i * 91) % 256) - 128)
    const expected = createTfliteEvaluator(model).run(
      new Map([['image', { type: 'int8', shape: [1, 6, 5, 2], data: x }]]),
    )
    for (const unsigned of [false, true]) {
      const { graph } = lowerTflite(model, { unsigned })
      expect(graph.nodes.map(({ kind, name }) => [kind, name])).toEqual([
        ['conv', 'conv1'],
        ['table', 'tanh1'],
        ['table', 'relu61'],
      ])
      const found = createEmulator(graph, buildAssignment(graph, []))
        .runImage(Int8Array.from(channelsFirst(x, 2)))
        .get('relu61')!
      const offset = unsigned ? 128 : 0
      expect(Array.from(found, (code) => code - offset)).toEqual(
        channelsFirst(expected.get('v')!.data as Int8Array, 3),
      )
    }
  })

  test('the hardware refuses them by the layer', () => {
    const { graph } = lowerTflite(readTflite(tfliteFile(sample()), 'x'))
    const array = { dataflow: 'auto', rows: 4, columns: 4, memoryBits: 2 ** 20, parallel: false } as const
    expect(() => planNetwork(graph, buildAssignment(graph, []), array)).toThrow(
      /layer "conv1" .* rounds as the imported file does/,
    )
  })

  test.each([
    ['MUL', [3, 5], 'mul1'],
    ['MUL', [3, 13], 'mul1'],
    ['MUL', [13, 3], 'mul1'],
    ['SUB', [3, 5], 'add1'],
    ['SUB', [13, 3], 'add1'],
    ['ADD', [3, 14], 'add1'],
  ] as const)(
    '%s of tensors %j, of a map and its channels too, by a table of all pairs',
    (operator, inputs, name) => {
      const { tensors } = sample()
      const gates = { ...tensors[5]!, name: 'gates', shape: [1, 1, 1, 3], zeroPoint: [-128] }
      const axes: FileTensor = { name: 'axes', type: 'int32', shape: [2], data: [1, 2] }
      const flat = inputs.some((input) => input === 14)
      const mean = { inputs: [3, 15], outputs: [flat ? 14 : 13], options: { 0: byte(flat ? 0 : 1) } }
      const file: FileModel = {
        tensors: [...tensors, gates, { ...gates, name: 'flat gates', shape: [1, 3] }, axes],
        operators: [
          { operator: 'TANH', inputs: [3], outputs: [5] },
          { operator: 'MEAN', ...mean },
          { operator, inputs, outputs: [6], options: activationOptions('RELU') },
        ],
        inputs: [3],
        outputs: [6],
      }
      const model = readTflite(tfliteFile(file), 'x')
      const x = Int8Array.from({ length: 90 }, (_, i) => ((i * 91) % 256) - 128)
      const image: ModelTensor = { type: 'int8', shape: [1, 6, 5, 3], data: x }
      const expected = createTfliteEvaluator(model)
        .run(new Map([['a', image]]))
        .get('sum')!
      for (const unsigned of [false, true]) {
        const { graph } = lowerTflite(model, { unsigned })
        const [input, output] = [graph.tensors['input']!, graph.tensors[graph.output]!]
        const codes = channelsFirst(x, 3).map((code) => code + (input.signed ? 0 : 128))
        const given = input.signed ? Int8Array.from(codes) : Uint8Array.from(codes)
        const found = createEmulator(graph, new Map()).runImage(given).get(name)!
        expect(graph.output).toBe(name)
        expect(Array.from(found, (code) => code - (output.signed ? 0 : 128))).toEqual(
          channelsFirst(expected.data as Int8Array, 3),
        )
      }
    },
  )

  test('what has no place in the graph is listed', () => {
    const { tensors } = sample()
    const file: FileModel = {
      tensors,
      operators: [
        { operator: 'PRELU', inputs: [3, 3], outputs: [5] },
        { operator: 'PRELU', inputs: [3, 5], outputs: [6] },
      ],
      inputs: [3],
      outputs: [6],
    }
    expect(() => lowerTflite(readTflite(tfliteFile(file), 'x'))).toThrow(
      /2 nodes that cannot be used:\n {2}prelu_0 \(PRELU\): has no integer rule in the graph.*\n {2}prelu_1 \(PRELU\): has no integer rule/,
    )
  })
})
