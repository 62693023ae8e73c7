import fc from 'fast-check'
import { expect, it } from 'vitest'
import { makePlan } from '../../src/plan/make.ts'
import { programBits, programFields, programWord } from '../../src/plan/program.ts'
import { lenetSketch, sketchAssignment, sketchGraph } from '../fixtures/qgraph.ts'
import { sketches } from '../fixtures/sketches.ts'
import { onArrays } from '../fixtures/tile-sizes.ts'

/** Cuts a word into its fields, the most significant first. */
function fieldsOf(word: bigint, widths: readonly number[]): bigint[] {
  let left = widths.reduce((sum, width) => sum + width, 0)
  return widths.map((width) => {
    left -= width
    return (word >> BigInt(left)) & ((1n << BigInt(width)) - 1n)
  })
}

it('stores every field of every layer so that it can be read back', () => {
  fc.assert(
    fc.property(onArrays(sketches), ([sketch, array]) => {
      const graph = sketchGraph(sketch)
      const { plan } = makePlan(graph, sketchAssignment(sketch, graph), array)
      const fields = programFields(plan)
      expect(new Set(fields.map((field) => field.name)).size).toBe(fields.length)
      const words = Math.max(2, plan.layers.length)
      const said =
        (plan.tiles.length > 1 ? plan.tiles.length : 0) + (plan.modes?.from === 'pass' ? plan.modes.bits : 0)
      const passes = Math.max(2, plan.layers.flatMap((layer) => layer.passes.flat()).length)
      expect(plan.memories.bits.program).toBe(
        words * programBits(fields) + (said === 0 ? 0 : passes * (said + 1)),
      )
      for (const layer of plan.layers) {
        const read = fieldsOf(
          programWord(fields, layer),
          fields.map((field) => field.width),
        )
        for (const [i, field] of fields.entries()) {
          const value = BigInt(field.value(layer))
          expect(read[i], field.name).toBe(BigInt.asUintN(field.width, value))
        }
      }
    }),
    { numRuns: 100, seed: 11 },
  )
})

it('has room for every value that is compared or counted', () => {
  fc.assert(
    fc.property(onArrays(sketches), ([sketch, array]) => {
      const graph = sketchGraph(sketch)
      const { plan } = makePlan(graph, sketchAssignment(sketch, graph), array)
      for (const { name, width, value } of programFields(plan)) {
        // addresses and increments are added modulo 2^width: only the sums must be right
        if (/address$|^offset_carry$|^step\d/.test(name)) continue
        const signed = /^(height|width|low|high|start_[yx])$/.test(name)
        const [least, limit] = signed ? [-(2 ** (width - 1)), 2 ** (width - 1)] : [0, 2 ** width]
        for (const layer of plan.layers) {
          expect(value(layer), name).toBeGreaterThanOrEqual(least)
          expect(value(layer), name).toBeLessThan(limit)
        }
      }
      const limit = 2 ** (plan.widths.coordinate - 1)
      for (const { start, kernel, stride, window, outputShape } of plan.layers) {
        for (const [axis, first] of [
          [0, start.y],
          [1, start.x],
        ] as const) {
          const last =
            first + (outputShape[axis + 1]! * window[axis]! - 1) * stride[axis]! + kernel[axis]! - 1
          expect(first).toBeGreaterThanOrEqual(-limit)
          expect(last).toBeLessThan(limit)
        }
      }
    }),
    { numRuns: 100, seed: 12 },
  )
})

it('is a plain value: written and read back it is the same plan', () => {
  const sketch = lenetSketch
  const graph = sketchGraph(sketch)
  const array = {
    dataflow: 'weight-stationary' as const,
    rows: 8,
    columns: 8,
    memoryBits: 2 ** 26,
    parallel: false,
  }
  const { plan } = makePlan(graph, sketchAssignment(sketch, graph), array)
  expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
  expect(makePlan(graph, sketchAssignment(sketch, graph), array).plan.hash).toBe(plan.hash)
})
