import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { planCounts } from '../../src/plan/counts.ts'
import type { RowPlan } from '../../src/plan/row/plan.ts'
import { countedNumbers } from '../../testbench/count-comparison.ts'
import { netlistTally } from '../../testbench/netlist-counts.ts'
import { runsInVerilator } from '../fixtures/batch.ts'
import { compareWithIcarus } from '../fixtures/icarus.ts'
import { compareThroughResets } from '../fixtures/resets.ts'
import { rowFeatures } from '../fixtures/row-features.ts'
import { rowDesigns } from '../fixtures/row-sketches.ts'
import {
  type RandomDesign,
  rowSpecimenOf,
  runSpecimen,
  type Specimen,
  type SpecimenRun,
} from '../fixtures/specimens.ts'
import { hasIcarus, needsVerilator } from '../fixtures/tools.ts'

/**
 * Random chains on random row-stationary grids: plain loops, emulator, cycle model, netlist and, for a part of them, Verilator agree in every output, and the
 * last three in every probe and every cycle, with and without stalls; and Icarus Verilog for some. XGEN_FULL=1 has 2,500 designs, 250 of them in Verilator.
 */
const full = process.env['XGEN_FULL'] === '1'
const minutes = 60_000
const group = {
  designs: full ? 100 : 70,
  verilator: full ? 10 : 6,
  icarus: 2,
  seeds: Array.from({ length: full ? 25 : 1 }, (_, i) => 204 + i),
}

const hits = new Map<string, number>(Object.keys(rowFeatures).map((name) => [name, 0]))

function countFeatures(design: RandomDesign, specimen: Specimen<RowPlan>): void {
  for (const [name, test] of Object.entries(rowFeatures))
    if (test(design, specimen)) hits.set(name, hits.get(name)! + 1)
}

function expectAgreement({ emulated, looped }: Specimen<RowPlan>, run: SpecimenRun): void {
  expect(emulated).toEqual(looped)
  expect(run.codes).toEqual(looped)
  expect(run.cycles).toBe(run.planned)
  expect(run.netlist).toMatchObject({ mismatches: 0, ended: undefined })
  expect(run.netlist.compared).toBeGreaterThan(0)
}

/** What the plan and the netlist count differently. */
function countDifferences({ plan, top }: Specimen<RowPlan>) {
  const numbers = countedNumbers({ plan: planCounts(plan), netlist: netlistTally(top), yosys: undefined })
  expect(numbers.length).toBeGreaterThan(50)
  return numbers.filter(({ plan: planned, netlist }) => planned !== netlist)
}

describe('plain loops = emulator = cycle model = netlist, for random chains on row-stationary grids', () => {
  it.each(group.seeds)(
    'designs of seed %i',
    async (seed) => {
      const property = fc.asyncProperty(rowDesigns, async (design) => {
        const specimen = rowSpecimenOf(design)
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
})

describe('and Verilator, for a part of them', () => {
  beforeEach(needsVerilator)

  it.each(group.seeds)(
    'designs of seed %i',
    async (seed) => {
      const drawn = fc.sample(rowDesigns, { numRuns: group.verilator, seed })
      const specimens = drawn.map(rowSpecimenOf)
      let index = 0
      for await (const run of runsInVerilator(specimens)) {
        expectAgreement(specimens[index]!, run)
        expect(run.recorded, JSON.stringify(drawn[index])).toMatchObject({
          mismatches: 0,
          ended: undefined,
        })
        expect(run.recorded.compared).toBe(run.netlist.compared)
        index++
      }
      expect(index).toBe(specimens.length)
    },
    20 * minutes,
  )
})

describe('and Icarus Verilog, for some of those', () => {
  it.for(group.seeds)('designs of seed %i', async (seed, context) => {
    if (!hasIcarus) return context.skip('not run: no Icarus Verilog')
    const drawn = fc.sample(rowDesigns, { numRuns: group.icarus, seed })
    const scratch = mkdtempSync(join(tmpdir(), 'xgen-rows-icarus-'))
    try {
      for (const [index, design] of drawn.entries()) {
        const result = await compareWithIcarus(rowSpecimenOf(design), join(scratch, `${index}`))
        expect(result.differences).toEqual([])
        expect(result.cycles).toBeGreaterThan(0)
        // most registers are known
        expect(result.unknown).toBeLessThan(result.compared)
      }
    } finally {
      rmSync(scratch, { recursive: true, force: true })
    }
  })
})

describe('a reset in mid-run of a row-stationary grid', () => {
  it(
    'does to every probe and port what the model says',
    () => {
      const property = fc.property(rowDesigns, (design) => {
        const result = compareThroughResets(rowSpecimenOf(design), design.seed)
        expect(result).toMatchObject({ mismatches: 0, ended: undefined })
        expect(result.cycles).toBeGreaterThan(0)
      })
      fc.assert(property, { numRuns: full ? 200 : 15, seed: 13 })
    },
    20 * minutes,
  )
})
