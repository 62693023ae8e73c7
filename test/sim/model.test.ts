import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { patienceOf, runImage } from '../../sim/drive.ts'
import { cycleModel } from '../../sim/model.ts'
import type { CycleModel } from '../../sim/phases.ts'
import { noPressure, randomPressure } from '../../sim/pressure.ts'
import { fromStream, toStream } from '../../sim/stream.ts'
import { createEmulator } from '../../src/emu/emulator.ts'
import { inferenceCycles, runCycles } from '../../src/plan/any-plan.ts'
import type { Planned } from '../../src/plan/assemble.ts'
import { makePlan } from '../../src/plan/make.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { layerCycles } from '../../src/plan/steps.ts'
import type { QGraph } from '../../src/quant/qgraph.ts'
import {
  inputCodes,
  lenetSketch,
  type NetworkSketch,
  randomInput,
  sketchAssignment,
  sketchGraph,
} from '../fixtures/qgraph.ts'
import { arrays, sketches } from '../fixtures/sketches.ts'
import { oracleGraph } from '../oracles/graph.ts'
import { product } from '../oracles/multipliers.ts'

const square = (size: number) => ({
  dataflow: 'weight-stationary' as const,
  rows: size,
  columns: size,
  memoryBits: 2 ** 26,
  parallel: false,
})

function oracle(sketch: NetworkSketch, graph: QGraph, values: readonly number[]): number[] {
  const assignment = sketchAssignment(sketch, graph)
  const tensors = oracleGraph(graph, values, (layer, a, w) => {
    const { spec, domain } = assignment.get(layer)!.multipliers[0]!
    return product(spec, domain, a, w)
  })
  return tensors.get(graph.output)!
}

function runModel(model: CycleModel, plan: Plan, values: readonly number[], pressure = noPressure) {
  const run = runImage(model, toStream(values, plan.input.shape), pressure, undefined, patienceOf(plan))
  return { ...run, values: [...fromStream(run.outputs, plan.output.shape, plan.output.signed)] }
}

/** The layers' cycles as the model saw them: from the first activation in PE (0, 0) to the last accumulator write. */
const measured = (model: CycleModel) =>
  model.events.layers.map(({ firstActivation, lastWrite }) => lastWrite - firstActivation + 1)

function checkCycles(model: CycleModel, { plan }: Planned, cycles: number) {
  expect(measured(model)).toEqual(plan.layers.map((layer) => layer.cycles))
  expect(measured(model)).toEqual(layerCycles(plan))
  expect(model.events.runCycles).toBe(runCycles(plan))
  expect(cycles).toBe(inferenceCycles(plan))
  expect(cycles).toBe(Math.max(2, plan.input.elements) + runCycles(plan) + plan.output.elements + 1 + 1)
}

/** Every tap of every position is multiplied once with every filter; weights are read once. */
function checkCounts(model: CycleModel, plan: Plan) {
  for (const [index, layer] of plan.layers.entries()) {
    const seen = model.events.layers[index]!
    const sums = layer.positions * layer.filters * (layer.rowFolds - 1)
    const needed = layer.taps - layer.filler * layer.kernel[0] * layer.kernel[1]
    expect(seen.busy).toBe(layer.positions * needed * layer.filters)
    expect(seen.weightReads).toBe(layer.taps * layer.columnFolds)
    expect([seen.accumulatorReads, seen.accumulatorWrites]).toEqual([sums, sums])
    expect(seen.bankReads).toBeLessThanOrEqual(layer.positions * layer.taps * layer.columnFolds)
    const pixels = layer.outputShape[1] * layer.outputShape[2]
    expect(seen.bankWrites).toBe(pixels * layer.outputWords * plan.array.rows)
  }
}

describe('the cycle model', () => {
  it('computes what plain loops compute, for random small networks on random arrays', () => {
    let changed = 0
    fc.assert(
      fc.property(sketches, arrays, fc.integer({ min: 0, max: 2 ** 31 }), (sketch, array, seed) => {
        const graph = sketchGraph(sketch)
        const assignment = sketchAssignment(sketch, graph)
        const emulator = createEmulator(graph, assignment)
        const planned = makePlan(graph, assignment, array)
        const model = cycleModel(planned.plan, planned.images)
        const first = randomInput(graph, seed)
        const run = runModel(model, planned.plan, first)
        expect(run.values).toEqual(oracle(sketch, graph, first))
        expect(run.values).toEqual([...emulator.runImage(inputCodes(graph, first)).get(graph.output)!])
        checkCycles(model, planned, run.cycles)
        checkCounts(model, planned.plan)

        // a second image on the same device, which keeps what the first one left in its registers and memories
        const second = randomInput(graph, seed + 1)
        const stalled = runModel(model, planned.plan, second, randomPressure(seed))
        expect(stalled.values).toEqual(oracle(sketch, graph, second))
        expect(stalled.cycles).toBeGreaterThanOrEqual(run.cycles)
        expect(model.events.runCycles).toBe(runCycles(planned.plan))
        if (stalled.values.some((value, i) => value !== run.values[i])) changed++
      }),
      { numRuns: 200, seed: 7 },
    )
    expect(changed).toBeGreaterThan(100)
  })

  it('runs LeNet-5 on 16x16 with its cycles, and with mixed multipliers', () => {
    const layers = lenetSketch.layers.map((layer, index) =>
      index === 1
        ? { ...layer, multiplier: 'roup:p=1,r=2' }
        : index > 2
          ? { ...layer, multiplier: 'trunc:ka=1,kb=1' }
          : layer,
    )
    for (const sketch of [lenetSketch, { ...lenetSketch, layers }]) {
      const graph = sketchGraph(sketch)
      const planned = makePlan(graph, sketchAssignment(sketch, graph), square(16))
      const model = cycleModel(planned.plan, planned.images)
      const values = randomInput(graph, 3)
      const run = runModel(model, planned.plan, values)
      expect(run.values).toEqual(oracle(sketch, graph, values))
      checkCycles(model, planned, run.cycles)
    }
  })
})
