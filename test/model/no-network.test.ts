import { describe, expect, it } from 'vitest'
import { lowerOnnx, tryLowering } from '../../src/model/lower/lower.ts'
import type { Model, ModelTensor } from '../../src/model/model.ts'
import {
  conv,
  floatInput,
  int64Tensor,
  type NodeSketch,
  normalTensor,
  onMap,
  onnxModel,
} from '../fixtures/onnx-models.ts'

describe('a model that is no network', () => {
  it('is told with all its nodes, and what to do about each', () => {
    const model = onMap(
      [
        conv(['x', 'x'], 'a'),
        { operator: 'LogSoftmax', inputs: ['a'], outputs: ['b'] },
        { operator: 'Concat', inputs: ['b', 'b'], outputs: ['c'], attributes: { axis: 2 } },
        { operator: 'Relu', inputs: ['c'], outputs: ['y'] },
      ],
      {},
    )
    const shaped: Model = { ...model, inputs: [floatInput('x', 1, 1, 1, 1)] }
    const { lowered: none, unsupported } = tryLowering(shaped, { name: 'no' })
    expect(none).toBeUndefined()
    expect(unsupported.map(({ node }) => node)).toEqual(['Conv_0', 'LogSoftmax_1'])
    expect(unsupported.every(({ hint }) => hint.length > 10)).toBe(true)
  })

  it.each<[what: string, node: Omit<NodeSketch, 'outputs'>, constants: Record<string, ModelTensor>]>([
    [
      'turned around',
      { operator: 'Slice', inputs: ['x', 'from', 'to', 'axes', 'steps'] },
      {
        from: int64Tensor(-1),
        to: int64Tensor(-100),
        axes: int64Tensor(3),
        steps: int64Tensor(-1),
      },
    ],
    ['made whole', { operator: 'Cast', inputs: ['x'], attributes: { to: 7 } }, {}],
  ])('does not keep a map as it is that is %s', (_what, node, constants) => {
    const model = onMap([{ ...node, outputs: ['y'] }], constants)
    const { unsupported } = tryLowering(model, { name: 'no' })
    expect(unsupported.map((each) => each.node)).toEqual([`${node.operator}_0`])
  })

  it('does not take a bias for each step as one for each unit', () => {
    const model = onnxModel(
      [floatInput('x', 3, 6)],
      [{ operator: 'Gemm', inputs: ['x', 'w', 'b'], outputs: ['y'] }],
      ['y'],
      { w: normalTensor([6, 4], 1), b: normalTensor([3, 1], 2) },
    )
    expect(tryLowering(model, { name: 'no' }).unsupported.map(({ node }) => node)).toEqual(['Gemm_0'])
  })

  it.each<[operator: string, inputs: string[]]>([
    ['Pad', ['x', 'pads', 'v']],
    ['Slice', ['x', 'n', 'to', 'axes', 'steps']],
    ['ReduceMean', ['x', 'n']],
  ])('does not take what images change as settings of %s: %j', (operator, inputs) => {
    const model = onMap(
      [
        { operator: 'ReduceMean', inputs: ['x'], outputs: ['v'], attributes: { keepdims: 0 } },
        { operator: 'Reshape', inputs: ['v', 'one'], outputs: ['w'] },
        { operator: 'Cast', inputs: ['w'], outputs: ['n'], attributes: { to: 7 } },
        { operator, inputs, outputs: ['y'] },
      ],
      {
        one: int64Tensor(1),
        pads: int64Tensor(0, 0, 1, 1, 0, 0, 1, 1),
        to: int64Tensor(6),
        axes: int64Tensor(2),
        steps: int64Tensor(2),
      },
      18,
    )
    const { unsupported } = tryLowering(model, { name: 'no' })
    expect(unsupported.find(({ node }) => node === `${operator}_3`)?.reason).toContain('depends on the image')
  })

  it('does not add a row and a column of as many values one by one', () => {
    const model = onnxModel(
      [floatInput('x', 1, 1, 1, 4)],
      [
        { operator: 'Relu', inputs: ['x'], outputs: ['row'] },
        { operator: 'Transpose', inputs: ['x'], outputs: ['column'], attributes: { perm: [0, 1, 3, 2] } },
        { operator: 'Add', inputs: ['row', 'column'], outputs: ['y'] },
      ],
      ['y'],
    )
    expect(tryLowering(model, { name: 'no' }).unsupported.map(({ node }) => node)).toEqual(['Add_2'])
  })

  it('does not multiply the channels of a map by what belongs to its rows', () => {
    const model = onnxModel(
      [floatInput('x', 1, 4, 4, 5)],
      [
        { operator: 'GlobalMaxPool', inputs: ['x'], outputs: ['g'] },
        { operator: 'Reshape', inputs: ['g', 'shape'], outputs: ['rows'] },
        { operator: 'Mul', inputs: ['x', 'rows'], outputs: ['y'] },
      ],
      ['y'],
      { shape: int64Tensor(1, 4, 1) },
    )
    expect(tryLowering(model, { name: 'no' }).unsupported.map(({ node }) => node)).toEqual(['Mul_2'])
  })

  it('does not take one unit of the last states as the last of as many steps', () => {
    const model = onnxModel(
      [floatInput('x', 2, 1, 6)],
      [
        { operator: 'GRU', inputs: ['x', 'w', 'r'], outputs: ['', 's'], attributes: { hidden_size: 4 } },
        { operator: 'Gather', inputs: ['s', 'last'], outputs: ['y'], attributes: { axis: 2 } },
      ],
      ['y'],
      {
        w: normalTensor([1, 12, 6], 1),
        r: normalTensor([1, 12, 4], 2),
        last: { ...int64Tensor(-1), shape: [] },
      },
    )
    expect(tryLowering(model, { name: 'no' }).unsupported.map(({ node }) => node)).toEqual(['Gather_1'])
  })

  it('lists unknown operators and those without a layer together', () => {
    const model = onMap([
      { operator: 'Resize', inputs: ['x'], outputs: ['a'] },
      { operator: 'LogSoftmax', inputs: ['a'], outputs: ['b'] },
      { operator: 'If', inputs: ['b'], outputs: ['y'], attributes: {} },
    ])
    expect(() => lowerOnnx(model, { name: 'no' })).toThrow(
      /3 nodes[\s\S]*Resize_0[\s\S]*LogSoftmax_1[\s\S]*If_2/,
    )
  })

  it('has one input and one output', () => {
    const model = onnxModel(
      [floatInput('x', 1, 2, 4, 4), floatInput('w', 3, 2, 3, 3)],
      [
        { operator: 'Conv', inputs: ['x', 'w'], outputs: ['a'] },
        { operator: 'Relu', inputs: ['a'], outputs: ['b'] },
      ],
      ['a', 'b'],
    )
    const { unsupported } = tryLowering(model, { name: 'no' })
    expect(unsupported.map(({ node }) => node)).toEqual(['w', 'b', 'Conv_0'])
  })

  it('may not ask for more memory than a model has', () => {
    const refused = (model: Model) =>
      expect(() => lowerOnnx(model, { name: 'no' })).toThrow(/at most 67108864/)
    const relu = (output: string): NodeSketch => ({ operator: 'Relu', inputs: ['x'], outputs: [output] })
    refused(onnxModel([floatInput('x', 1, 1, 2 ** 20, 2 ** 20)], [relu('y')], ['y']))
    const outputs = ['a', 'b', 'c', 'd']
    const sum: NodeSketch = { operator: 'Sum', inputs: outputs, outputs: ['y'] }
    refused(onnxModel([floatInput('x', 1, 1, 4096, 4096)], [...outputs.map(relu), sum], ['y']))
  })

  it('may not have open sizes', () => {
    const model: Model = {
      ...onMap([{ operator: 'Relu', inputs: ['x'], outputs: ['y'] }]),
      inputs: [floatInput('x', undefined, 4, undefined, 5)],
    }
    expect(() => lowerOnnx(model, { name: 'no' })).toThrow(/only the number of images may be open/)
  })
})
