import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { decodeNpy, encodeNpy } from '../../src/base/npy.ts'
import { readNpzArrays, writeNpz } from '../../src/base/npz.ts'
import { parseInputRange } from '../../src/flow/model-accuracy.ts'
import { inferModel } from '../../src/flow/model-infer.ts'
import { writeOnnx } from '../../src/model/onnx/write.ts'
import { digitsModel, floatInput, int64Tensor, normalTensor, onnxModel } from '../fixtures/onnx-models.ts'

const directory = mkdtempSync(join(tmpdir(), 'xgen-model-'))
const at = (name: string) => join(directory, name)

describe('xgen infer on a model file', () => {
  writeFileSync(at('digits.onnx'), writeOnnx(digitsModel()))
  const images = normalTensor([3, 1, 28, 28], 9)
  writeFileSync(
    at('x.npy'),
    encodeNpy({ type: 'f4', shape: images.shape, data: images.data as Float32Array }),
  )
  const request = { input: at('x.npy'), output: at('y.npy'), precision: undefined, codes: false }

  it('takes and gives tensors as the file has them', () => {
    const result = inferModel(at('digits.onnx'), request)
    expect(result).toMatchObject({ precision: 'float', images: 3, shape: [3, 10] })
    const { type, shape } = decodeNpy(readFileSync(at('y.npy')), 'y.npy')
    expect([type, ...shape]).toEqual(['f4', 3, 10])
  })

  it('takes several tensors by name, and gives several', () => {
    const model = onnxModel(
      [floatInput('a', 2, 2), floatInput('w', 2, 3)],
      [
        { operator: 'MatMul', inputs: ['a', 'w'], outputs: ['product'] },
        { operator: 'Shape', inputs: ['product'], outputs: ['size'] },
      ],
      ['product', 'size'],
    )
    writeFileSync(at('two.onnx'), writeOnnx(model))
    const float = (shape: number[], ...values: number[]) =>
      ({ type: 'f4', shape, data: Float32Array.from(values) }) as const
    writeFileSync(
      at('in.npz'),
      writeNpz(
        new Map([
          ['w', float([2, 3], 1, 2, 3, 4, 5, 6)],
          ['a', float([2, 2], 1, 0, 0, 2)],
        ]),
      ),
    )
    inferModel(at('two.onnx'), { ...request, input: at('in.npz'), output: at('out.npz') })
    const arrays = readNpzArrays(readFileSync(at('out.npz')), 'out.npz')
    expect([...(arrays.get('product')!.data as Float32Array)]).toEqual([1, 2, 3, 8, 10, 12])
    expect(arrays.get('size')).toMatchObject({ type: 'i8', data: int64Tensor(2, 3).data })
    expect(() => inferModel(at('two.onnx'), request)).toThrow(/2 outputs \(product, size\)/)
    expect(() => inferModel(at('two.onnx'), { ...request, output: at('o.npz') })).toThrow(/2 inputs \(a, w\)/)
    writeFileSync(at('bad.npz'), writeNpz(new Map([['b', float([1], 1)]])))
    expect(() =>
      inferModel(at('two.onnx'), { ...request, input: at('bad.npz'), output: at('o.npz') }),
    ).toThrow(/holds "b", which is no input of the model/)
  })

  it('says that a float model has no integers', () => {
    expect(() => inferModel(at('digits.onnx'), { ...request, precision: 'int' })).toThrow(
      /computes in float: it has no integers/,
    )
    expect(() => inferModel(at('digits.onnx'), { ...request, codes: true })).toThrow(/--codes/)
  })
})

describe('--input-range', () => {
  it('is two numbers', () => {
    expect(parseInputRange('0..255')).toEqual([0, 255])
    expect(parseInputRange('-1..1')).toEqual([-1, 1])
    expect(parseInputRange('-0.5..0.5')).toEqual([-0.5, 0.5])
    for (const bad of ['255', '1..0', 'a..b', ''])
      expect(() => parseInputRange(bad)).toThrow(/two numbers are needed/)
  })
})
