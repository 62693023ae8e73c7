import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import type { RowPlan } from '../../src/plan/row/plan.ts'
import {
  countDifferences,
  expectAgreement,
  expectAgreementInIcarus,
  expectAgreementInVerilator,
} from '../fixtures/agreement.ts'
import { compareThroughResets } from '../fixtures/resets.ts'
import { rowFeatures } from '../fixtures/row-features.ts'
import { rowDesigns } from '../fixtures/row-sketches.ts'
import { type RandomDesign, rowSpecimenOf, runSpecimen, type Specimen } from '../fixtures/specimens.ts'
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
      await expectAgreementInVerilator(drawn, rowSpecimenOf)
    },
    20 * minutes,
  )
})

describe('and Icarus Verilog, for some of those', () => {
  it.for(group.seeds)('designs of seed %i', async (seed, context) => {
    if (!hasIcarus) return context.skip('not run: no Icarus Verilog')
    const drawn = fc.sample(rowDesigns, { numRuns: group.icarus, seed })
    await expectAgreementInIcarus(drawn.map(rowSpecimenOf), 1)
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
