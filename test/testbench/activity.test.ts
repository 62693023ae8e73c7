import { describe, expect, it } from 'vitest'
import { designModel } from '../../sim/design.ts'
import { runImage } from '../../sim/drive.ts'
import { noPressure } from '../../sim/pressure.ts'
import { buildCore } from '../../src/arch/core.ts'
import { inferenceCycles } from '../../src/plan/any-plan.ts'
import { planNetwork } from '../../src/plan/network.ts'
import { recordActivity } from '../../testbench/activity.ts'
import { type NetworkSketch, sketchAssignment, sketchGraph } from '../fixtures/qgraph.ts'

const sketch: NetworkSketch = {
  input: [2, 6, 5],
  seed: 5,
  layers: [
    { filters: 4, kernel: [3, 3], padding: [1, 1, 1, 1], relu: true, pool: { mode: 'max', window: [2, 1] } },
    { filters: 6, kernel: [2, 2], relu: true },
    { filters: 3, dense: true },
  ],
}

describe.each(['weight-stationary', 'row-stationary'] as const)(
  'the activity of a %s inference',
  (dataflow) => {
    const graph = sketchGraph(sketch)
    const array = { dataflow, rows: 4, columns: 3, memoryBits: 2 ** 24, parallel: false }
    const { plan, images } = planNetwork(graph, sketchAssignment(sketch, graph), array)
    const top = buildCore(plan, images)
    const codes = Uint8Array.from({ length: plan.input.elements }, (_, i) => (i * 91) % 256)
    const activity = recordActivity({ plan, images, top }, codes, { samples: 3, seed: 1 })

    it('has all cycles of the inference in its windows, a layer each', () => {
      const { windows } = activity
      expect(windows.map(({ name }) => name)).toEqual([
        'input',
        ...plan.layers.map(({ name }) => name),
        'output',
      ])
      expect(windows.reduce((sum, { cycles }) => sum + cycles, 0)).toBe(inferenceCycles(plan))
      for (const { cycles } of windows) expect(cycles).toBeGreaterThan(0)
    })

    it('records what instances take, at most as many as asked for, edge by edge', () => {
      const edges = activity.resetEdges + inferenceCycles(plan)
      const pes = activity.modules.find(({ module }) => /(^|_)pe_exact/.test(module.name))!
      expect(pes.instances).toBe(12)
      expect(pes.samples).toHaveLength(3)
      for (const { module, instances, samples } of activity.modules) {
        expect(samples).toHaveLength(Math.min(3, instances))
        expect(new Set(samples.map(({ path }) => path)).size).toBe(samples.length)
        for (const { ports } of samples)
          for (const { values } of ports) expect(values.length, module.name).toBe(edges)
      }
      const moved = pes.samples.flatMap(({ ports }) => ports.filter(({ name }) => name === 'activation'))
      expect(moved.some(({ values }) => new Set<number | bigint>([...values]).size > 10)).toBe(true)
    })

    it('counts the accesses of memories by window: weights as the cycle model does', () => {
      const model = designModel(plan, images)
      runImage(model, codes, noPressure)
      const weights = activity.memories.filter(({ path }) => /weight/.test(path))
      const reads = weights.reduce((sum, memory) => sum + memory.reads.reduce((a, b) => a + b, 0), 0)
      expect(reads).toBe(model.events.layers.reduce((sum, layer) => sum + layer.weightReads, 0))
      const banks = activity.memories.filter(({ path }) => /bank/.test(path))
      expect(banks.reduce((sum, { writes }) => sum + writes[0]!, 0)).toBeGreaterThanOrEqual(
        plan.input.elements,
      )
      expect(banks.reduce((sum, { reads: read }) => sum + read.at(-1)!, 0)).toBeGreaterThanOrEqual(
        plan.output.elements - 1,
      )
    })

    it('is the same each time', () => {
      expect(recordActivity({ plan, images, top }, codes, { samples: 3, seed: 1 })).toEqual(activity)
    })
  },
)
