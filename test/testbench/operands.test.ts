import { describe, expect, it } from 'vitest'
import { designModel } from '../../sim/design.ts'
import { runImage } from '../../sim/drive.ts'
import { noPressure } from '../../sim/pressure.ts'
import { buildCore } from '../../src/arch/core.ts'
import { parseDomain } from '../../src/arith/domain.ts'
import { inferenceCycles } from '../../src/plan/any-plan.ts'
import { planNetwork } from '../../src/plan/network.ts'
import { probesOf } from '../../src/plan/probes.ts'
import { operandPairs, recordOperands } from '../../testbench/operands.ts'
import { type NetworkSketch, sketchAssignment, sketchGraph } from '../fixtures/qgraph.ts'

const sketch: NetworkSketch = {
  input: [2, 5, 6],
  seed: 11,
  layers: [
    { filters: 3, kernel: [2, 3], padding: [1, 0, 1, 1], relu: true },
    { filters: 2, dense: true },
  ],
}
const designed = (dataflow: 'weight-stationary' | 'row-stationary') => {
  const graph = sketchGraph(sketch)
  const array = { dataflow, rows: 3, columns: 2, memoryBits: 2 ** 24, parallel: false }
  const { plan, images } = planNetwork(graph, sketchAssignment(sketch, graph), array)
  const codes = Uint8Array.from({ length: plan.input.elements }, (_, i) => (i * 53 + 7) % 256)
  return { plan, images, codes, top: buildCore(plan, images) }
}

describe('the operands of multipliers', () => {
  it('are, in a systolic array, the weights at work and the activations of the row, a cycle later in each column', () => {
    const { plan, images, codes, top } = designed('weight-stationary')
    const recorded = recordOperands(top, 'mul_exact_s8s8', codes, { count: 6, seed: 1 })
    const cycles = inferenceCycles(plan)
    expect(recorded.pes).toHaveLength(6)
    expect(recorded.activations).toHaveLength(6 * cycles)

    const names = probesOf(plan).map(({ name }) => name)
    const model = designModel(plan, images)
    const history: Uint32Array[] = []
    runImage(model, codes, noPressure, () => {
      const values = new Uint32Array(names.length)
      model.probes(values)
      history.push(values)
    })
    for (const [index, path] of recorded.pes.entries()) {
      const [, row, column] = /u_pe_(\d+)_(\d+)$/.exec(path)!
      const weight = names.findIndex((name) => name.endsWith(`.weight[${row}][${column}]`))
      const activation = names.indexOf(`activation[${row}]`)
      for (let cycle = 0; cycle < cycles; cycle++) {
        const at = index * cycles + cycle
        expect(recorded.weights[at]).toBe(history[cycle]![weight])
        const before = cycle - Number(column)
        if (before >= 0) expect(recorded.activations[at]).toBe(history[before]![activation])
      }
    }
  })

  it('come from a row-stationary grid, too, drawn among its PEs', () => {
    const { plan, codes, top } = designed('row-stationary')
    const recorded = recordOperands(top, 'mul_exact_s8s8', codes, { count: 2, seed: 3 })
    expect(recorded.pes).toHaveLength(2)
    expect(recorded.weights).toHaveLength(2 * inferenceCycles(plan))
    expect(new Set(recorded.weights).size).toBeGreaterThan(4)
    expect(recordOperands(top, 'mul_exact_s8s8', codes, { count: 2, seed: 3 })).toEqual(recorded)
  })

  it('become values by their domain', () => {
    const recorded = { pes: ['u_pe'], activations: Int32Array.of(255, 3), weights: Int32Array.of(128, 127) }
    expect([...operandPairs(recorded, parseDomain('s8s8'))]).toEqual([-1, -128, 3, 127])
    expect([...operandPairs(recorded, parseDomain('u8s8'))]).toEqual([255, -128, 3, 127])
  })
})
