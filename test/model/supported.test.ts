import { expect, test } from 'vitest'
import { onnxOperators } from '../../src/model/operators/onnx/registry.ts'
import { unsupportedNodes } from '../../src/model/supported.ts'
import { floatInput, onnxModel } from '../fixtures/onnx-models.ts'

test('operators of others are named with their domain; where they quantise, with the format that is read', () => {
  const model = onnxModel(
    [floatInput('x', 1, 4)],
    [
      { operator: 'QGemm', inputs: ['x'], outputs: ['a'] },
      { operator: 'FusedGemm', inputs: ['a'], outputs: ['b'] },
      { operator: 'Relu', inputs: ['b'], outputs: ['y'] },
    ],
    ['y'],
  )
  const nodes = model.nodes.map((node) =>
    node.operator === 'Relu' ? node : { ...node, domain: 'com.microsoft' },
  )
  expect(unsupportedNodes({ ...model, nodes }, onnxOperators)).toEqual([
    {
      node: 'QGemm_0',
      operator: 'com.microsoft.QGemm',
      reason: 'belongs to the operators "com.microsoft", which are not known',
      hint: 'Quantise in the format of QuantizeLinear and DequantizeLinear (QDQ) instead.',
    },
    {
      node: 'FusedGemm_1',
      operator: 'com.microsoft.FusedGemm',
      reason: 'belongs to the operators "com.microsoft", which are not known',
      hint: 'Export with standard operators, or leave this part to the host.',
    },
  ])
})
