import { expect, test } from 'vitest'
import { buildAssignment } from '../../../src/approx/build.ts'
import { seededRandom } from '../../../src/base/random.ts'
import { createEmulator } from '../../../src/emu/emulator.ts'
import { floatView } from '../../../src/model/lower/tflite/float-view.ts'
import { lowerTflite } from '../../../src/model/lower/tflite/graph.ts'
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
  real,
  tfliteFile,
} from '../../fixtures/tflite.ts'

/**
 * What MobileNetV3 and its like are made of, as converters write it: real values in and out, hard-swish, a squeeze-and-excitation
 * block whose gate is a hard sigmoid of constants, inverted residuals, padding of its own before a stride, a mean at the end.
 */
function mobile(): FileModel {
  const random = seededRandom(11)
  const tensors: FileTensor[] = []
  const operators: FileOperator[] = []
  const add = (tensor: Omit<FileTensor, 'name'>) =>
    tensors.push({ name: `t${tensors.length}`, ...tensor }) - 1
  const codes = (shape: readonly number[], scale: number, zeroPoint: number) =>
    add({ type: 'int8', shape, scale: [Math.fround(scale)], zeroPoint: [zeroPoint] })
  const then = (
    operator: FileOperator['operator'],
    inputs: readonly number[],
    output: number,
    options?: FileOperator['options'],
  ) => {
    operators.push({ operator, inputs, outputs: [output], ...(options && { options }) })
    return output
  }
  const weights = (shape: readonly number[], axis: number) => {
    const length = shape.reduce((product, n) => product * n, 1)
    const data = Array.from({ length }, () => random.integer(-127, 127))
    const scale = Array.from({ length: shape[axis]! }, () => Math.fround(0.002 + random.unit() / 200))
    return add({ type: 'int8', shape, data, axis, scale })
  }
  const constant = (value: number) =>
    add({ type: 'int8', shape: [1], data: [100], scale: [Math.fround(value / 100)], zeroPoint: [0] })
  const window = { same: true, stride: [1, 1] } as const
  const pointwise = (input: number, output: number, activation: 'NONE' | 'RELU' = 'NONE') => {
    const [from, to] = [input, output].map((place) => tensors[place]!.shape.at(-1)!) as [number, number]
    const inputs = [input, weights([to, 1, 1, from], 0), -1]
    return then('CONV_2D', inputs, output, convolutionOptions({ ...window, activation }))
  }
  const swish = (input: number) => {
    const { shape } = tensors[input]!
    return then('HARD_SWISH', [input], codes(shape, 0.03, -110))
  }
  const image = add({ type: 'float32', shape: [1, 8, 8, 3] })
  const pixels = then('QUANTIZE', [image], codes([1, 8, 8, 3], 1 / 255, -128))
  const stem = then(
    'CONV_2D',
    [pixels, weights([8, 3, 3, 3], 0), -1],
    codes([1, 8, 8, 8], 0.05, 3),
    convolutionOptions(window),
  )
  const wide = swish(pointwise(swish(stem), codes([1, 8, 8, 16], 0.05, -5)))
  const around = add({ type: 'int32', shape: [4, 2], data: [0, 0, 0, 1, 0, 1, 0, 0] })
  const padded = then('PAD', [wide, around], codes([1, 9, 9, 16], 0.03, -110))
  const spread = then(
    'DEPTHWISE_CONV_2D',
    [padded, weights([1, 3, 3, 16], 3), -1],
    codes([1, 4, 4, 16], 0.04, -128),
    depthwiseOptions({ same: false, stride: [2, 2], multiplier: 1, activation: 'RELU' }),
  )
  const axes = add({ type: 'int32', shape: [2], data: [1, 2] })
  const squeezed = then('MEAN', [spread, axes], codes([1, 1, 1, 16], 0.02, -128), { 0: byte(1) })
  const few = pointwise(squeezed, codes([1, 1, 1, 4], 0.02, -128), 'RELU')
  const gate = pointwise(few, codes([1, 1, 1, 16], 0.03, 0))
  const shifted = then(
    'ADD',
    [gate, constant(3)],
    codes([1, 1, 1, 16], 0.024, -128),
    activationOptions('RELU6'),
  )
  const share = then(
    'MUL',
    [shifted, constant(1 / 6)],
    codes([1, 1, 1, 16], 1 / 255, -128),
    activationOptions(),
  )
  const excited = then('MUL', [spread, share], codes([1, 4, 4, 16], 0.035, -128), activationOptions())
  const narrow = pointwise(excited, codes([1, 4, 4, 8], 0.05, 2))
  const inner = pointwise(
    swish(pointwise(narrow, codes([1, 4, 4, 24], 0.05, 1))),
    codes([1, 4, 4, 8], 0.05, -3),
  )
  const residual = then('ADD', [narrow, inner], codes([1, 4, 4, 8], 0.07, 0), activationOptions())
  const mean = then('MEAN', [residual, axes], codes([1, 8], 0.04, -4), { 0: byte(0) })
  const dense = [
    mean,
    add({
      type: 'int8',
      shape: [5, 8],
      data: Array.from({ length: 40 }, () => random.integer(-127, 127)),
      scale: [Math.fround(0.01)],
    }),
    -1,
  ]
  const logits = then('FULLY_CONNECTED', dense, codes([1, 5], 0.05, 0), activationOptions())
  const shares = then('SOFTMAX', [logits], codes([1, 5], 1 / 256, -128), { 0: real(1) })
  const result = then('DEQUANTIZE', [shares], add({ type: 'float32', shape: [1, 5] }))
  return { tensors, operators, inputs: [image], outputs: [result] }
}

test('a network like MobileNetV3 of codes runs on the emulator, with multipliers, and has a float network', () => {
  const model = readTflite(tfliteFile(mobile()), 'x')
  const random = seededRandom(3)
  const image = Float32Array.from({ length: 192 }, () => random.unit())
  const expected = new Map<string, readonly number[]>()
  const result = createTfliteEvaluator(model).run(
    new Map([['t0', { type: 'float32', shape: [1, 8, 8, 3], data: image }]]),
    (name, { data }) => expected.set(name, Array.from(data, Number)),
  )
  expect(Array.from([...result.values()][0]!.data, Number).reduce((a, b) => a + b)).toBeCloseTo(1, 1)
  const { graph, tensorOf, host } = lowerTflite(model)
  expect(host).toEqual(['softmax_20', 'dequantize_21'])
  expect(graph.nodes.map(({ name }) => name).join(' ')).toBe(
    'conv1 hard-swish1 conv2 hard-swish2 conv3 pool1 conv4 conv5 add1 mul1 mul2 conv6 conv7 hard-swish3 conv8 add2 pool2 fc1',
  )
  const pixels = expected.get(tensorOf.get('input')!)!
  const channelsFirst = (data: readonly number[], channels: number) => {
    const area = data.length / channels
    return data.map((_, i) => data[(i % area) * channels + Math.floor(i / area)]!)
  }
  const input = Int8Array.from(channelsFirst(pixels, 3))
  const trace = createEmulator(graph, buildAssignment(graph, [])).runImage(input)
  for (const [id, name] of tensorOf)
    expect([id, ...trace.get(id)!]).toEqual([
      id,
      ...channelsFirst(expected.get(name)!, graph.tensors[id]!.shape[0]),
    ])
  const entries = [{ selector: 'conv8', spec: 'trunc:ka=6,kb=6' }]
  const coarse = createEmulator(graph, buildAssignment(graph, entries)).runImage(input)
  expect([...coarse.get('conv7')!]).toEqual([...trace.get('conv7')!])
  expect([...coarse.get('conv8')!]).not.toEqual([...trace.get('conv8')!])
  expect(floatView(model).model.nodes.length).toBeGreaterThan(20)
})
