import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/base/random.ts'
import { floatNetwork } from '../../src/float/forward.ts'
import { createEvaluator } from '../../src/model/evaluator.ts'
import { type Lowered, lowerOnnx } from '../../src/model/lower/lower.ts'
import type { Model, ModelTensor } from '../../src/model/model.ts'
import { elements } from '../../src/net/shapes.ts'
import {
  conv,
  digitsModel,
  floatInput,
  floats,
  int64Tensor,
  type NodeSketch,
  normalTensor,
  onMap,
  onnxModel,
} from '../fixtures/onnx-models.ts'

/** The layers of a model, which must compute what the model does. */
function lowered(model: Model, inputRange?: readonly [number, number]): Lowered {
  const found = lowerOnnx(model, { name: 'lowered', ...(inputRange === undefined ? {} : { inputRange }) })
  const random = seededRandom(7)
  const image = Float32Array.from(
    { length: elements(found.network.input.shape) },
    () => random.integer(0, 255) / 255,
  )
  const [low, high] = inputRange ?? [0, 1]
  const [input] = model.inputs
  const given: ModelTensor = {
    type: 'float32',
    shape: input!.shape!.map((n) => n ?? 1),
    data: image.map((x) => low + x * (high - low)),
  }
  const [expected] = [
    ...createEvaluator(model)
      .run(new Map([[input!.name, given]]))
      .values(),
  ]
  const result = floatNetwork(found.network, found.weights).run(image)
  expect(result.length).toBe(expected!.data.length)
  const largest = result.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-3)
  for (let i = 0; i < result.length; i++)
    expect(Math.abs(result[i]! - Number(expected!.data[i])) / largest).toBeLessThan(1e-5)
  return found
}

const kinds = ({ network }: Lowered) => network.layers.map(({ kind }) => kind)

describe('a lowered ONNX model', () => {
  it('has its batch normalisation and constants in the weights before them', () => {
    expect(kinds(lowered(digitsModel()))).toEqual([
      'conv2d',
      'relu',
      'pool',
      'conv2d',
      'relu',
      'flatten',
      'dense',
    ])
    const scaled = onMap(
      [
        conv(['x', 'w'], 'a'),
        { operator: 'Mul', inputs: ['scale', 'a'], outputs: ['b'] },
        { operator: 'Sub', inputs: ['one', 'b'], outputs: ['c'] },
        { operator: 'Div', inputs: ['c', 'half'], outputs: ['y'] },
      ],
      {
        w: normalTensor([3, 4, 2, 2], 1),
        scale: normalTensor([3, 1, 1], 2),
        one: floats(1),
        half: { ...floats(0.5), shape: [] },
      },
    )
    expect(kinds(lowered(scaled))).toEqual(['conv2d'])
  })

  it('keeps a scale as a layer where others read what is before it', () => {
    const model = onMap(
      [
        conv(['x', 'w'], 'a'),
        { operator: 'Add', inputs: ['a', 'shift'], outputs: ['b'] },
        { operator: 'Add', inputs: ['a', 'b'], outputs: ['y'] },
      ],
      { w: normalTensor([3, 4, 1, 1], 1), shift: normalTensor([1, 3, 1, 1], 2) },
    )
    expect(kinds(lowered(model))).toEqual(['conv2d', 'conv2d', 'add'])
  })

  it.each([
    ['strides, groups and asymmetric padding', { strides: [2, 1], group: 2, pads: [0, 1, 2, 0] }],
    ['dilation', { dilations: [2, 2], group: 2 }],
    ['SAME_UPPER', { auto_pad: 'SAME_UPPER', strides: [2, 2], group: 2 }],
    ['SAME_LOWER', { auto_pad: 'SAME_LOWER', strides: [2, 2], group: 2 }],
  ])('convolves with %s', (_, attributes) => {
    const model = onMap([conv(['x', 'w', 'b'], 'y', attributes)], {
      w: normalTensor([6, 2, 3, 2], 1),
      b: normalTensor([6], 2),
    })
    expect(kinds(lowered(model))).toEqual(['conv2d'])
  })

  it.each([
    ['MaxPool', { kernel_shape: [3, 2], strides: [2, 2], ceil_mode: 1 }],
    ['MaxPool', { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2] }],
    ['AveragePool', { kernel_shape: [3, 3], pads: [1, 0, 1, 2] }],
    ['AveragePool', { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 }],
    ['AveragePool', { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 }],
    ['GlobalAveragePool', {}],
    ['GlobalMaxPool', {}],
    ['ReduceMean', { axes: [-1, 2], keepdims: 0 }],
  ])('pools: %s %o', (operator, attributes) => {
    const found = lowered(onMap([{ operator, inputs: ['x'], outputs: ['y'], attributes }]))
    expect(kinds(found).filter((kind) => kind !== 'flatten')).toEqual(['pool'])
  })

  it.each([
    ['Relu', ['relu'], []],
    ['Clip', ['activation'], ['zero', 'six']],
    ['Clip', ['relu'], ['zero']],
    ['LeakyRelu', ['activation'], []],
    ['Elu', ['activation'], []],
    ['HardSigmoid', ['activation'], []],
    ['HardSwish', ['activation'], []],
    ['Sigmoid', ['activation'], []],
    ['Tanh', ['activation'], []],
    ['BatchNormalization', ['conv2d'], ['c', 'c', 'c', 'v']],
  ])('computes %s', (operator, expected, inputs) => {
    const constants = {
      zero: { ...floats(0), shape: [] },
      six: { ...floats(6), shape: [] },
      c: floats(1, 2, 3, 4),
      v: floats(1, 0.5, 2, 3),
    }
    const found = lowered(onMap([{ operator, inputs: ['x', ...inputs], outputs: ['y'] }], constants))
    expect(kinds(found)).toEqual(expected)
  })

  it('joins padding with the convolution behind it, and else makes a layer of it', () => {
    const padded: NodeSketch = { operator: 'Pad', inputs: ['x', 'pads'], outputs: ['p'] }
    const pads = int64Tensor(0, 0, 1, 2, 0, 0, 0, 1)
    const w = normalTensor([3, 4, 3, 3], 1)
    expect(kinds(lowered(onMap([padded, conv(['p', 'w'], 'y')], { w, pads })))).toEqual(['conv2d'])
    const maximum: NodeSketch = { operator: 'Relu', inputs: ['p'], outputs: ['y'] }
    expect(kinds(lowered(onMap([padded, maximum], { pads })))).toEqual(['pad', 'relu'])
    const channels = { pads: int64Tensor(0, 1, 0, 0, 0, 2, 0, 0) }
    expect(kinds(lowered(onMap([{ ...padded, outputs: ['y'] }], channels)))).toEqual(['pad'])
  })

  it('has branches, gates, joins and transpositions', () => {
    const model = onMap(
      [
        conv(['x', 'w'], 'a'),
        { operator: 'GlobalAveragePool', inputs: ['a'], outputs: ['g'] },
        { operator: 'Sigmoid', inputs: ['g'], outputs: ['s'] },
        { operator: 'Mul', inputs: ['s', 'a'], outputs: ['m'] },
        { operator: 'Concat', inputs: ['m', 'a', 'x'], outputs: ['j'], attributes: { axis: -3 } },
        { operator: 'Transpose', inputs: ['j'], outputs: ['t'], attributes: { perm: [0, 2, 3, 1] } },
        { operator: 'Reshape', inputs: ['t', 'shape'], outputs: ['f'] },
        { operator: 'MatMul', inputs: ['f', 'v'], outputs: ['p'] },
        { operator: 'Softmax', inputs: ['p'], outputs: ['y'] },
      ],
      { w: normalTensor([3, 4, 1, 1], 1), v: normalTensor([300, 5], 2, 0.05), shape: int64Tensor(1, -1) },
    )
    expect(kinds(lowered(model))).toEqual([
      'conv2d',
      'pool',
      'activation',
      'flatten',
      'mul',
      'concat',
      'transpose',
      'flatten',
      'dense',
      'softmax',
    ])
  })

  it('folds shapes that are computed from shapes', () => {
    const model = onMap(
      [
        { operator: 'Shape', inputs: ['x'], outputs: ['s'] },
        { operator: 'Gather', inputs: ['s', 'zero'], outputs: ['n'] },
        { operator: 'Concat', inputs: ['n', 'rest'], outputs: ['shape'], attributes: { axis: 0 } },
        { operator: 'Reshape', inputs: ['x', 'shape'], outputs: ['f'] },
        {
          operator: 'Gemm',
          inputs: ['f', 'w', 'b'],
          outputs: ['y'],
          attributes: { alpha: { kind: 'float', value: 0.5 } },
        },
      ],
      {
        zero: int64Tensor(0),
        rest: int64Tensor(-1),
        w: normalTensor([120, 3], 1),
        b: normalTensor([1, 3], 2),
      },
    )
    expect(kinds(lowered(model))).toEqual(['flatten', 'dense'])
  })

  it.each([
    ['GRU', 3, { linear_before_reset: 1 }],
    ['GRU', 3, { direction: 'bidirectional' }],
    ['LSTM', 4, { direction: 'reverse' }],
    ['RNN', 1, {}],
  ])('has %s layers with %i gates %o', (operator, gates, attributes) => {
    const count = 'direction' in attributes && attributes.direction === 'bidirectional' ? 2 : 1
    const constants = {
      w: normalTensor([count, gates * 4, 6], 1, 0.5),
      r: normalTensor([count, gates * 4, 4], 2, 0.5),
      b: normalTensor([count, 2 * gates * 4], 3, 0.5),
    }
    const node = (outputs: string[]) => [
      { operator, inputs: ['x', 'w', 'r', 'b'], outputs, attributes: { hidden_size: 4, ...attributes } },
    ]
    const model = (outputs: string[]) =>
      onnxModel([floatInput('x', 5, 1, 6)], node(outputs), ['y'], constants)
    for (const outputs of [['y'], ['', 'y']])
      expect(kinds(lowered(model(outputs)))).toEqual(['reshape', operator.toLowerCase()])
  })

  it('takes the last step of a sequence', () => {
    const constants = {
      w: normalTensor([1, 12, 6], 1, 0.5),
      r: normalTensor([1, 12, 4], 2, 0.5),
      last: { ...int64Tensor(-1), shape: [] },
    }
    const model = onnxModel(
      [floatInput('x', 5, 1, 6)],
      [
        { operator: 'GRU', inputs: ['x', 'w', 'r'], outputs: ['s'], attributes: { hidden_size: 4 } },
        { operator: 'Squeeze', inputs: ['s', 'axis'], outputs: ['q'] },
        { operator: 'Gather', inputs: ['q', 'last'], outputs: ['y'], attributes: { axis: 0 } },
      ],
      ['y'],
      { ...constants, axis: int64Tensor(1) },
    )
    expect(lowered(model).network.layers.at(-1)).toMatchObject({ kind: 'gru', returns: 'last' })
  })

  it('takes the last states of the one direction that there is', () => {
    const model = onnxModel(
      [floatInput('x', 5, 1, 6)],
      [
        { operator: 'GRU', inputs: ['x', 'w', 'r'], outputs: ['', 's'], attributes: { hidden_size: 4 } },
        { operator: 'Gather', inputs: ['s', 'last'], outputs: ['y'], attributes: { axis: 0 } },
      ],
      ['y'],
      {
        w: normalTensor([1, 12, 6], 1, 0.5),
        r: normalTensor([1, 12, 4], 2, 0.5),
        last: { ...int64Tensor(-1), shape: [] },
      },
    )
    expect(kinds(lowered(model))).toEqual(['reshape', 'gru'])
  })

  it.each<[what: string, shape: number[], channels: number]>([
    ['steps, as many as units', [1, 3, 3], 3],
    ['steps', [1, 4, 3], 4],
    ['features of a sequence', [4, 3], 3],
  ])('normalises the second axis, be it %s', (_what, shape, channels) => {
    const model = onnxModel(
      [floatInput('x', ...shape)],
      [
        { operator: 'MatMul', inputs: ['x', 'w'], outputs: ['p'] },
        { operator: 'BatchNormalization', inputs: ['p', 'a', 'b', 'c', 'v'], outputs: ['y'] },
      ],
      ['y'],
      {
        w: normalTensor([shape.at(-1)!, shape.at(-1)!], 1),
        ...Object.fromEntries(['a', 'b', 'c'].map((name, i) => [name, normalTensor([channels], i + 2)])),
        v: { type: 'float32', shape: [channels], data: new Float32Array(channels).fill(0.5) },
      },
    )
    lowered(model)
  })

  it('has recurrent layers without a bias that give one result', () => {
    const constants = { w: normalTensor([1, 16, 6], 1, 0.5), r: normalTensor([1, 16, 4], 2, 0.5) }
    const node = { operator: 'LSTM', inputs: ['x', 'w', 'r', ''], attributes: { hidden_size: 4 } }
    for (const outputs of [['y'], ['', 'y']])
      expect(
        kinds(lowered(onnxModel([floatInput('x', 5, 1, 6)], [{ ...node, outputs }], ['y'], constants))),
      ).toEqual(['reshape', 'lstm']) // prettier-ignore
  })

  it('gets its images in the range that it was made for', () => {
    expect(kinds(lowered(digitsModel(), [0, 255]))).toEqual(kinds(lowered(digitsModel())))
    expect(kinds(lowered(digitsModel(), [-1, 1]))[0]).toBe('conv2d')
  })

  it('is the network in float of a quantised one', () => {
    const codes: ModelTensor = {
      type: 'int8',
      shape: [3, 4, 1, 1],
      data: Int8Array.from({ length: 12 }, (_, i) => 9 * i - 50),
    }
    const model = onMap(
      [
        { operator: 'DequantizeLinear', inputs: ['w', 'scale'], outputs: ['real'], attributes: { axis: 0 } },
        conv(['x', 'real'], 'y'),
      ],
      { w: codes, scale: floats(0.01, 0.02, 0.03) },
    )
    expect(kinds(lowered(model))).toEqual(['conv2d'])
  })

  it.each([
    ['uint8', Uint8Array.of(0), true],
    ['int8', Int8Array.of(-128), true],
    ['int8', Int8Array.of(0), false],
    ['uint4', Uint8Array.of(0), true],
    ['int4', Int8Array.of(-8), true],
    ['float8e4m3fn', Float32Array.of(0), false],
  ] as const)('has a clip where codes of %s count from %j: %s', (type, data, clamped) => {
    const zero: ModelTensor = { type, shape: [], data }
    const [scale, codes] = [{ ...floats(0.02), shape: [] }, (name: string) => [name, 'scale', 'zero']]
    const nodes: NodeSketch[] = [
      { operator: 'QuantizeLinear', inputs: codes('x'), outputs: ['qx'] },
      { operator: 'DequantizeLinear', inputs: codes('qx'), outputs: ['dx'] },
      conv(['dx', 'w'], 'c'),
      { operator: 'QuantizeLinear', inputs: codes('c'), outputs: ['qc'] },
      { operator: 'DequantizeLinear', inputs: codes('qc'), outputs: ['dc'] },
      { operator: 'MaxPool', inputs: ['dc'], outputs: ['m'], attributes: { kernel_shape: [2, 2] } },
      { operator: 'QuantizeLinear', inputs: codes('m'), outputs: ['qm'] },
      { operator: 'DequantizeLinear', inputs: codes('qm'), outputs: ['y'] },
    ]
    const model = onMap(nodes, { w: normalTensor([3, 4, 3, 3], 1), scale, zero })
    const found = kinds(lowerOnnx(model, { name: 'quantised' }))
    expect(found).toEqual(['conv2d', ...(clamped ? ['activation'] : []), 'pool'])
  })

  it.each([
    [2, 'uint8', ['conv2d', 'activation']],
    [3, 'int8', ['conv2d']],
  ] as const)('heeds the type of codes where no zero point tells it: %s, %s', (type, _, expected) => {
    const scale = { ...floats(0.02), shape: [] }
    const nodes: NodeSketch[] = [
      conv(['x', 'w'], 'c'),
      {
        operator: 'QuantizeLinear',
        inputs: ['c', 'scale'],
        outputs: ['q'],
        attributes: { output_dtype: type },
      },
      { operator: 'DequantizeLinear', inputs: ['q', 'scale'], outputs: ['y'] },
    ]
    const model = onMap(nodes, { w: normalTensor([3, 4, 3, 3], 1), scale }, 21)
    expect(kinds(lowerOnnx(model, { name: 'quantised' }))).toEqual(expected)
  })

  it('has a clip behind a convolution of codes that count from the least one, up to the largest', () => {
    const scalar = (type: 'uint8' | 'int8', value: number): ModelTensor => ({
      type,
      shape: [],
      data: type === 'uint8' ? Uint8Array.of(value) : Int8Array.of(value),
    })
    const model = onMap(
      [
        { operator: 'QuantizeLinear', inputs: ['x', 's', 'z'], outputs: ['q'] },
        { operator: 'QLinearConv', inputs: ['q', 's', 'z', 'w', 's', 'zw', 's', 'z'], outputs: ['c'] },
        { operator: 'DequantizeLinear', inputs: ['c', 's', 'z'], outputs: ['y'] },
      ],
      {
        s: { ...floats(0.02), shape: [] },
        z: scalar('uint8', 0),
        zw: scalar('int8', 0),
        w: { type: 'int8', shape: [3, 4, 1, 1], data: Int8Array.from({ length: 12 }, (_, i) => 9 * i - 50) },
      },
    )
    const { layers } = lowerOnnx(model, { name: 'quantised' }).network
    expect(layers.map(({ kind }) => kind)).toEqual(['conv2d', 'activation'])
    const clip = { name: 'clip', low: 0, high: Math.fround(255 * Math.fround(0.02)) }
    expect(layers[1]).toMatchObject({ function: clip })
  })
})
