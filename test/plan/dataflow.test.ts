import { describe, expect, it } from 'vitest'
import { inferenceCycles } from '../../src/plan/any-plan.ts'
import { type ArrayChoice, planNetwork } from '../../src/plan/network.ts'
import { type NetworkSketch, sketchAssignment, sketchGraph } from '../fixtures/qgraph.ts'

const plan = (sketch: NetworkSketch, size: number, choice: Partial<ArrayChoice>) => {
  const graph = sketchGraph(sketch)
  const array = { rows: size, columns: size, memoryBits: 2 ** 26, parallel: false, dataflow: 'auto' as const }
  return planNetwork(graph, sketchAssignment(sketch, graph), { ...array, ...choice }).plan
}

const depthwise: NetworkSketch = {
  input: [8, 48, 48],
  seed: 1,
  layers: [{ filters: 8, kernel: [3, 3], padding: [1, 1, 1, 1], groups: 8 }],
}
const square: NetworkSketch = { input: [16, 12, 12], seed: 1, layers: [{ filters: 16, kernel: [3, 3] }] }

describe('the dataflow "auto"', () => {
  it('is the one that takes fewer cycles', () => {
    for (const [sketch, expected] of [
      [depthwise, 'row-stationary'],
      [square, 'weight-stationary'],
    ] as const) {
      const chosen = plan(sketch, 16, {})
      expect(chosen.array.dataflow).toBe(expected)
      const cycles = (['weight-stationary', 'row-stationary'] as const).map((dataflow) =>
        inferenceCycles(plan(sketch, 16, { dataflow })),
      )
      expect(inferenceCycles(chosen)).toBe(Math.min(...cycles))
      expect(cycles[0]).not.toBe(cycles[1])
    }
  })

  it('is the one that can run the network, where only one can', () => {
    // run-time modes are the weight-stationary array's
    const modes = { modes: true } as const
    expect(() => plan(depthwise, 16, { ...modes, dataflow: 'row-stationary' })).toThrow('modes')
    expect(plan(depthwise, 16, modes).array.dataflow).toBe('weight-stationary')
  })

  it('is refused where none can', () => {
    expect(() => plan(depthwise, 16, { memoryBits: 1000 })).toThrow('memory')
  })
})
