import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { changeAt } from '../../testbench/mutation/draft.ts'
import {
  expectAgreement,
  expectAgreementInIcarus,
  expectAgreementInVerilator,
} from '../fixtures/agreement.ts'
import { features } from '../fixtures/features.ts'
import { compareWithIcarus } from '../fixtures/icarus.ts'
import type { NetworkSketch } from '../fixtures/qgraph.ts'
import { compareThroughResets } from '../fixtures/resets.ts'
import {
  type RandomDesign,
  randomDesigns,
  runSpecimen,
  type Specimen,
  specimenOf,
} from '../fixtures/specimens.ts'
import { hasIcarus, needsVerilator } from '../fixtures/tools.ts'

/**
 * Random networks on random arrays: plain loops, emulator, cycle model, netlist and, for a part of them, Verilator agree in every output, and
 * the last three in every probe and every cycle, with and without stalls; and Icarus Verilog for some. XGEN_FULL=1 has 5,000 designs, 500 of them in Verilator;
 * each group of designs has a seed of its own in its name, so that `vitest -t` runs it again.
 */
const full = process.env['XGEN_FULL'] === '1'
const minutes = 60_000

/** Designs of a group, how many of them go through Verilator and Icarus Verilog, and the seeds of the groups. */
const group = {
  designs: 100,
  verilator: 10,
  icarus: 2,
  seeds: Array.from({ length: full ? 50 : 1 }, (_, i) => 101 + i),
}

const hits = new Map<string, number>(Object.keys(features).map((name) => [name, 0]))
let designs = 0
let simulated = 0

function countFeatures(design: RandomDesign, specimen: Specimen): void {
  designs++
  for (const [name, test] of Object.entries(features))
    if (test(design, specimen)) hits.set(name, hits.get(name)! + 1)
}

describe('plain loops = emulator = cycle model = netlist, for random networks on random arrays', () => {
  it.each(group.seeds)(
    'designs of seed %i',
    async (seed) => {
      const property = fc.asyncProperty(randomDesigns, async (design) => {
        const specimen = specimenOf(design)
        expectAgreement(specimen, await runSpecimen(specimen))
        countFeatures(design, specimen)
      })
      await fc.assert(property, { numRuns: group.designs, seed })
    },
    20 * minutes,
  )

  it('have every feature between them', () => {
    expect(designs).toBe(group.seeds.length * group.designs)
    expect([...hits].filter(([, count]) => count === 0)).toEqual([])
  })
})

describe('and Verilator, for a part of them', () => {
  beforeEach(needsVerilator)

  it.each(group.seeds)(
    'designs of seed %i',
    async (seed) => {
      const drawn = fc.sample(randomDesigns, { numRuns: group.verilator, seed })
      await expectAgreementInVerilator(drawn, specimenOf)
      simulated += drawn.length
    },
    20 * minutes,
  )
})

describe('and Icarus Verilog, for some of those', () => {
  it.for(group.seeds)('designs of seed %i', async (seed, context) => {
    if (!hasIcarus) return context.skip('not run: no Icarus Verilog')
    const drawn = fc.sample(randomDesigns, { numRuns: group.icarus, seed })
    await expectAgreementInIcarus(drawn.map(specimenOf), 2)
  })
})

describe('Icarus Verilog', () => {
  it('shows a register that no reset reaches', async (context) => {
    if (!hasIcarus) return context.skip('not run: no Icarus Verilog')
    const [design] = fc.sample(randomDesigns, { numRuns: 1, seed: 5 })
    const specimen = specimenOf(design!)
    const top = changeAt(specimen.top, ['u_sequencer'], (draft) => {
      draft.registers.find(({ name }) => name === 'phase')!.reset = undefined
    })
    const scratch = mkdtempSync(join(tmpdir(), 'xgen-icarus-'))
    try {
      const { differences } = await compareWithIcarus({ ...specimen, top }, scratch)
      expect(differences[0]).toBe('cycle 0, busy: expected 0, got x')
    } finally {
      rmSync(scratch, { recursive: true, force: true })
    }
  })
})

afterAll(() => {
  if (!full) return
  const seeds = `${group.seeds[0]}..${group.seeds.at(-1)}`
  const counts = [...hits].map(([name, count]) => `  ${name}: ${count}`).join('\n')
  process.stdout.write(
    `${designs} designs, ${simulated} of them in Verilator, seeds ${seeds}; with\n${counts}\n`,
  )
})

describe('a reset in mid-run', () => {
  it(
    'does to every probe and port what the model says, for random networks on random arrays',
    async () => {
      const property = fc.property(randomDesigns, (design) => {
        const result = compareThroughResets(specimenOf(design), design.seed)
        expect(result).toMatchObject({ mismatches: 0, ended: undefined })
        expect(result.cycles).toBeGreaterThan(0)
      })
      fc.assert(property, { numRuns: full ? 200 : 25, seed: 13 })
    },
    5 * minutes,
  )
})

const edges: [name: string, sketch: NetworkSketch, rows: number, columns: number][] = [
  [
    'a first layer of one tap and one fold',
    {
      input: [1, 1, 1],
      seed: 1,
      layers: [
        { filters: 1, kernel: [1, 1] },
        { filters: 1, kernel: [1, 1] },
      ],
    },
    1,
    1,
  ],
  [
    'the same on an array that it does not fill',
    { input: [1, 2, 2], seed: 2, layers: [{ filters: 1 }, { filters: 2 }, { filters: 3, dense: true }] },
    2,
    2,
  ],
  ['a single layer', { input: [2, 3, 3], seed: 3, layers: [{ filters: 3, kernel: [2, 2] }] }, 4, 4],
  [
    'a last column fold that comes faster than the one before it is stored',
    {
      input: [1, 1, 1],
      seed: 0,
      layers: [
        {
          filters: 9,
          kernel: [1, 1],
          padding: [0, 0, 0, 1],
          pool: { mode: 'max', window: [1, 2] },
          mix: { by: 'filter', multipliers: ['exact', 'trunc:ka=1,kb=1'] },
        },
      ],
    },
    1,
    8,
  ],
  [
    'one layer that is one product',
    { input: [1, 1, 1], seed: 4, layers: [{ filters: 1, dense: true }] },
    3,
    2,
  ],
]

describe('emulator = cycle model = netlist, at the edges', () => {
  it.each(edges)('%s', async (_name, sketch, rows, columns) => {
    const array = {
      dataflow: 'weight-stationary' as const,
      rows,
      columns,
      memoryBits: 2 ** 26,
      parallel: false,
    }
    const specimen = specimenOf({ sketch, array, seed: 1 })
    expectAgreement(specimen, await runSpecimen(specimen))
  })
})
