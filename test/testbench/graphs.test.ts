import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LayerAssignment } from '../../src/approx/assignment.ts'
import { buildAssignment } from '../../src/approx/build.ts'
import type { Network } from '../../src/net/network.ts'
import { sumOf } from '../../src/plan/counts/module-count.ts'
import { planCounts } from '../../src/plan/counts.ts'
import type { Plan, PlanLayer } from '../../src/plan/plan.ts'
import { countedNumbers } from '../../testbench/count-comparison.ts'
import { netlistTally } from '../../testbench/netlist-counts.ts'
import { runsInVerilator } from '../fixtures/batch.ts'
import { conv, graphDesign, graphDesigns, networkDesign } from '../fixtures/graph-designs.ts'
import { compareWithIcarus } from '../fixtures/icarus.ts'
import { compareThroughResets } from '../fixtures/resets.ts'
import { designSpecimen, runSpecimen, type Specimen, type SpecimenRun } from '../fixtures/specimens.ts'
import { hasIcarus, needsVerilator } from '../fixtures/tools.ts'

/**
 * Random networks that are graphs (residual blocks, branches, groups, poolings of any window) on random arrays: plain loops, emulator, cycle model,
 * netlist and, for a part of them, Verilator and Icarus agree in every output, probe and cycle, and so do the counts. XGEN_FULL=1 has 2,000 designs,
 * 200 of them in Verilator.
 */
const full = process.env['XGEN_FULL'] === '1'
const minutes = 60_000
const group = {
  designs: full ? 100 : 50,
  verilator: full ? 10 : 4,
  seeds: Array.from({ length: full ? 20 : 1 }, (_, i) => 201 + i),
}

const layer = (test: (layer: PlanLayer) => boolean) => (plan: Plan) => plan.layers.some(test)
const operand = (test: (operand: NonNullable<NonNullable<PlanLayer['merge']>['operand']>) => boolean) =>
  layer(({ merge }) => merge?.operand !== undefined && test(merge.operand))

/** What the designs are to have between them. */
const features: Readonly<Record<string, (plan: Plan) => boolean>> = {
  'an addition': layer(({ does, merge }) => does === undefined && merge?.operand !== undefined),
  'an addition and pooling behind it': layer(
    ({ does, merge, window }) =>
      does === undefined && merge?.operand !== undefined && window[0] * window[1] > 1,
  ),
  'a pooling of its own': layer(({ does }) => does === 'pool'),
  'a maximum with padding': layer(
    ({ does, average, padding }) => does === 'pool' && !average && padding[0] + padding[1] > 0,
  ),
  'an average with padding': layer(
    ({ does, average, padding }) => does === 'pool' && average && padding[0] + padding[1] > 0,
  ),
  'windows that overlap': layer(({ does, window, stride }) => does === 'pool' && stride[0] < window[0]),
  'an average over a number that is no power of two': layer(
    ({ average, window }) => average && !Number.isInteger(Math.log2(window[0] * window[1])),
  ),
  'a subsampled map': layer(({ does }) => does === 'subsample'),
  'channels of code 0': layer(({ does }) => does === 'pad'),
  'a part of a joined map that is copied': layer(({ does }) => does === 'concat'),
  'a map that is written by parts': layer(
    ({ does, filters, outputWords, outputModulus }) =>
      does === undefined && outputWords > Math.ceil(filters / outputModulus),
  ),
  'a map of which a layer reads a part': layer(
    ({ tapWords, groups }) => tapWords !== undefined && groups === undefined,
  ),
  'a map in both sets': layer(({ merge }) => merge?.storeSets === 3),
  'a vector of several words': operand(({ lanes }) => lanes > 1),
  'grouped convolution': layer(({ groups }) => groups !== undefined),
  'windows of channels that move': layer(
    ({ groups, columnFolds }) => (groups?.words ?? 0) > 0 && columnFolds > 1,
  ),
  'a window for several column folds': layer(({ groups }) => (groups?.folds ?? 1) > 1),
  'a layer without products before one that begins lower': ({ layers }) =>
    layers.some(({ rows }, index) => rows !== undefined && layers[index - 1]?.does !== undefined),
  'run-time modes': ({ modes }) => modes !== undefined,
  'a last layer without products': ({ layers }) => layers.at(-1)!.does !== undefined,
}

function expectAgreement({ plan, top, emulated, looped }: Specimen, run: SpecimenRun): void {
  expect(emulated).toEqual(looped)
  expect(run.codes).toEqual(looped)
  expect(run.cycles).toBe(run.planned)
  expect(run.netlist).toMatchObject({ mismatches: 0, ended: undefined })
  expect(run.netlist.compared).toBeGreaterThan(0)
  const numbers = countedNumbers({ plan: planCounts(plan), netlist: netlistTally(top), yosys: undefined })
  expect(numbers.filter((number) => number.plan !== number.netlist)).toEqual([])
}

const hits = new Map(Object.keys(features).map((name) => [name, 0]))

describe('networks that are graphs: plain loops = emulator = cycle model = netlist, and their counts', () => {
  it.each(group.seeds)(
    'designs of seed %i',
    async (seed) => {
      const property = fc.asyncProperty(graphDesigns, async (design) => {
        const specimen = designSpecimen(graphDesign(design))
        expectAgreement(specimen, await runSpecimen(specimen))
        for (const [name, test] of Object.entries(features))
          if (test(specimen.plan)) hits.set(name, hits.get(name)! + 1)
      })
      await fc.assert(property, { numRuns: group.designs, seed })
    },
    20 * minutes,
  )

  it('have every feature between them', () => {
    expect([...hits].filter(([, count]) => count === 0)).toEqual([])
  })

  it(
    'agree through resets in mid-run',
    () => {
      const property = fc.property(graphDesigns, (design) => {
        const result = compareThroughResets(designSpecimen(graphDesign(design)), design.seed)
        expect(result).toMatchObject({ mismatches: 0, ended: undefined })
        expect(result.cycles).toBeGreaterThan(0)
      })
      fc.assert(property, { numRuns: full ? 100 : 10, seed: 17 })
    },
    5 * minutes,
  )
})

const padding = [1, 1, 1, 1] as const
const network = (...layers: Network['layers']): Network => ({
  name: 'edge',
  input: { shape: [4, 5, 5] },
  layers,
})

const edges: readonly (readonly [string, Network, (plan: Plan) => boolean])[] = [
  [
    'an average over a number that is no power of two, without an operand',
    network(
      conv('a', ['input'], 4),
      { kind: 'pool', name: 'p', mode: 'average', window: [3, 3], stride: [3, 3], padding: [0, 0, 0, 0] },
      conv('b', ['p'], 3),
    ),
    ({ merge }) => merge?.sets === 1 && merge.reciprocal !== undefined,
  ],
  [
    'averages over powers of two beside an addition: by a shift',
    network(
      conv('a', ['input'], 4),
      conv('b', ['a'], 4),
      { kind: 'add', name: 'sum', inputs: ['a', 'b'] },
      { kind: 'pool', name: 'p', mode: 'average', window: [2, 2], stride: [1, 1], padding: [0, 0, 0, 0] },
      { kind: 'pool', name: 'q', mode: 'average', window: [1, 2], stride: [1, 2], padding: [0, 0, 0, 0] },
      conv('c', ['q'], 3),
      { kind: 'pool', name: 'mean', mode: 'average', window: [4, 2], stride: [4, 2], padding: [0, 0, 0, 0] },
    ),
    (plan) => {
      const shifts = plan.layers.filter(({ average }) => average).map(({ poolShift }) => poolShift)
      const mergeColumn = planCounts(plan).find(({ module }) => module === 'merge_column')!
      return shifts.join() === '2,1,3' && sumOf(mergeColumn.multiplications) === 2
    },
  ],
  [
    'an input map that is pooled, and read again at the end',
    network(
      { kind: 'pool', name: 'p', mode: 'max', window: [3, 3], stride: [1, 1], padding },
      conv('a', ['p'], 4),
      conv('b', ['a'], 4),
      { kind: 'add', name: 'sum', inputs: ['b', 'input'] },
    ),
    ({ inputUntil, layers }) => inputUntil === layers.length && layers[0]!.does === 'pool',
  ],
  [
    'an input map that is copied into a joined one while a convolution reads it',
    network(
      conv('a', ['input'], 4),
      { kind: 'concat', name: 'both', inputs: ['input', 'a', 'input'] },
      conv('b', ['both'], 3),
    ),
    ({ layers, inputUntil }) =>
      layers.filter(({ does }) => does === 'concat').length === 2 && inputUntil === 3,
  ],
  [
    'a convolution whose result is added to what it reads: that map stands in both sets',
    network(
      conv('a', ['input'], 4),
      conv('b', ['a'], 4, 4),
      { kind: 'add', name: 'sum', inputs: ['a', 'b'] },
      { kind: 'pool', name: 'mean', mode: 'average', window: [5, 5], stride: [5, 5], padding: [0, 0, 0, 0] },
      { kind: 'flatten', name: 'flat' },
      { kind: 'dense', name: 'fc', units: 3 },
    ),
    ({ layers }) => layers[0]!.merge?.storeSets === 3 && layers[1]!.positions === 25 && layers.length === 3,
  ],
]

const sums: readonly (readonly [string, Network])[] = [
  [
    'a map and the input',
    network(
      conv('a', ['input'], 4),
      { kind: 'pool', name: 'p', mode: 'max', window: [3, 3], stride: [1, 1], padding },
      { kind: 'add', name: 'sum', inputs: ['p', 'input'] },
      conv('b', ['sum'], 3),
    ),
  ],
  ['a map and itself', network(conv('a', ['input'], 6), { kind: 'add', name: 'sum', inputs: ['a', 'a'] })],
  [
    'three maps, two of which others read too, and a maximum behind that',
    network(
      conv('a', ['input'], 4),
      conv('b', ['a'], 4),
      { kind: 'add', name: 'two', inputs: ['a', 'b'] },
      { kind: 'add', name: 'sum', inputs: ['two', 'b'] },
      { kind: 'relu', name: 'positive' },
      { kind: 'pool', name: 'p', mode: 'max', window: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0] },
      { kind: 'flatten', name: 'flat' },
      { kind: 'dense', name: 'fc', units: 2 },
    ),
  ],
]

describe('an addition that no convolution ends in', () => {
  it.each(sums)('of %s', async (_name, edge) => {
    for (const [rows, columns, spec] of [
      [4, 4, 'exact'],
      [3, 5, 'roup:p=1,r=2'],
    ] as const) {
      const design = networkDesign(edge, rows, columns)
      const specimen = designSpecimen({
        ...design,
        assignment: buildAssignment(design.graph, [{ selector: 'default', spec }]),
      })
      const passed = specimen.plan.layers.filter((layer) => layer.passed)
      expect(passed.map(({ macs }) => macs)).toEqual(passed.map(() => 0))
      expect(passed.length).toBeGreaterThan(0)
      // approximate multipliers would change what passes
      expect(specimen.plan.tiles.map(({ multiplier }) => multiplier)).toEqual([...new Set([spec, 'exact'])])
      expectAgreement(specimen, await runSpecimen(specimen))
    }
  })
})

describe('at the edges', () => {
  it.each(edges)('%s', async (_name, edge, test) => {
    for (const [rows, columns] of [
      [4, 4],
      [3, 8],
      [1, 1],
    ] as const) {
      const specimen = designSpecimen(networkDesign(edge, rows, columns))
      expect(test(specimen.plan)).toBe(true)
      expectAgreement(specimen, await runSpecimen(specimen))
    }
  })

  it("weights of other groups are nobody's where a multiplier could be wrong at zero", async () => {
    const { assignment, ...design } = networkDesign(network(conv('a', ['input'], 8, 4)), 4, 4)
    const doubtful = (one: LayerAssignment) => ({
      ...one,
      multipliers: one.multipliers.map((multiplier) => ({ ...multiplier, zeroExact: false })),
    })
    const specimen = designSpecimen({
      ...design,
      assignment: new Map([...assignment].map(([name, one]) => [name, doubtful(one)])),
    })
    expect(specimen.plan).toMatchObject({ masked: true, unowned: true, memories: { ownerBits: 1 } })
    expectAgreement(specimen, await runSpecimen(specimen))
  })
})

describe('and Verilator and Icarus Verilog, for a part of them', () => {
  it.for(group.seeds)(
    'designs of seed %i, in Verilator',
    { timeout: 20 * minutes },
    async (seed, context) => {
      needsVerilator(context)
      const drawn = fc.sample(graphDesigns, { numRuns: group.verilator, seed })
      const specimens = drawn.map((design) => designSpecimen(graphDesign(design)))
      let index = 0
      for await (const run of runsInVerilator(specimens)) {
        expect(run.recorded, JSON.stringify(drawn[index])).toMatchObject({
          mismatches: 0,
          ended: undefined,
        })
        expect(run.recorded.compared).toBe(run.netlist.compared)
        index++
      }
      expect(index).toBe(specimens.length)
    },
  )

  it.for(group.seeds)('designs of seed %i, in Icarus', async (seed, context) => {
    if (!hasIcarus) return context.skip('not run: no Icarus Verilog')
    const scratch = mkdtempSync(join(tmpdir(), 'xgen-graphs-icarus-'))
    try {
      for (const [index, design] of fc.sample(graphDesigns, { numRuns: 2, seed }).entries()) {
        const result = await compareWithIcarus(designSpecimen(graphDesign(design)), join(scratch, `${index}`))
        expect(result.differences).toEqual([])
        expect(result.cycles).toBeGreaterThan(0)
      }
    } finally {
      rmSync(scratch, { recursive: true, force: true })
    }
  })
})
