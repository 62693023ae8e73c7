import { describe, expect, test } from 'vitest'
import { fromHalf } from '../../../src/base/half.ts'
import { floatView } from '../../../src/model/lower/tflite/float-view.ts'
import { readTflite } from '../../../src/model/tflite/read.ts'
import { activationOptions, type FileModel, type FileTensor, tfliteFile } from '../../fixtures/tflite.ts'
import { alone, run } from '../../fixtures/tflite-run.ts'

const real = (name: string, shape: readonly number[], data?: readonly number[]): FileTensor => ({
  name,
  type: 'float32',
  shape,
  ...(data === undefined ? {} : { data }),
})

describe('what only prepares constants and shapes', () => {
  test('halves that become float32 are constants of float32', () => {
    const model: FileModel = {
      tensors: [
        real('x', [1, 2]),
        // 1.5, -2, 0.333..., the smallest subnormal
        { name: 'half', type: 'float16', shape: [2, 2], data: [0x3e00, 0xc000, 0x3555, 0x0001] },
        real('w', [2, 2]),
        real('y', [1, 2]),
      ],
      operators: [
        { operator: 'DEQUANTIZE', inputs: [1], outputs: [2] },
        { operator: 'FULLY_CONNECTED', inputs: [0, 2, -1], outputs: [3], options: activationOptions() },
      ],
      inputs: [0],
      outputs: [3],
    }
    const read = readTflite(tfliteFile(model), 'x')
    expect(read.nodes.map(({ operator }) => operator)).toEqual(['FULLY_CONNECTED'])
    expect(run(model, [[2, 4]])).toEqual([-5, Math.fround(0.333251953125 * 2 + 4 * 2 ** -24)])
    expect([0x7c00, 0xfc00, 0x8000, 0x7bff].map(fromHalf)).toEqual([Infinity, -Infinity, -0, 65504])
    expect(fromHalf(0x7c01)).toBeNaN()
  })

  test('a half that is computed is refused', () => {
    const bytes = tfliteFile(alone([real('x', [1]), { name: 'y', type: 'float16', shape: [1] }], 'RELU'))
    expect(() => readTflite(bytes, 'x')).toThrow(/tensor "y" is computed in float16/)
  })

  test('weights of codes are real values where activations are', () => {
    const weights = { name: 'w', type: 'int8', shape: [2, 2], data: [2, -4, 6, 8] } as const
    const options = activationOptions()
    const model = (quantised: Partial<FileTensor>) =>
      alone([real('x', [1, 2]), { ...weights, ...quantised }, real('y', [1, 2])], 'FULLY_CONNECTED', options)
    expect(run(model({ scale: [0.5] }), [[1, 10]])).toEqual([-19, 43])
    expect(run(model({ scale: [0.5, 2], axis: 0 }), [[1, 10]])).toEqual([-19, 172])
    const view = floatView(readTflite(tfliteFile(model({ scale: [0.5] })), 'x'))
    expect(view.model.constants.get('fc1.weight')!.data).toEqual(Float32Array.of(1, -2, 3, 4))
    expect(() => run(model({}), [[1, 10]])).toThrow(/has no scale for its weights/)
  })

  test("the shape of a RESHAPE is the file's, whatever computes it", () => {
    const model: FileModel = {
      tensors: [
        real('x', [1, 2, 3]),
        { name: 'shape', type: 'int32', shape: [3] },
        { name: 'packed', type: 'int32', shape: [2] },
        real('y', [1, 6]),
      ],
      operators: [
        { operator: 'SHAPE', inputs: [0], outputs: [1] },
        { operator: 'PACK', inputs: [1], outputs: [2] },
        { operator: 'RESHAPE', inputs: [0, 2], outputs: [3] },
      ],
      inputs: [0],
      outputs: [3],
    }
    expect(run(model, [[1, 2, 3, 4, 5, 6]])).toEqual([1, 2, 3, 4, 5, 6])
  })
})
