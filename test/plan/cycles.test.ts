import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { makePlan } from '../../src/plan/make.ts'
import { lenetSketch, type NetworkSketch, sketchAssignment, sketchGraph } from '../fixtures/qgraph.ts'

/** SCALE-Sim v2, weight-stationary, LeNet-5: cycles - 1 by array size and layer. */
const measured = new URL('../../../shared/oracles/scalesim_v2_reference.json', import.meta.url)

/** Its closed form: ceil(K/R) * ceil(N/C) * (2R + C + M - 2) - 1. */
const closedForm = (size: number, { M, N, K }: { M: number; N: number; K: number }) =>
  Math.ceil(K / size) * Math.ceil(N / size) * (3 * size + M - 2) - 1

const gemms = {
  C1: { M: 784, N: 6, K: 25 },
  C3: { M: 100, N: 16, K: 150 },
  C5: { M: 1, N: 120, K: 400 },
  F6: { M: 1, N: 84, K: 120 },
  F7: { M: 1, N: 10, K: 84 },
} as const

const lenetPlan = (size: number) => planOf(lenetSketch, size)

function planOf(sketch: NetworkSketch, size: number, memoryBits = 2 ** 26) {
  const graph = sketchGraph(sketch)
  const array = {
    dataflow: 'weight-stationary' as const,
    rows: size,
    columns: size,
    memoryBits,
    parallel: false,
  }
  return makePlan(graph, sketchAssignment(sketch, graph), array).plan
}

describe('cycles of LeNet-5', () => {
  it.each([16, 32])("are at most SCALE-Sim's in each layer on an array of %i rows and columns", (size) => {
    const plan = lenetPlan(size)
    for (const [index, gemm] of Object.values(gemms).entries()) {
      const layer = plan.layers[index]!
      const single = layer.rowFolds * layer.columnFolds === 1
      expect(layer.cycles).toBeLessThanOrEqual(closedForm(size, gemm) + (single ? 16 : 0))
      expect([layer.taps, layer.filters]).toEqual([gemm.K, gemm.N])
    }
  })

  it('are at most 7,000 in all on 16x16', () => {
    const plan = lenetPlan(16)
    expect(plan.layers.map((layer) => layer.cycles)).toEqual([1589, 1031, 3208, 724, 94])
    expect(plan.layers.reduce((sum, layer) => sum + layer.cycles, 0)).toBeLessThanOrEqual(7000)
  })

  it('are compared with what SCALE-Sim v2 reported, which is its closed form', ({ skip }) => {
    if (!existsSync(measured)) return skip('not run: no data (scalesim_v2_reference.json)')
    const rows = JSON.parse(readFileSync(measured, 'utf8')) as {
      net: string
      layer: keyof typeof gemms
      array: number
      dataflow: string
      totalCycles: number
    }[]
    const ours = rows.filter((row) => row.net === 'lenet5' && row.dataflow === 'ws')
    expect(ours.length).toBe(10)
    for (const row of ours) expect(row.totalCycles).toBe(closedForm(row.array, gemms[row.layer]))
  })

  it('count every multiply-accumulate that the network defines', () => {
    expect(lenetPlan(8).layers.reduce((sum, layer) => sum + layer.macs, 0)).toBe(416_520)
  })
})

describe('cycles of one layer', () => {
  it('are at most those that SCALE-Sim v2 reported, for every product of matrices that it was given', ({
    skip,
  }) => {
    if (!existsSync(measured)) return skip('not run: no data (scalesim_v2_reference.json)')
    const rows = JSON.parse(readFileSync(measured, 'utf8')) as {
      array: number
      dataflow: string
      M: number
      N: number
      K: number
      totalCycles: number
    }[]
    const ours = rows.filter(({ dataflow }) => dataflow === 'ws')
    expect(ours.length).toBe(60)
    for (const { array, M, N, K, totalCycles } of ours) {
      const layers = [{ filters: N }, { filters: 16 }]
      const [layer] = planOf({ input: [K, 1, M], seed: 1, layers }, array, 2 ** 32).layers
      expect(layer).toMatchObject({ positions: M, taps: K, filters: N })
      expect(layer!.cycles).toBeLessThanOrEqual(totalCycles)
    }
  })

  it('dense, 256 to 256, on 16x16: at most 4,200 (SCALE-Sim: 12,031)', () => {
    const sketch = { input: [256, 1, 1], seed: 1, layers: [{ filters: 256, dense: true }] } as const
    const plan = planOf(sketch, 16)
    expect(plan.layers[0]!.cycles).toBe(4142)
    expect(closedForm(16, { M: 1, N: 256, K: 256 })).toBe(12_031)
  })
})
