import { describe, expect, it } from 'vitest'
import { createEvaluator } from '../../src/model/evaluator.ts'
import { tryLowering } from '../../src/model/lower/lower.ts'
import type { ModelTensor } from '../../src/model/model.ts'
import {
  floatInput,
  floats,
  int64Tensor,
  type NodeSketch,
  normalTensor,
  onnxModel,
} from '../fixtures/onnx-models.ts'

const node = (
  operator: string,
  inputs: string[],
  output: string,
  attributes: NodeSketch['attributes'] = {},
): NodeSketch => ({ operator, inputs, outputs: [output], attributes })

/** y of a model on one tensor [2, 3, 4]. */
function run(nodes: readonly NodeSketch[], x: ModelTensor, constants: Record<string, ModelTensor> = {}) {
  const model = onnxModel([floatInput('x', 2, 3, 4)], nodes, ['y'], constants, 18)
  return createEvaluator(model)
    .run(new Map([['x', x]]))
    .get('y')!
}

const x = normalTensor([2, 3, 4], 5, 3)

// Exporters write some operators as the functions that ONNX defines them by.
describe('operators written out as their functions', () => {
  it('softmax and its logarithm', () => {
    const axes = { axes: int64Tensor(1) }
    const begin = [
      node('ReduceMax', ['x', 'axes'], 'most'),
      node('Sub', ['x', 'most'], 'less'),
      node('Exp', ['less'], 'e'),
      node('ReduceSum', ['e', 'axes'], 'sum', { keepdims: 1 }),
    ]
    const softmax = run([...begin, node('Div', ['e', 'sum'], 'y')], x, axes)
    const logarithm = run([...begin, node('Log', ['sum'], 'l'), node('Sub', ['less', 'l'], 'y')], x, axes)
    expectClose(softmax, run([node('Softmax', ['x'], 'y', { axis: 1 })], x))
    expectClose(logarithm, run([node('LogSoftmax', ['x'], 'y', { axis: 1 })], x))
  })

  it('clip, of reals and of 64-bit integers', () => {
    const bounds = { low: { ...floats(-1), shape: [] }, high: { ...floats(2), shape: [] } }
    const expected = run([node('Clip', ['x', 'low', 'high'], 'y')], x, bounds)
    const chosen = [
      node('Less', ['x', 'low'], 'below'),
      node('Where', ['below', 'low', 'x'], 'raised'),
      node('Less', ['high', 'raised'], 'above'),
      node('Where', ['above', 'high', 'raised'], 'y'),
    ]
    const bounded = [node('Max', ['low', 'x'], 'raised'), node('Min', ['raised', 'high'], 'y')]
    expect(run(chosen, x, bounds).data).toEqual(expected.data)
    expect(run(bounded, x, bounds).data).toEqual(expected.data)
    const wide = run(
      [node('Max', ['a', 'b'], 'c'), node('Min', ['c', 'd'], 'e'), node('Cast', ['e'], 'y', { to: 1 })],
      x,
      { a: int64Tensor(-5, 3, 9), b: int64Tensor(0), d: int64Tensor(7, 7, 7) },
    )
    expect([...wide.data]).toEqual([0, 3, 7])
  })

  it('dynamic quantisation: the bounds of all values, rounded half to even', () => {
    const ends = run(
      [
        node('ReduceMin', ['x'], 'a', { keepdims: 0 }),
        node('ReduceMax', ['x'], 'b', { keepdims: 0 }),
        node('Sub', ['b', 'a'], 'y'),
      ],
      x,
    )
    expect(ends.shape).toEqual([])
    expect(ends.data[0]).toBe(
      Math.fround(Math.max(...(x.data as Float32Array)) - Math.min(...(x.data as Float32Array))),
    )
    const halves = { ...floats(0.5, 1.5, -2.5, 2.4, 2.6, -0.5), shape: [6] }
    expect([...run([node('Round', ['h'], 'y')], x, { h: halves }).data].map(Number)).toEqual([
      0, 2, -2, 2, 3, 0,
    ])
  })

  it('of truth values: all of none, and any of none', () => {
    for (const [operator, some, none] of [
      ['ReduceMin', 0, 1],
      ['ReduceMax', 1, 0],
    ] as const) {
      const of = (data: Uint8Array) => {
        const truths = { type: 'bool', shape: [data.length], data } as const
        const nodes = [node(operator, ['truths'], 'r'), node('Cast', ['r'], 'y', { to: 1 })]
        return run(nodes, x, { truths }).data[0]
      }
      expect([of(Uint8Array.of(1, 0, 1)), of(new Uint8Array(0))]).toEqual([some, none])
    }
  })

  it('that choose between what does not fit together are refused', () => {
    const choose = [node('Less', ['x', 'x'], 'c'), node('Where', ['c', 'x', 'w'], 'y')]
    expect(() => run(choose, x, { w: int64Tensor(1) })).toThrow(
      'chooses between float32 [2, 3, 4] and int64 [1]',
    )
    expect(() => run(choose, x, { w: floats(1, 2) })).toThrow('chooses between')
  })

  it('make no layers, and all of them are listed', () => {
    const model = onnxModel(
      [floatInput('x', 1, 3, 4, 4)],
      [node('Exp', ['x'], 'e'), node('Relu', ['e'], 'r'), node('Log', ['r'], 'y')],
      ['y'],
    )
    const { unsupported } = tryLowering(model, { name: 'n' })
    expect(unsupported.map(({ operator }) => operator)).toEqual(['Exp', 'Log'])
  })
})

describe('batch normalisation as in training', () => {
  const constants = {
    scale: floats(2, 1, 1),
    shift: floats(0, 0, 5),
    mean: floats(10, 0, 0),
    variance: floats(1, 1, 1),
  }
  const inputs = ['x', ...Object.keys(constants)]
  const attributes = {
    training_mode: 1,
    epsilon: { kind: 'float', value: 0 },
    momentum: { kind: 'float', value: 0.75 },
  } as const
  const trained = {
    operator: 'BatchNormalization',
    inputs,
    outputs: ['y', 'means', 'variances'],
    attributes,
  } as const

  it('takes the statistics of the batch, which the running ones follow', () => {
    const model = onnxModel([floatInput('x', 2, 3, 1)], [trained], ['y', 'means', 'variances'], constants)
    const given = { type: 'float32', shape: [2, 3, 1], data: Float32Array.of(1, 2, 3, 5, 8, 3.5) } as const
    const results = createEvaluator(model).run(new Map([['x', given]]))
    // means 3, 5, 3.25; variances 4, 9, 1/16
    expect([...results.get('y')!.data]).toEqual([-2, -1, 4, 2, 1, 6])
    expect([...results.get('means')!.data]).toEqual([8.25, 1.25, 0.8125])
    expect([...results.get('variances')!.data]).toEqual([1.75, 3, 0.765625])
  })

  it('makes no layer', () => {
    const model = onnxModel([floatInput('x', 1, 3, 4, 4)], [trained], ['y'], constants)
    const { unsupported } = tryLowering(model, { name: 'n' })
    expect(unsupported.map(({ reason }) => reason)).toEqual(['normalises as in training'])
  })
})

function expectClose(found: ModelTensor, expected: ModelTensor): void {
  expect(found.shape).toEqual(expected.shape)
  for (const [i, value] of (expected.data as Float32Array).entries())
    expect(Math.abs(Number(found.data[i]) - value)).toBeLessThan(1e-6 * Math.max(1, Math.abs(value)))
}
