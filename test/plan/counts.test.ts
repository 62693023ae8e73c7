import { describe, expect, it } from 'vitest'
import type { ArraySpec } from '../../src/plan/array.ts'
import { sumOf } from '../../src/plan/counts/module-count.ts'
import { layerCounts, planCounts } from '../../src/plan/counts.ts'
import { makePlan } from '../../src/plan/make.ts'
import { lenetSketch, type NetworkSketch, sketchAssignment, sketchGraph } from '../fixtures/qgraph.ts'

function planOf(sketch: NetworkSketch, array: Partial<ArraySpec>) {
  const graph = sketchGraph(sketch)
  return makePlan(graph, sketchAssignment(sketch, graph), {
    dataflow: 'weight-stationary',
    rows: 8,
    columns: 8,
    memoryBits: 2 ** 26,
    parallel: false,
    ...array,
  }).plan
}

describe('counts in closed form', () => {
  it('grow with the PEs, the columns and the tiles', () => {
    const counts = planCounts(planOf(lenetSketch, { rows: 4, columns: 6 }))
    const inAll = (module: string, of: 'cores' | 'multiplications' | 'adders') => {
      const { instances, ...amounts } = counts.find((count) => count.module === module)!
      return instances * sumOf(amounts[of])
    }
    expect(inAll('pe_exact_s8s8', 'cores')).toBe(24)
    expect(inAll('pe_exact_s8s8', 'adders')).toBe(24)
    expect(inAll('accumulator_column', 'multiplications')).toBe(6)
    expect(inAll('accumulator_column', 'adders')).toBe(36)
    expect(inAll('row_feeder', 'adders')).toBe(12)
  })

  it('have memory bits that agree with the memories that the plan measures', () => {
    const plan = planOf(lenetSketch, {})
    const bits = planCounts(plan).map(({ instances, memoryBits }) => instances * sumOf(memoryBits))
    expect(bits.reduce((sum, n) => sum + n, 0)).toBe(plan.memories.bits.total)
  })
})

describe('hardware at work in a layer', () => {
  const sketch: NetworkSketch = {
    input: [1, 6, 6],
    seed: 2,
    layers: [
      {
        filters: 3,
        kernel: [2, 2],
        mix: { by: 'kernel', multipliers: ['exact', 'trunc:ka=1,kb=1'] },
      },
      { filters: 8, kernel: [3, 3], pool: { mode: 'average', window: [2, 1] } },
    ],
  }

  it('is that of the taps and filters of its largest fold, in its tiles', () => {
    const [first, second] = layerCounts(planOf(sketch, {}))
    // 4 taps x 3 filters in two tiles; accumulator, bias and two roundings a column
    expect(first).toEqual({ name: 'layer0', cores: 24, multiplications: 3, adders: 24 + 4 * 3 })
    // 27 taps fill 8 rows; two more adders a column for the average
    expect(second).toEqual({ name: 'layer1', cores: 64, multiplications: 8, adders: 64 + 6 * 8 })
  })

  it('has adders where tiles that work side by side meet', () => {
    const [first, second] = layerCounts(planOf(sketch, { parallel: true }))
    expect(first!.adders).toBe(24 + (1 + 4) * 3)
    expect(second!.adders).toBe(64 + 6 * 8)
  })
})
