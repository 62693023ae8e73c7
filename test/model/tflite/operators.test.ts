import { describe, expect, test } from 'vitest'
import { createTfliteEvaluator } from '../../../src/model/tflite/evaluate.ts'
import { readTflite } from '../../../src/model/tflite/read.ts'
import {
  activationOptions,
  byte,
  convolutionOptions,
  type FileModel,
  type FileOperator,
  type FileTensor,
  int,
  poolOptions,
  real,
  tfliteFile,
} from '../../fixtures/tflite.ts'
import { alone, map, run } from '../../fixtures/tflite-run.ts'

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

  test('codes of two types, weights with zero points, scales that change in a pooling', () => {
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
          { ...map('b', [4], q), type: 'int8' },
        ],
        'RELU',
      ),
    ).toThrow(/computes on int8, uint8; supported are float32, int8 and uint8/)
    const wide = (name: string) => ({ ...map(name, [1, 4], q), type: 'int16', zeroPoint: [0] }) as const
    const narrow: FileTensor = { name: 'w', type: 'int8', shape: [4, 4], data: Array(16).fill(1), scale: [1] }
    expect(model([wide('a'), narrow, wide('b')], 'FULLY_CONNECTED', activationOptions())).toThrow(
      /computes on int16; supported are .*\. Export the model with full-integer int8 quantisation/,
    )
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
