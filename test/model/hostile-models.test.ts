import { describe, expect, it, vi } from 'vitest'
import { Held, valuesOfPairs } from '../../src/model/lower/held.ts'
import { tryLowering } from '../../src/model/lower/lower.ts'
import { floatView } from '../../src/model/lower/tflite/float-view.ts'
import { lowerTflite } from '../../src/model/lower/tflite/graph.ts'
import { readOnnx } from '../../src/model/onnx/read.ts'
import { writeOnnx } from '../../src/model/onnx/write.ts'
import { readTflite } from '../../src/model/tflite/read.ts'
import {
  floatInput,
  int64Tensor,
  type NodeSketch,
  normalTensor,
  onMap,
  onnxModel,
} from '../fixtures/onnx-models.ts'
import { activationOptions, convolutionOptions, type FileModel, tfliteFile } from '../fixtures/tflite.ts'

const relu: NodeSketch = { operator: 'Relu', inputs: ['x'], outputs: ['y'] }
const readWith = (...more: number[]) =>
  readOnnx(Uint8Array.of(...writeOnnx(onMap([relu])), ...more), 'hostile.onnx', '.')

describe('ONNX files that could be read in two ways', () => {
  it('name one version of the standard operators', () => {
    expect(readWith(0x42, 2, 0x10, 17).nodes[0]!.version).toBe(17)
    expect(() => readWith(0x42, 2, 0x10, 9)).toThrow(/versions 17 and 9 of the same operators/)
  })

  it('have no functions of their own in place of standard operators', () => {
    const named = [0x0a, 4, ...new TextEncoder().encode('Relu')]
    expect(() => readWith(0xca, 1, named.length, ...named)).toThrow(/function "Relu"/)
    const elsewhere = [...named, 0x52, 1, 0x61]
    expect(readWith(0xca, 1, elsewhere.length, ...elsewhere).nodes).toHaveLength(1)
  })
})

describe('models that ask for much', () => {
  it('have no tensors of very many axes', () => {
    const axes = int64Tensor(...new Array<number>(100).fill(1), -1)
    const model = onMap([{ operator: 'Reshape', inputs: ['x', 'axes'], outputs: ['y'] }], { axes })
    expect(() => tryLowering(model, { name: 'no' })).toThrow(/101 axes: at most 64/)
  })

  it('have no diagonals that take much more memory than the file', () => {
    const model = onnxModel(
      [floatInput('x', 1, 2, 30_000)],
      [{ operator: 'Mul', inputs: ['x', 'w'], outputs: ['y'] }],
      ['y'],
      { w: normalTensor([30_000], 1) },
    )
    expect(tryLowering(model, { name: 'no' }).unsupported.map(({ node }) => node)).toEqual(['Mul_0'])
  })

  it('may have many nodes: each costs the same', () => {
    const count = 20_000
    const name = (i: number) => (i === 0 ? 'x' : i === count ? 'y' : `t${i}`)
    const nodes = Array.from({ length: count }, (_, i): NodeSketch => {
      const operator = ['Tanh', 'QuantizeLinear', 'DequantizeLinear'][i % 3]!
      return { operator, inputs: [name(i), ...(i % 3 === 0 ? [] : ['scale'])], outputs: [name(i + 1)] }
    })
    const model = onMap(nodes, { scale: { type: 'float32', shape: [], data: Float32Array.of(0.01) } })
    const { lowered } = tryLowering(model, { name: 'long' })
    // a ReLU where codes count from 0
    expect(lowered!.network.layers.length).toBe(Math.ceil(count / 3) + Math.floor((count + 1) / 3))
  }, 60_000)
})

describe('files of TensorFlow Lite that ask for much', () => {
  const codes = { type: 'int8', scale: [0.1], zeroPoint: [0] } as const
  const data = Array.from({ length: 12 }, (_, i) => i)
  const options = convolutionOptions({ same: true, stride: [1, 1] })
  /** Two convolutions that share their weights, and a product of two tensors. */
  const file: FileModel = {
    tensors: [
      ...['a', 'b', 'c', 'd'].map((name) => ({ ...codes, name, shape: [1, 2, 2, 2] })),
      { ...codes, name: 'w', shape: [2, 1, 3, 2], data },
    ],
    operators: [
      { operator: 'CONV_2D', inputs: [0, 4], outputs: [1], options },
      { operator: 'CONV_2D', inputs: [1, 4], outputs: [2], options },
      { operator: 'MUL', inputs: [1, 2], outputs: [3], options: activationOptions() },
    ],
    inputs: [0],
    outputs: [3],
  }
  const model = readTflite(tfliteFile(file), 'x')

  it('are counted by what each node is given, weights that they share too', () => {
    const add = vi.spyOn(Held.prototype, 'add')
    lowerTflite(model)
    expect(add.mock.calls.flat()).toEqual([12, 12, valuesOfPairs])
    add.mockClear()
    floatView(model)
    expect(add.mock.calls.flat()).toEqual([12, 12])
    add.mockRestore()
  })

  it('are looked at no further where that is too much', () => {
    const held = new Held()
    held.add(2 ** 28)
    expect(() => held.add(1)).toThrow(/more than 268435456 weights and table entries/)
    const full = vi.spyOn(Held.prototype, 'full', 'get').mockReturnValue(true)
    for (const lower of [lowerTflite, floatView])
      expect(() => lower(model)).toThrow(/^the layers of the model have more than/)
    full.mockRestore()
  })
})
