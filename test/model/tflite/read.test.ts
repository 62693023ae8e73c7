import { describe, expect, test } from 'vitest'
import { XgenError } from '../../../src/base/errors.ts'
import { readTflite } from '../../../src/model/tflite/read.ts'
import { convolutionOptions, type FileModel, tfliteFile } from '../../fixtures/tflite.ts'

const small: FileModel = {
  tensors: [
    { name: 'image', type: 'int8', shape: [1, 4, 4, 1], scale: [0.5], zeroPoint: [-128] },
    {
      name: 'weights',
      type: 'int8',
      shape: [2, 1, 1, 1],
      data: [3, -4],
      scale: [0.25, 0.125],
      zeroPoint: [0, 0],
    },
    { name: 'bias', type: 'int32', shape: [2], data: [100, -100] },
    { name: 'map', type: 'int8', shape: [1, 2, 2, 2], scale: [1], zeroPoint: [3] },
    { name: 'shape', type: 'int32', shape: [2], data: [1, 8] },
    { name: 'flat', type: 'int8', shape: [1, 8], scale: [1], zeroPoint: [3] },
  ],
  operators: [
    {
      operator: 'CONV_2D',
      inputs: [0, 1, 2],
      outputs: [3],
      options: convolutionOptions({ same: true, stride: [2, 2], activation: 'RELU6' }),
    },
    { operator: 'RESHAPE', inputs: [3, 4], outputs: [5] },
  ],
  inputs: [0],
  outputs: [5],
}

/** The file with one tensor or operator changed. */
const changed = (change: (model: { -readonly [K in keyof FileModel]: FileModel[K] }) => void) => {
  const model = { ...small }
  change(model)
  return () => readTflite(tfliteFile(model), 'x.tflite')
}

describe('TensorFlow Lite files', () => {
  test('are read as they are', () => {
    const model = readTflite(tfliteFile(small), 'x.tflite')
    expect(model.format).toBe('tflite')
    expect(model.inputs).toEqual([
      {
        name: 'image',
        type: 'int8',
        shape: [1, 4, 4, 1],
        quantisation: { scale: [0.5], zeroPoint: [-128], axis: 0 },
      },
    ])
    expect(model.outputs.map(({ name }) => name)).toEqual(['flat'])
    expect(model.constants.get('weights')).toEqual({
      type: 'int8',
      shape: [2, 1, 1, 1],
      data: Int8Array.of(3, -4),
    })
    expect(model.constants.get('bias')!.data).toEqual(Int32Array.of(100, -100))
    expect(model.values.get('weights')!.quantisation!.scale).toEqual([0.25, 0.125])
    expect(model.nodes.map(({ name, operator, version }) => [name, operator, version])).toEqual([
      ['conv_2d_0', 'CONV_2D', 1],
      ['reshape_1', 'RESHAPE', 1],
    ])
    expect(Object.fromEntries(model.nodes[0]!.attributes)).toEqual({
      padding: { kind: 'string', value: 'SAME' },
      strides: { kind: 'ints', value: [2, 2] },
      activation: { kind: 'string', value: 'RELU6' },
      dilations: { kind: 'ints', value: [1, 1] },
    })
  })

  test('operators that nothing evaluates are read with their names', () => {
    const model = changed((m) => {
      m.operators = [
        { operator: 'SVDF', inputs: [0, -1], outputs: [3] },
        { operator: 'CUSTOM', custom: 'Mfcc', inputs: [3], outputs: [5] },
      ]
    })()
    expect(model.nodes.map(({ operator, domain, inputs }) => [operator, domain, inputs])).toEqual([
      ['SVDF', '', ['image', '']],
      ['Mfcc', 'custom', ['map']],
    ])
  })

  test('numbers of operators beyond 127 stand in a field of their own', () => {
    const model = changed((m) => {
      m.operators = [{ operator: 'RFFT2D', inputs: [0], outputs: [5] }]
    })()
    expect(model.nodes[0]!.operator).toBe('RFFT2D')
  })

  test('tensors of one name get their places behind it', () => {
    const model = changed((m) => {
      m.tensors = small.tensors.map((tensor) =>
        tensor.name === 'map' ? { ...tensor, name: 'image' } : tensor,
      )
    })()
    expect(model.nodes[0]!.inputs[0]).toBe('image#0')
    expect(model.nodes[0]!.outputs).toEqual(['image#3'])
  })
})

describe('files that contradict themselves are refused', () => {
  const tensor = (i: number, change: object) =>
    changed((m) => {
      m.tensors = small.tensors.map((t, at) => (at === i ? { ...t, ...change } : t))
    })
  test.each<[string, () => unknown, RegExp]>([
    ['a constant too short', tensor(1, { data: [1] }), /tensor "weights" has 1 bytes; .* need 2/],
    ['a huge shape', tensor(0, { shape: [2 ** 20, 2 ** 20] }), /at most 268435456 elements/],
    ['a negative shape', tensor(0, { shape: [-1, 4] }), /shape \[-1,4\]/],
    ['many dimensions', tensor(0, { shape: Array(9).fill(1) }), /9 dimensions/],
    [
      'scales that do not fit',
      tensor(1, { scale: [1, 1, 1], zeroPoint: [0, 0, 0] }),
      /3 scales along dimension 0/,
    ],
    ['a scale of zero', tensor(3, { scale: [0] }), /scale 0: scales are positive/],
    ['scales without zero points', tensor(1, { zeroPoint: [0] }), /2 scales and 1 zero points/],
    [
      'a cycle',
      changed((m) => {
        m.operators = [
          { operator: 'RELU', inputs: [5], outputs: [3] },
          { operator: 'RELU', inputs: [3], outputs: [5] },
        ]
      }),
      /operator "relu_0" reads tensor "flat", which nothing before it makes/,
    ],
    [
      'a tensor made twice',
      changed((m) => {
        m.operators = [small.operators[0]!, small.operators[0]!]
      }),
      /makes tensor "map", which is there already/,
    ],
    [
      'a place beyond the tensors',
      changed((m) => {
        m.inputs = [77]
      }),
      /the list of inputs names tensor 77 of 6/,
    ],
    [
      'an output that is not made',
      changed((m) => {
        m.operators = []
      }),
      /nothing makes the output "flat"/,
    ],
    [
      'a stride of 0',
      changed((m) => {
        m.operators = [
          { ...small.operators[0]!, options: convolutionOptions({ same: true, stride: [0, 1] }) },
          small.operators[1]!,
        ]
      }),
      /operator "conv_2d_0" has strides of 0x1/,
    ],
    [
      'no options',
      changed((m) => {
        m.operators = [{ operator: 'CONV_2D', inputs: [0, 1, 2], outputs: [3] }, small.operators[1]!]
      }),
      /operator "conv_2d_0" has no options/,
    ],
  ])('%s', (_name, read, message) => {
    expect(read).toThrow(message)
    expect(read).toThrow(XgenError)
  })

  test('files of other kinds, and cut ones at every length', () => {
    expect(() => readTflite(new Uint8Array(4), 'x')).toThrow(/it has 4 bytes/)
    expect(() => readTflite(new TextEncoder().encode('GIF89a......'), 'x')).toThrow(/expected is "TFL3"/)
    // the Buffer of a file, in which slice() copies nothing
    const bytes = Buffer.from(tfliteFile(small))
    expect(readTflite(bytes, 'x').constants.get('bias')!.data).toEqual(Int32Array.of(100, -100))
    for (let length = 0; length < bytes.length; length++) {
      try {
        readTflite(bytes.subarray(0, length), 'x')
      } catch (error) {
        expect(error).toBeInstanceOf(XgenError)
      }
    }
  })
})
