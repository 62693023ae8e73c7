import { describe, expect, it } from 'vitest'
import { floatNetwork } from '../../src/float/forward.ts'
import { createEvaluator } from '../../src/model/evaluator.ts'
import { lowerOnnx } from '../../src/model/lower/lower.ts'
import type { ModelTensor } from '../../src/model/model.ts'
import { elements } from '../../src/net/shapes.ts'
import { floats, type NodeSketch, onMap } from '../fixtures/onnx-models.ts'

describe('dynamic quantisation', () => {
  const codes = (shape: readonly number[], zero: number): ModelTensor => {
    const data = Uint8Array.from(
      { length: elements(shape as [number]) },
      (_, i) => ((i * 37) % 101) + zero - 50,
    )
    return { type: 'uint8', shape, data }
  }
  const products = (operator: string, shape: readonly number[], scale: ModelTensor) =>
    onMap(
      [
        ...(operator === 'ConvInteger'
          ? []
          : [{ operator: 'Flatten', inputs: ['x'], outputs: ['f'] } satisfies NodeSketch]),
        {
          operator: 'DynamicQuantizeLinear',
          inputs: [operator === 'ConvInteger' ? 'x' : 'f'],
          outputs: ['q', 's', 'z'],
        },
        { operator, inputs: ['q', 'w', 'z', 'zw'], outputs: ['i'] },
        { operator: 'Cast', inputs: ['i'], outputs: ['c'], attributes: { to: 1 } },
        { operator: 'Mul', inputs: ['s', 'sw'], outputs: ['m'] },
        { operator: 'Mul', inputs: ['c', 'm'], outputs: ['p'] },
        { operator: 'Add', inputs: ['p', 'b'], outputs: ['y'] },
      ],
      {
        w: codes(shape, 128),
        zw: { type: 'uint8', shape: [], data: Uint8Array.of(128) },
        sw: scale,
        b: { ...floats(0.25), shape: [] },
      },
    )

  it.each([
    ['ConvInteger', [3, 4, 2, 2], { ...floats(0.01), shape: [] }, ['conv2d']],
    ['ConvInteger', [3, 4, 2, 2], { ...floats(0.01, 0.02, 0.03), shape: [1, 3, 1, 1] }, ['conv2d']],
    ['MatMulInteger', [120, 3], floats(0.01, 0.02, 0.03), ['flatten', 'dense']],
  ] as const)(
    'of %s %j is taken away: real weights stand in its place',
    (operator, shape, scale, expected) => {
      const model = products(operator, shape, scale)
      const { network, weights } = lowerOnnx(model, { name: 'dynamic' })
      expect(network.layers.map(({ kind }) => kind)).toEqual(expected)
      const image = Float32Array.from({ length: 120 }, (_, i) => ((i * 29) % 97) / 96)
      const result = floatNetwork(network, weights).run(image)
      const given = new Map([['x', { type: 'float32', shape: [1, 4, 6, 5], data: image } as const]])
      const [file] = [...createEvaluator(model).run(given).values()]
      const largest = result.reduce((most, x) => Math.max(most, Math.abs(x)), 0)
      // the file rounds the image to 255 steps
      for (let i = 0; i < result.length; i++)
        expect(Math.abs(result[i]! - Number(file!.data[i])) / largest).toBeLessThan(0.02)
    },
  )

  it('that is used otherwise is refused by name', () => {
    const model = products('ConvInteger', [3, 4, 2, 2], {
      ...floats(0.01, 0.02, 0.03, 0.04),
      shape: [1, 1, 1, 4],
    })
    expect(() => lowerOnnx(model, { name: 'dynamic' })).toThrow(/ConvInteger/)
  })
})
