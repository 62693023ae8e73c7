import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { buildCore } from '../../src/arch/core.ts'
import type { MemoryImages } from '../../src/plan/images.ts'
import { planNetwork } from '../../src/plan/network.ts'
import { explainDifference } from '../../testbench/explain.ts'
import { watchOf } from '../../testbench/watch.ts'
import {
  countDifferences,
  expectAgreement,
  expectAgreementInIcarus,
  expectAgreementInVerilator,
} from '../fixtures/agreement.ts'
import { type NetworkSketch, sketchAssignment, sketchGraph } from '../fixtures/qgraph.ts'
import { compareThroughResets } from '../fixtures/resets.ts'
import {
  type SharedDesign,
  sharedDesigns,
  sharedFeatures,
  sharedSpecimenOf,
} from '../fixtures/shared-designs.ts'
import { plannedSpecimen, runSpecimen, type Specimen } from '../fixtures/specimens.ts'
import { hasIcarus, needsVerilator } from '../fixtures/tools.ts'

/**
 * Random chains whose layers are spread over a systolic array and a row-stationary grid: plain loops, emulator, cycle model, netlist and, for a part of them,
 * Verilator agree in every output, and the last three in every probe and every cycle, with and without stalls; and Icarus Verilog for some. XGEN_FULL=1 has
 * 1,000 designs, 100 of them in Verilator.
 */
const full = process.env['XGEN_FULL'] === '1'
const minutes = 60_000
const group = {
  designs: full ? 100 : 40,
  verilator: full ? 10 : 4,
  icarus: 2,
  seeds: Array.from({ length: full ? 10 : 1 }, (_, i) => 301 + i),
}

const hits = new Map<string, number>(Object.keys(sharedFeatures).map((name) => [name, 0]))

function countFeatures(design: SharedDesign, { plan }: Specimen): void {
  for (const [name, test] of Object.entries(sharedFeatures))
    if (test(plan, design)) hits.set(name, hits.get(name)! + 1)
}

describe('plain loops = emulator = cycle model = netlist, for random chains on an array and a grid', () => {
  it.each(group.seeds)(
    'designs of seed %i',
    async (seed) => {
      const property = fc.asyncProperty(sharedDesigns, async (design) => {
        const specimen = sharedSpecimenOf(design)
        expectAgreement(specimen, await runSpecimen(specimen))
        expect(countDifferences(specimen)).toEqual([])
        countFeatures(design, specimen)
      })
      await fc.assert(property, { numRuns: group.designs, seed })
    },
    20 * minutes,
  )

  it('have every feature between them', () => {
    expect([...hits].filter(([, count]) => count === 0)).toEqual([])
  })

  it('also where the array averages any number of codes, in merge columns', async () => {
    const sketch: NetworkSketch = {
      input: [2, 7, 7],
      layers: [
        { filters: 6, kernel: [3, 3], padding: [1, 1, 1, 1], relu: true },
        { filters: 5, kernel: [1, 1], relu: true, pool: { mode: 'average', window: [7, 7] } },
        { filters: 4, dense: true },
      ],
      seed: 5,
    }
    const graph = sketchGraph(sketch)
    const array = { rows: 4, columns: 4, memoryBits: 2 ** 24, parallel: false }
    const assignment = sketchAssignment(sketch, graph)
    const planned = planNetwork(graph, assignment, {
      ...array,
      dataflow: { layer0: 'row-stationary', default: 'auto' },
    })
    const { plan } = planned
    expect(plan.array.dataflow).toBe('mixed')
    expect('merge' in plan && plan.merge?.reciprocal).toBeTruthy()
    const specimen = plannedSpecimen({ graph, assignment, array: plan.array, seed: 3 }, planned) as Specimen
    expectAgreement(specimen, await runSpecimen(specimen))
    expect(countDifferences(specimen)).toEqual([])
  })
})

describe('a difference', () => {
  const sketch: NetworkSketch = {
    input: [2, 6, 6],
    layers: [
      { filters: 4, kernel: [3, 3], relu: true },
      { filters: 3, dense: true },
    ],
    seed: 8,
  }
  const array = {
    ...{ rows: 4, columns: 4, memoryBits: 2 ** 24, parallel: false },
    dataflow: { layer0: 'row-stationary', layer1: 'weight-stationary' },
  } as const

  it.each([
    ['a weight of the grid', 'grid', /runs the layer "layer0"/, /weight memory/],
    ['a weight of the array', 'array', /It belongs to layer "layer1"/, /weight memory/],
  ] as const)('in %s is told with its layer and its cause', async (_name, engine, layer, cause) => {
    const specimen = sharedSpecimenOf({ sketch, array, seed: 1 })
    const { plan, images } = specimen
    const grid = images.grid!
    const turned = (codes: MemoryImages['weights']) => codes.map((code, at) => (at === 1 ? code ^ 1 : code))
    const other =
      engine === 'grid'
        ? { ...images, grid: { ...grid, weights: turned(grid.weights) } }
        : { ...images, weights: turned(images.weights) }
    const { netlist } = await runSpecimen({ ...specimen, top: buildCore(plan, other) })
    expect(netlist.mismatches).toBeGreaterThan(0)
    const sides = { expected: 'the model', got: 'the netlist' }
    const { text } = explainDifference(plan, images, watchOf(plan), netlist.first!, sides)
    expect(text).toMatch(layer)
    expect(text).toMatch(cause)
  })
})

describe('and Verilator, for a part of them', () => {
  beforeEach(needsVerilator)

  it.each(group.seeds)(
    'designs of seed %i',
    async (seed) => {
      const drawn = fc.sample(sharedDesigns, { numRuns: group.verilator, seed })
      await expectAgreementInVerilator(drawn, sharedSpecimenOf)
    },
    20 * minutes,
  )
})

/** One of its designs lets values that nothing wrote pass idle lines of the grid again. */
const idleLinesSeed = 90210

describe('and Icarus Verilog, for some of those', () => {
  it.for([...group.seeds, idleLinesSeed])('designs of seed %i', async (seed, context) => {
    if (!hasIcarus) return context.skip('not run: no Icarus Verilog')
    const drawn = fc.sample(sharedDesigns, { numRuns: group.icarus, seed })
    await expectAgreementInIcarus(drawn.map(sharedSpecimenOf), 1)
  })
})

describe('a reset in mid-run of an array and a grid', () => {
  it(
    'does to every probe and port what the model says',
    () => {
      const property = fc.property(sharedDesigns, (design) => {
        const result = compareThroughResets(sharedSpecimenOf(design), design.seed)
        expect(result).toMatchObject({ mismatches: 0, ended: undefined })
        expect(result.cycles).toBeGreaterThan(0)
      })
      fc.assert(property, { numRuns: full ? 200 : 8, seed: 13 })
    },
    5 * minutes,
  )
})
