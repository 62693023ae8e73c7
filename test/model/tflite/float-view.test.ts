import { describe, expect, test } from 'vitest'
import { createEvaluator } from '../../../src/model/evaluator.ts'
import { floatView } from '../../../src/model/lower/tflite/float-view.ts'
import type { ModelTensor } from '../../../src/model/model.ts'
import { createTfliteEvaluator } from '../../../src/model/tflite/evaluate.ts'
import { readTflite } from '../../../src/model/tflite/read.ts'
import {
  activationOptions,
  byte,
  convolutionOptions,
  depthwiseOptions,
  type FileModel,
  type FileTensor,
  int,
  poolOptions,
  real,
  tfliteFile,
} from '../../fixtures/tflite.ts'

const noise = (count: number, step: number) =>
  Array.from({ length: count }, (_, i) => Math.sin(i * step + step) / 2)
const f = (name: string, shape: readonly number[], data?: readonly number[]): FileTensor => ({
  name,
  type: 'float32',
  shape,
  ...(data === undefined ? {} : { data }),
})

/** Two branches that meet, padding by an operator of its own, joined channels, a dense layer over a map of many positions. */
const network: FileModel = {
  tensors: [
    f('x', [1, 6, 5, 2]),
    f('w1', [3, 3, 3, 2], noise(54, 1.3)),
    f('b1', [3], [0.1, -0.2, 0.3]),
    f('a', [1, 6, 5, 3]),
    f('w2', [1, 3, 3, 3], noise(27, 0.7)),
    f('b', [1, 6, 5, 3]),
    f('sum', [1, 6, 5, 3]),
    { name: 'pad', type: 'int32', shape: [4, 2], data: [0, 0, 1, 0, 0, 2, 0, 0] },
    f('padded', [1, 7, 7, 3]),
    f('w3', [4, 3, 3, 3], noise(108, 0.9)),
    f('c', [1, 3, 3, 4]),
    f('p', [1, 3, 3, 3]),
    f('joined', [1, 3, 3, 7]),
    { name: 'shape', type: 'int32', shape: [2], data: [1, 63] },
    f('flat', [1, 63]),
    f('w4', [4, 63], noise(252, 1.1)),
    f('logits', [1, 4]),
    f('y', [1, 4]),
  ],
  operators: [
    {
      operator: 'CONV_2D',
      inputs: [0, 1, 2],
      outputs: [3],
      options: convolutionOptions({ same: true, stride: [1, 1], activation: 'RELU6' }),
    },
    {
      operator: 'DEPTHWISE_CONV_2D',
      inputs: [3, 4, -1],
      outputs: [5],
      options: depthwiseOptions({ same: true, stride: [1, 1], multiplier: 1 }),
    },
    { operator: 'ADD', inputs: [3, 5], outputs: [6], options: activationOptions('RELU') },
    { operator: 'PAD', inputs: [6, 7], outputs: [8] },
    {
      operator: 'CONV_2D',
      inputs: [8, 9, -1],
      outputs: [10],
      options: convolutionOptions({ same: false, stride: [2, 2] }),
    },
    {
      operator: 'AVERAGE_POOL_2D',
      inputs: [6],
      outputs: [11],
      options: poolOptions({ same: true, stride: [2, 2], window: [3, 3] }),
    },
    { operator: 'CONCATENATION', inputs: [10, 11], outputs: [12], options: { 0: int(3), 1: byte(0) } },
    { operator: 'RESHAPE', inputs: [12, 13], outputs: [14] },
    { operator: 'FULLY_CONNECTED', inputs: [14, 15, -1], outputs: [16], options: activationOptions() },
    { operator: 'SOFTMAX', inputs: [16], outputs: [17], options: { 0: real(1) } },
  ],
  inputs: [0],
  outputs: [17],
}

/** [1, 6, 5, 2] as [1, 2, 6, 5]. */
const channelsFirst = (data: Float32Array) =>
  Float32Array.from({ length: 60 }, (_, i) => data[(i % 30) * 2 + Math.floor(i / 30)]!)

describe('the float view of a model', () => {
  test('computes what the file does, channels first, in the operators of ONNX', () => {
    const model = readTflite(tfliteFile(network), 'x')
    const { model: view, inputRange } = floatView(model)
    expect(inputRange).toBeUndefined()
    expect(view.nodes.map(({ name, operator }) => `${name} ${operator}`)).toEqual([
      'conv1 Conv',
      'relu1 Clip',
      'conv2 Conv',
      'add1 Add',
      'relu2 Relu',
      'pad1 Pad',
      'conv3 Conv',
      'pool1 AveragePool',
      'concatenation1 Concat',
      'reshape1 Reshape',
      'fc1 Gemm',
      'softmax1 Softmax',
    ])
    const data = Float32Array.from(noise(60, 2.1))
    const tensor = (shape: number[], values: Float32Array): ModelTensor => ({
      type: 'float32',
      shape,
      data: values,
    })
    const expected = createTfliteEvaluator(model)
      .run(new Map([['x', tensor([1, 6, 5, 2], data)]]))
      .get('y')!
    const found = createEvaluator(view)
      .run(new Map([['x', tensor([1, 2, 6, 5], channelsFirst(data))]]))
      .get('y')!
    expect(found.shape).toEqual([1, 4])
    for (let i = 0; i < 4; i++) expect(Number(found.data[i])).toBeCloseTo(Number(expected.data[i]), 5)
  })

  test('weights of codes are the real values that they stand for, and the input has the range of its codes', () => {
    const q = (name: string, shape: readonly number[], scale: number, zeroPoint: number): FileTensor => ({
      name,
      type: 'int8',
      shape,
      scale: [scale],
      zeroPoint: [zeroPoint],
    })
    const file: FileModel = {
      tensors: [
        q('x', [1, 2], 0.5, -28),
        { name: 'w', type: 'int8', shape: [1, 2], data: [10, -20], scale: [0.25] },
        { name: 'b', type: 'int32', shape: [1], data: [16] },
        q('y', [1, 1], 1, 0),
      ],
      operators: [
        { operator: 'FULLY_CONNECTED', inputs: [0, 1, 2], outputs: [3], options: activationOptions() },
      ],
      inputs: [0],
      outputs: [3],
    }
    const { model, inputRange } = floatView(readTflite(tfliteFile(file), 'x'))
    expect(inputRange).toEqual([-50, 77.5])
    expect(model.constants.get('fc1.weight')!.data).toEqual(Float32Array.of(2.5, -5))
    expect(model.constants.get('fc1.bias')!.data).toEqual(Float32Array.of(2))
  })

  test('what has none is listed', () => {
    const file: FileModel = {
      ...network,
      operators: [
        { operator: 'TRANSPOSE', inputs: [0, 18], outputs: [3] },
        { operator: 'RESHAPE', inputs: [3, 13], outputs: [6] },
      ],
      tensors: [...network.tensors, { name: 'order', type: 'int32', shape: [4], data: [0, 2, 1, 3] }].map(
        (t) => (t.name === 'a' || t.name === 'sum' ? { ...t, shape: [1, 5, 6, 2] } : t),
      ) as FileTensor[],
      outputs: [6],
    }
    expect(() => floatView(readTflite(tfliteFile(file), 'x'))).toThrow(
      /1 node .*transpose_0 \(TRANSPOSE\): has no place/s,
    )
  })
})
