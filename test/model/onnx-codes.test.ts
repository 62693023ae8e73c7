import { describe, expect, test } from 'vitest'
import { buildAssignment } from '../../src/approx/build.ts'
import { seededRandom } from '../../src/base/random.ts'
import { createEmulator, emptyCodes } from '../../src/emu/emulator.ts'
import { createOnnxEvaluator } from '../../src/model/evaluate.ts'
import { lowerOnnxCodes } from '../../src/model/lower/codes/lower.ts'
import type { Model, ModelTensor } from '../../src/model/model.ts'
import { type RealSums, roundHalfToEven } from '../../src/quant/onnx-rules.ts'
import type { QConv } from '../../src/quant/qgraph.ts'
import {
  conv,
  floatInput,
  int64Tensor,
  type NodeSketch,
  normalTensor,
  onnxModel,
} from '../fixtures/onnx-models.ts'
import { type QuantisingOptions, quantisedModel, withCodeOperators } from '../fixtures/quantised-models.ts'

const options: QuantisingOptions[] = [
  { type: 'int8', weights: 'int8', perFilter: true },
  { type: 'uint8', weights: 'uint8', perFilter: false },
  { type: 'uint8', weights: 'int8', perFilter: true },
]

const sample = (seed: number, shape: readonly number[]): ModelTensor => {
  const random = seededRandom(seed)
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.unit())
  return { type: 'float32', shape, data }
}

/** How many codes of the graph's tensors differ from the file's, and by how much at most. */
function compared(model: Model, unsigned: boolean) {
  const { graph, tensorOf, head } = lowerOnnxCodes(model, { unsigned })
  const emulator = createEmulator(graph, buildAssignment(graph, []))
  const [input] = model.inputs
  const counts = { different: 0, largest: 0, codes: 0 }
  for (const seed of [11, 12, 13]) {
    const given = new Map([[input!.name, sample(seed, input!.shape as number[])]])
    const expected = new Map<string, ModelTensor>()
    createOnnxEvaluator(model).run(given, (name, tensor) => expected.set(name, tensor))
    const [entry] = [...createOnnxEvaluator(head!).run(given).values()] as [ModelTensor]
    const offset = (id: string) =>
      expected.get(tensorOf.get(id)!)!.type === 'int8' && !graph.tensors[id]!.signed ? 128 : 0
    const codes = emptyCodes(graph.tensors['input']!)
    for (let i = 0; i < codes.length; i++) codes[i] = Number(entry.data[i]) + offset('input')
    const trace = emulator.runImage(codes)
    for (const [id, name] of tensorOf) {
      const [own, file] = [trace.get(id)!, expected.get(name)!.data]
      expect(own.length).toBe(file.length)
      for (let i = 0; i < own.length; i++) {
        const difference = Math.abs(own[i]! - offset(id) - Number(file[i]))
        counts.codes++
        if (difference > 0) counts.different++
        counts.largest = Math.max(counts.largest, difference)
      }
    }
  }
  return { graph, ...counts }
}

const shape = [1, 3, 9, 8]
const input = floatInput('x', ...shape)
const small: Readonly<Record<string, ModelTensor>> = {
  w1: normalTensor([6, 3, 3, 3], 1, 0.3),
  b1: normalTensor([6], 2, 0.2),
  w2: normalTensor([6, 1, 3, 3], 3, 0.3),
  b2: normalTensor([6], 4, 0.2),
  w3: normalTensor([6, 6, 1, 1], 5, 0.4),
  v: normalTensor([5, 6], 6, 0.5),
  d: normalTensor([5], 7, 0.5),
}
const float = (name: string, value: number) => ({ [name]: { kind: 'float', value } as const })
const residual: readonly NodeSketch[] = [
  conv(['x', 'w1', 'b1'], 'c1', { pads: [1, 1, 1, 1] }),
  { operator: 'Relu', inputs: ['c1'], outputs: ['r1'] },
  conv(['r1', 'w2', 'b2'], 'c2', { group: 6, pads: [1, 1, 1, 1] }),
  { operator: 'Clip', inputs: ['c2', 'zero', 'six'], outputs: ['r2'] },
  conv(['r2', 'w3'], 'c3'),
  { operator: 'Add', inputs: ['c3', 'r1'], outputs: ['s'] },
  { operator: 'HardSwish', inputs: ['s'], outputs: ['h'] },
  { operator: 'Sigmoid', inputs: ['h'], outputs: ['g'] },
  { operator: 'Mul', inputs: ['h', 'g'], outputs: ['m'] },
  {
    operator: 'MaxPool',
    inputs: ['m'],
    outputs: ['p'],
    attributes: { kernel_shape: [2, 2], strides: [2, 2], pads: [1, 0, 0, 0] },
  },
  { operator: 'LeakyRelu', inputs: ['p'], outputs: ['l'], attributes: float('alpha', 0.1) },
  { operator: 'Concat', inputs: ['l', 'p'], outputs: ['k'], attributes: { axis: 1 } },
  {
    operator: 'AveragePool',
    inputs: ['k'],
    outputs: ['q'],
    attributes: { kernel_shape: [2, 3], pads: [1, 1, 0, 1], count_include_pad: 1 },
  },
  { operator: 'Transpose', inputs: ['q'], outputs: ['t'], attributes: { perm: [0, 1, 3, 2] } },
  { operator: 'GlobalAveragePool', inputs: ['t'], outputs: ['a'] },
  { operator: 'Flatten', inputs: ['a'], outputs: ['f'] },
  { operator: 'Gemm', inputs: ['f', 'v', 'd'], outputs: ['y'], attributes: { transB: 1 } },
  { operator: 'Softmax', inputs: ['y'], outputs: ['z'] },
]
const scalar = (value: number): ModelTensor => ({ type: 'float32', shape: [], data: Float32Array.of(value) })
const bounds = { zero: scalar(0), six: scalar(0.8) }

const whole = onnxModel([input], residual, ['z'], { ...small, v: normalTensor([5, 12], 6, 0.5), ...bounds })
const samples = [1, 2, 3].map((seed) => sample(seed, shape))
const [signed] = options as [QuantisingOptions]

/** A part of a model, quantised. */
const quantised = (
  nodes: readonly NodeSketch[],
  result: string,
  plain: readonly string[] = [],
  constants = {},
) =>
  quantisedModel(onnxModel([input], nodes, [result], { ...small, ...bounds, ...constants }), samples, {
    ...signed,
    plain,
  })

describe('quantised ONNX models as integer graphs', () => {
  test.each(options)('$type with $weights weights: all codes are those of the file', (option) => {
    const model = quantisedModel(whole, samples, { ...option, plain: ['z'] })
    for (const unsigned of [false, true]) {
      const { graph, different, codes } = compared(model, unsigned)
      expect({ different, codes }).toEqual({ different: 0, codes: 12651 })
      expect(graph.nodes.map(({ kind }) => kind).join(' ')).toBe(
        'conv conv conv add table table mul pool table table table concat pool transpose pool conv',
      )
      const coded = compared(withCodeOperators(model), unsigned)
      expect([coded.different, coded.codes]).toEqual([0, 12651])
    }
  })

  test('the layers have the names of the nodes, and the softmax is left to the host', () => {
    const { graph, host, tail } = lowerOnnxCodes(quantisedModel(whole, samples, { ...signed, plain: ['z'] }))
    expect(graph.nodes.filter(({ kind }) => kind === 'conv').map(({ name }) => name)).toEqual([
      'Conv_0',
      'Conv_2',
      'Conv_4',
      'Gemm_16',
    ])
    expect(host).toEqual(['y.read', 'Softmax_17'])
    expect(tail!.inputs).toEqual([{ name: 'y.codes', type: 'int8', shape: [1, 5] }])
  })

  test.each([
    [2, 'uint8'],
    [3, 'int8'],
  ] as const)('codes without a zero point are of the type that their quantiser says: %s, %s', (type, _) => {
    const constants = { s: scalar(0.01), t: scalar(0.02), u: scalar(0.5) }
    const to = { output_dtype: type }
    const nodes: NodeSketch[] = [
      { operator: 'Sub', inputs: ['x', 'u'], outputs: ['h'] },
      { operator: 'QuantizeLinear', inputs: ['h', 's'], outputs: ['q'], attributes: to },
      { operator: 'DequantizeLinear', inputs: ['q', 's'], outputs: ['d'] },
      { operator: 'Tanh', inputs: ['d'], outputs: ['f'] },
      { operator: 'QuantizeLinear', inputs: ['f', 't'], outputs: ['p'], attributes: to },
      { operator: 'DequantizeLinear', inputs: ['p', 't'], outputs: ['y'] },
    ]
    const { different, codes, graph } = compared(onnxModel([input], nodes, ['y'], constants, 21), false)
    expect([different, codes]).toEqual([0, 3 * 2 * 216])
    expect(Object.values(graph.tensors).map(({ signed }) => signed)).toEqual([type === 3, type === 3])
  })

  test('codes that are given to a model without a zero point are of the type of the input', () => {
    const nodes: NodeSketch[] = [
      { operator: 'DequantizeLinear', inputs: ['x', 's'], outputs: ['d'] },
      { operator: 'Tanh', inputs: ['d'], outputs: ['f'] },
      { operator: 'QuantizeLinear', inputs: ['f', 's'], outputs: ['y'], attributes: { output_dtype: 3 } },
    ]
    const given = { name: 'x', type: 'int8', shape: [1, 1, 16, 16] } as const
    const model = onnxModel([given], nodes, ['y'], { s: scalar(0.015) }, 21)
    const { graph } = lowerOnnxCodes(model)
    const codes = Int8Array.from({ length: 256 }, (_, i) => i - 128)
    const [expected] = [
      ...createOnnxEvaluator(model)
        .run(new Map([['x', { ...given, data: codes }]]))
        .values(),
    ]
    const trace = createEmulator(graph, buildAssignment(graph, [])).runImage(codes)
    expect([...trace.get(graph.nodes.at(-1)!.output)!]).toEqual([...(expected!.data as Int8Array)])
  })

  test('functions between two quantisers become one table, whatever they are made of', () => {
    const { graph, different } = compared(
      quantised(
        [
          { operator: 'HardSigmoid', inputs: ['x'], outputs: ['a'] },
          { operator: 'Mul', inputs: ['x', 'a'], outputs: ['b'] },
          { operator: 'Sub', inputs: ['six', 'b'], outputs: ['c'] },
          { operator: 'Tanh', inputs: ['c'], outputs: ['y'] },
        ],
        'y',
        ['a', 'b', 'c'],
      ),
      false,
    )
    expect([different, ...graph.nodes.map(({ kind }) => kind)]).toEqual([0, 'table'])
  })

  test('a clip behind products cuts off where its bounds have codes, below and above 0', () => {
    const constants = { least: scalar(-0.31), most: scalar(0.47) }
    const nodes: NodeSketch[] = [
      conv(['x', 'w1', 'b1'], 'c'),
      { operator: 'Clip', inputs: ['c', 'least', 'most'], outputs: ['k'] },
      { operator: 'Clip', inputs: ['k', '', 'half'], outputs: ['y'] },
    ]
    // ranges of the convolution itself, so that both bounds are inside
    const model = quantised(nodes, 'y', ['k'], { ...constants, half: scalar(0.4) })
    const { graph, different } = compared(model, false)
    const [layer] = graph.nodes
    expect(different).toBe(0)
    expect(layer!.kind === 'conv' && layer!.high - layer!.low).toBeLessThan(256)
  })

  test('zeros around a map are padding of the convolution behind them, and biases may be added', () => {
    const pads = {
      type: 'int64',
      shape: [8],
      data: BigInt64Array.from([0, 0, 1, 2, 0, 0, 0, 1], BigInt),
    } as const
    const b = normalTensor([1, 6, 1, 1], 9, 0.3)
    const { graph, different } = compared(
      quantised(
        [
          { operator: 'Pad', inputs: ['x', 'pads'], outputs: ['p'] },
          conv(['p', 'w1'], 'c', { pads: [0, 1, 0, 0] }),
          { operator: 'Add', inputs: ['c', 'b'], outputs: ['y'] },
        ],
        'y',
        ['c'],
        { pads, b },
      ),
      false,
    )
    expect(graph.nodes).toMatchObject([{ kind: 'conv', padding: [1, 3, 0, 1] }])
    // a bias in float is rounded to units of the sums
    expect(different).toBeLessThan(10)
  })

  test('zeros around maps and channels, and every other row and column, are layers of their own elsewhere', () => {
    const list = (...values: number[]) => int64Tensor(...values)
    const constants = {
      pads: list(0, 1, 1, 2, 0, 2, 0, 1),
      from: list(0, 0),
      to: list(9, 9),
      axes: list(2, 3),
      steps: list(2, 2),
    }
    for (const option of options) {
      const model = quantisedModel(
        onnxModel(
          [input],
          [
            { operator: 'Sub', inputs: ['half', 'x'], outputs: ['s'] },
            { operator: 'Pad', inputs: ['s', 'pads'], outputs: ['p'] },
            { operator: 'MaxPool', inputs: ['p'], outputs: ['m'], attributes: { kernel_shape: [2, 2] } },
            { operator: 'Slice', inputs: ['m', 'from', 'to', 'axes', 'steps'], outputs: ['y'] },
          ],
          ['y'],
          { ...bounds, ...constants, half: scalar(0.4) },
        ),
        samples,
        { ...option, plain: ['p', 'm'] },
      )
      const { graph, different } = compared(model, false)
      expect(different).toBe(0)
      expect(graph.nodes.map(({ kind }) => kind).filter((kind) => kind !== 'table')).toEqual([
        'pad',
        'pad',
        'pool',
        'subsample',
      ])
    }
  })

  test('multipliers see the codes of the file', () => {
    const model = quantised([conv(['x', 'w1', 'b1'], 'y', { pads: [1, 1, 1, 1] })], 'y')
    const { graph } = lowerOnnxCodes(model)
    const entries = [{ selector: 'default', spec: 'trunc:ka=2,kb=0', where: '' }]
    const emulator = createEmulator(graph, buildAssignment(graph, entries))
    const codes = Int8Array.from({ length: 216 }, (_, i) => ((i * 37) % 256) - 128)
    const result = emulator.runImage(codes).get(graph.output)!
    const layer = graph.nodes[0] as QConv
    const { factor, zeroPoint } = layer.rule as RealSums
    const zero = graph.tensors['input']!.zeroPoint
    for (let i = 0; i < result.length; i++) {
      const [n, y, x] = [Math.floor(i / 72), Math.floor(i / 8) % 9, i % 8]
      let sum = layer.bias[n]!
      for (let k = 0; k < 27; k++) {
        const [row, column] = [y - 1 + (Math.floor(k / 3) % 3), x - 1 + (k % 3)]
        const inside = row >= 0 && row < 9 && column >= 0 && column < 8
        const code = inside ? codes[Math.floor(k / 9) * 72 + row * 8 + column]! : zero
        sum += (code & ~3) * layer.weights[n * 27 + k]!
      }
      const rounded = roundHalfToEven(Math.fround(sum * factor[n]!)) + zeroPoint
      expect(result[i]).toBe(Math.max(layer.low, Math.min(layer.high, rounded)))
    }
  })

  test.each<[string, readonly NodeSketch[], readonly string[], RegExp]>([
    [
      'a function of products that are not quantised',
      [conv(['x', 'w1'], 'c'), { operator: 'Tanh', inputs: ['c'], outputs: ['y'] }],
      ['c'],
      /Tanh_1 \(Tanh\): follows products or a mean without a quantiser in between/,
    ],
    [
      'products at the end in float',
      [conv(['x', 'w1'], 'y')],
      ['y'],
      /Conv_0 \(Conv\): multiplies in float, before the first or behind the last quantiser/,
    ],
    [
      'an operator without a rule between quantisers',
      [{ operator: 'Softmax', inputs: ['x'], outputs: ['y'] }],
      [],
      /Softmax_0 \(Softmax\): has no rule on codes/,
    ],
  ])('%s: refused by name', (_, nodes, plain, message) => {
    expect(() => lowerOnnxCodes(quantised(nodes, 'y', plain))).toThrow(message)
  })

  test('weights in float, of wide codes and by other axes are refused by name', () => {
    const model = quantised([conv(['x', 'w1'], 'y')], 'y')
    const constants = (changes: Record<string, ModelTensor>) => ({
      ...model,
      constants: new Map([...model.constants, ...Object.entries(changes)]),
    })
    const zeros: ModelTensor = { type: 'int8', shape: [6], data: Int8Array.of(100, 0, 0, 0, 0, 0) }
    expect(() => lowerOnnxCodes(constants({ 'w1.zero': zeros }))).toThrow(
      /Conv_0 \(Conv\): has weights that are not within -128..127/,
    )
    const plain = model.nodes.map((node) =>
      node.operator === 'Conv' ? { ...node, inputs: [node.inputs[0]!, 'raw'] } : node,
    )
    expect(() => lowerOnnxCodes({ ...constants({ raw: small['w1']! }), nodes: plain })).toThrow(
      /has weights in float \("raw"\)/,
    )
    expect(() => lowerOnnxCodes(constants({ 'x.scale': scalar(0) }))).toThrow(/has a scale of 0/)
  })

  test('a model without quantisers has no integer graph', () => {
    expect(() => lowerOnnxCodes(whole)).toThrow(/quantises nothing with fixed scales/)
  })
})
