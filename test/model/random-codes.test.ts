import { describe, expect, test } from 'vitest'
import { buildAssignment } from '../../src/approx/build.ts'
import { createEmulator, emptyCodes } from '../../src/emu/emulator.ts'
import { createEvaluator } from '../../src/model/evaluator.ts'
import { lowerOnnxCodes } from '../../src/model/lower/codes/lower.ts'
import type { LoweredGraph } from '../../src/model/lower/tflite/graph.ts'
import type { ModelTensor } from '../../src/model/model.ts'
import { numbersOf } from '../../src/model/tensors.ts'
import { unlessRefused } from '../fixtures/failure.ts'
import { randomQuantised } from '../fixtures/random-quantised.ts'

const cases = process.env['XGEN_FULL'] === '1' ? 5000 : 300

/** A tensor's codes in the file, as the graph stores them. */
function stored(
  { graph, tensorOf }: LoweredGraph,
  id: string,
  values: ReadonlyMap<string, ModelTensor>,
): number[] {
  const tensor = values.get(tensorOf.get(id)!)!
  const offset = tensor.type === 'int8' && !graph.tensors[id]!.signed ? 128 : 0
  return Array.from(numbersOf(tensor), (code) => code + offset)
}

describe('random quantised ONNX models', () => {
  test('have the codes of the file in all tensors of their graphs, or are refused', () => {
    // a bias in float is rounded to units of the sums: once in a while a code is the next one
    let [graphs, rounded] = [0, 0]
    for (let seed = 1; seed <= cases; seed++) {
      const drawn = randomQuantised(seed)
      const lowered = drawn && unlessRefused(() => lowerOnnxCodes(drawn.model, { unsigned: seed % 3 === 0 }))
      if (lowered === undefined) continue
      graphs++
      const { graph, tensorOf } = lowered
      const values = new Map([['image', drawn!.image]])
      createEvaluator(drawn!.model).run(values, (name, tensor) => values.set(name, tensor))
      const codes = emptyCodes(graph.tensors['input']!)
      codes.set(stored(lowered, 'input', values))
      const trace = createEmulator(graph, buildAssignment(graph, [])).runImage(codes)
      const told = `model ${seed}: ${drawn!.model.nodes.map(({ operator }) => operator).join(', ')}`
      for (const id of tensorOf.keys()) {
        if (id === 'input') continue
        const [found, expected] = [[...trace.get(id)!], stored(lowered, id, values)]
        if (found.join() === expected.join()) continue
        rounded++
        expect(found.length, told).toBe(expected.length)
        for (const [i, code] of expected.entries())
          expect(Math.abs(found[i]! - code), told).toBeLessThanOrEqual(1)
        break
      }
      expect(trace.get(graph.output), told).toBeDefined()
    }
    expect(graphs).toBeGreaterThan(cases / 5)
    expect(rounded).toBeLessThanOrEqual(graphs / 200)
  }, 600_000)
})
