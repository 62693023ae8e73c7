import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../src/base/random.ts'
import { createEvaluator } from '../../src/model/evaluator.ts'
import { floatInput, normalTensor, onnxModel } from '../fixtures/onnx-models.ts'

describe('a convolution that is evaluated again', () => {
  test('gives the same to the last bit by the kernel', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), (seed) => {
        const random = seededRandom(seed)
        const any = (low: number, high: number) => random.integer(low, high)
        const axes = any(1, 2)
        const each = (value: () => number) => Array.from({ length: axes }, value)
        const [groups, batch] = [any(1, 3), any(1, 3)]
        const [perGroup, filters] = [any(1, 3), groups * any(1, 5)]
        const kernel = each(() => any(1, 3))
        const map = each(() => any(6, 12))
        const x = normalTensor([batch, groups * perGroup, ...map], seed)
        const attributes = {
          group: groups,
          strides: each(() => any(1, 3)),
          dilations: each(() => any(1, 2)),
          pads: [...each(() => any(0, 2)), ...each(() => any(0, 2))],
        }
        const bias = any(0, 1) === 1
        const node = {
          operator: 'Conv',
          inputs: ['x', 'w', ...(bias ? ['b'] : [])],
          outputs: ['y'],
          attributes,
        }
        const constants = {
          w: normalTensor([filters, perGroup, ...kernel], seed + 1),
          b: normalTensor([filters], seed + 2),
        }
        const { run } = createEvaluator(onnxModel([floatInput('x', ...x.shape)], [node], ['y'], constants))
        const [first, second, third] = [0, 1, 2].map(() => run(new Map([['x', x]])).get('y')!)
        expect(second).toEqual(first)
        expect(third).toEqual(first)
      }),
      { numRuns: 100 },
    )
  })
})
