import { describe, expect, it } from 'vitest'
import { tryLowering } from '../../src/model/lower/lower.ts'
import { readOnnx } from '../../src/model/onnx/read.ts'
import { writeOnnx } from '../../src/model/onnx/write.ts'
import {
  floatInput,
  int64Tensor,
  type NodeSketch,
  normalTensor,
  onMap,
  onnxModel,
} from '../fixtures/onnx-models.ts'

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
