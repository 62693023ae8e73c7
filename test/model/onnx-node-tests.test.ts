import { describe, expect, it } from 'vitest'
import { createEvaluator } from '../../src/model/evaluator.ts'
import type { ModelTensor } from '../../src/model/model.ts'
import { nodeTestData, nodeTestModel, nodeTests } from '../fixtures/onnx-node-tests.ts'

/** Operators that only move values, which must not change them. */
const moves = /^test_(concat|flatten|gather|identity|pad|reshape|slice|split|squeeze|transpose|unsqueeze)/

describe.skipIf(nodeTests.length === 0)(
  "ONNX's own tests of operators (not run where their data is missing)",
  () => {
    it.each(nodeTests)('%s', (name) => {
      const model = nodeTestModel(name)
      const evaluator = createEvaluator(model)
      const sets = nodeTestData(name)
      expect(sets.length).toBeGreaterThan(0)
      for (const { inputs, outputs } of sets) {
        const given = new Map(model.inputs.map((value, i) => [value.name, inputs[i]!]))
        const results = evaluator.run(given)
        expect(outputs.length).toBe(model.outputs.length)
        for (const [i, { name: output }] of model.outputs.entries())
          expectClose(results.get(output)!, outputs[i]!, moves.test(name) ? 1e-5 : 1e-3)
      }
    })
  },
)

function expectClose(found: ModelTensor, expected: ModelTensor, relative: number): void {
  expect([found.type, ...found.shape]).toEqual([expected.type, ...expected.shape])
  const tolerance = expected.type.startsWith('float') ? relative : 0
  for (let i = 0; i < expected.data.length; i++) {
    const [a, b] = [Number(found.data[i]), Number(expected.data[i])]
    if (Math.abs(a - b) > tolerance * Math.abs(b) + (tolerance > 0 ? 1e-7 : 0)) expect([i, a]).toEqual([i, b])
  }
}
