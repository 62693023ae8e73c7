import { describe, expect, it } from 'vitest'
import { floatNetwork } from '../../src/float/forward.ts'
import { createEvaluator } from '../../src/model/evaluator.ts'
import { lowerOnnx, tryLowering } from '../../src/model/lower/lower.ts'
import type { Model, ModelTensor } from '../../src/model/model.ts'
import { conv, floats, type NodeSketch, normalTensor, onMap, onnxModel } from '../fixtures/onnx-models.ts'

const scalar = (value: number): ModelTensor => ({ ...floats(value), shape: [] })
const code = (value: number): ModelTensor => ({ type: 'uint8', shape: [], data: Uint8Array.of(value) })
const constants = { fine: scalar(0.01), coarse: scalar(0.02), zero: code(0), middle: code(128) }

const quantise = (from: string, to: string, scale = 'fine', zero = 'middle'): NodeSketch => ({
  operator: 'QuantizeLinear',
  inputs: [from, scale, zero],
  outputs: [to],
})
const dequantise = (from: string, to: string, scale = 'fine', zero = 'middle'): NodeSketch => ({
  operator: 'DequantizeLinear',
  inputs: [from, scale, zero],
  outputs: [to],
})

describe('codes for which a network has real values', () => {
  it('are read as what they were made of, and moved', () => {
    const model = onMap(
      [
        quantise('x', 'q'),
        { operator: 'MaxPool', inputs: ['q'], outputs: ['m'], attributes: { kernel_shape: [2, 2] } },
        { operator: 'Concat', inputs: ['m', 'm'], outputs: ['j'] },
        dequantise('j', 'y'),
      ],
      constants,
    )
    expect(lowerOnnx(model, { name: 'moved' }).network.layers.map(({ kind }) => kind)).toEqual([
      'pool',
      'concat',
    ])
  })

  it.each<[what: string, refused: string, nodes: NodeSketch[]]>([
    ['read with another scale', 'DequantizeLinear_1', [quantise('x', 'q'), dequantise('q', 'y', 'coarse')]],
    [
      'read with another zero point',
      'DequantizeLinear_1',
      [quantise('x', 'q'), dequantise('q', 'y', 'fine', 'zero')],
    ],
    [
      'joined with those of another scale',
      'Concat_2',
      [
        quantise('x', 'a'),
        quantise('x', 'b', 'coarse'),
        { operator: 'Concat', inputs: ['a', 'b'], outputs: ['q'] },
        dequantise('q', 'y'),
      ],
    ],
    [
      'added',
      'Add_1',
      [quantise('x', 'q'), { operator: 'Add', inputs: ['q', 'q'], outputs: ['s'] }, dequantise('s', 'y')],
    ],
    [
      'padded by a code that is not 0',
      'Pad_1',
      [
        quantise('x', 'q'),
        { operator: 'Pad', inputs: ['q'], outputs: ['p'], attributes: { pads: [0, 0, 1, 1, 0, 0, 1, 1] } },
        dequantise('p', 'y'),
      ],
    ],
    [
      'cast to real values',
      'Cast_1',
      [quantise('x', 'q'), { operator: 'Cast', inputs: ['q'], outputs: ['y'], attributes: { to: 1 } }],
    ],
  ])('are refused where they are %s', (_what, refused, nodes) => {
    const { unsupported } = tryLowering(onMap(nodes, constants, 10), { name: 'no' })
    expect(unsupported.map(({ node }) => node)).toContain(refused)
  })
})

describe('an image of bytes', () => {
  const bytes = Uint8Array.from({ length: 120 }, (_, i) => (i * 37) % 256)
  const onBytes = (nodes: NodeSketch[], more: Record<string, ModelTensor> = {}): Model =>
    onnxModel([{ name: 'x', type: 'uint8', shape: [1, 4, 6, 5] }], nodes, ['y'], { ...constants, ...more })
  const results = (model: Model) => {
    const { network, weights } = lowerOnnx(model, { name: 'bytes' })
    const image: ModelTensor = { type: 'uint8', shape: [1, 4, 6, 5], data: bytes }
    const [expected] = createEvaluator(model)
      .run(new Map([['x', image]]))
      .values()
    return [
      floatNetwork(network, weights).run(Float32Array.from(bytes, (byte) => byte / 255)),
      expected!.data,
    ] as const
  }

  it.each<[what: string, nodes: NodeSketch[]]>([
    ['as codes', [dequantise('x', 'r'), conv(['r', 'w'], 'y')]],
    [
      'as numbers',
      [{ operator: 'Cast', inputs: ['x'], outputs: ['r'], attributes: { to: 1 } }, conv(['r', 'w'], 'y')],
    ],
    [
      'as codes of several scales',
      [{ ...dequantise('x', 'r', 'scales', 'zeros'), attributes: { axis: 1 } }, conv(['r', 'w'], 'y')],
    ],
  ])('is taken %s', (_what, nodes) => {
    const zeros: ModelTensor = { type: 'uint8', shape: [4], data: Uint8Array.of(0, 7, 100, 255) }
    const more = { w: normalTensor([3, 4, 2, 2], 1), scales: floats(0.01, 0.02, 0.03, 0.04), zeros }
    const [found, expected] = results(onBytes(nodes, more))
    const largest = Math.max(...found.map(Math.abs))
    expect(found.length).toBe(expected.length)
    for (let i = 0; i < found.length; i++)
      expect(Math.abs(found[i]! - Number(expected[i])) / largest).toBeLessThan(1e-5)
  })

  it('is nothing to add whole numbers to', () => {
    const model = onBytes([{ operator: 'Add', inputs: ['x', 'zero'], outputs: ['y'] }])
    expect(tryLowering(model, { name: 'no' }).unsupported.map(({ node }) => node)).toEqual(['Add_0'])
  })
})

it('a first layer that is called scale is no scale of the image', () => {
  const [first, second] = [conv(['x', 'v'], 'a'), conv(['a', 'w'], 'y')]
  const sketch = onMap([first, second], {
    v: normalTensor([4, 1, 1, 1], 1),
    w: normalTensor([2, 4, 1, 1], 2),
  })
  const nodes = sketch.nodes.map((node, i) =>
    i === 0
      ? { ...node, name: 'scale', attributes: new Map([['group', { kind: 'int', value: 4 } as const]]) }
      : node,
  )
  expect(lowerOnnx({ ...sketch, nodes }, { name: 'named' }).network.layers).toHaveLength(2)
})
