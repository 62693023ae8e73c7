import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { axiModel } from '../../sim/axi.ts'
import { patienceOf } from '../../sim/drive.ts'
import { buildAxiAccelerator } from '../../src/arch/axi-top.ts'
import { overlappedCycles, runCycles } from '../../src/plan/any-plan.ts'
import { weightPacket } from '../../src/plan/packet.ts'
import { axiProbesOf } from '../../src/plan/probes.ts'
import { axiFrames } from '../../testbench/axi-device.ts'
import { driveAxi } from '../../testbench/axi-host.ts'
import { axiLayout } from '../../testbench/axi-ports.ts'
import { randomAxiStimulus } from '../../testbench/axi-random.ts'
import { axiRules } from '../../testbench/axi-rules.ts'
import { compareDevices } from '../../testbench/comparison.ts'
import { follower } from '../../testbench/lockstep.ts'
import { netlistFrames } from '../../testbench/netlist-frames.ts'
import { watchProbes } from '../../testbench/watch.ts'
import { anyAxiSpecimen, axiSpecimen, episode, runAxi } from '../fixtures/axi.ts'
import { lenetSketch } from '../fixtures/qgraph.ts'
import { rowDesigns } from '../fixtures/row-sketches.ts'
import { type SharedDesign, sharedDesigns } from '../fixtures/shared-designs.ts'
import { type RandomDesign, randomDesigns } from '../fixtures/specimens.ts'

const full = process.env['XGEN_FULL'] === '1'

/** Runs a host that does everything on the model, and the netlist beside it. */
function runRandom({ sketch, array, seed }: RandomDesign | SharedDesign, reload: boolean) {
  const { planned, image } = anyAxiSpecimen(sketch, array, { reload })
  const other = anyAxiSpecimen(sketch, array, { reload, weights: sketch.seed + 1 })
  const { plan, images } = planned
  const watch = watchProbes(axiProbesOf(plan), axiLayout(plan))
  const stimulus = randomAxiStimulus(plan, {
    images: [1, 2, 3].map((n) => image(n).codes),
    packets: [weightPacket(plan, images), weightPacket(other.planned.plan, other.planned.images)],
    seed,
    episodes: 6,
    patience: 2 * patienceOf(plan) + 100_000,
  })
  const comparison = compareDevices('netlist', watch, -1, 8)
  const device = netlistFrames(buildAxiAccelerator(plan, images), watch.layout, watch.probes)
  const take = follower(device, comparison, watch, Number.POSITIVE_INFINITY)
  const rules = axiRules(plan)
  const model = axiFrames(axiModel(plan, images), watch.layout)
  for (const cycle of driveAxi(model, stimulus, reload, watch.probes.length)) {
    rules.take(cycle.words, 0)
    if (!take(cycle)) break
  }
  const { first, ...result } = comparison.result()
  const difference =
    first &&
    `${watch.values[first.value]!.name} in output ${first.image}, cycle ${first.cycle}: model ${first.expected}, netlist ${first.got}`
  return { ...result, difference, rules }
}

describe('the cycle model of the AXI interface', () => {
  it(
    'agrees with the netlist in every port, probe and cycle, and both keep the rules of AXI, whatever the host does',
    () => {
      let cycles = 0
      fc.assert(
        fc.property(randomDesigns, fc.boolean(), (design, reload) => {
          const result = runRandom(design, reload)
          expect(result.difference).toBe(undefined)
          expect(result).toMatchObject({ mismatches: 0, ended: undefined })
          expect(result.rules.violations).toEqual([])
          expect(result.rules.cycles).toBe(result.cycles)
          cycles += result.cycles
        }),
        { numRuns: full ? 150 : 12, seed: 21 },
      )
      expect(cycles).toBeGreaterThan(full ? 1_000_000 : 20_000)
    },
    full ? 1_800_000 : 240_000,
  )

  it(
    'agrees so around a row-stationary grid',
    () => {
      fc.assert(
        fc.property(rowDesigns, fc.boolean(), (design, reload) => {
          const result = runRandom(design, reload)
          expect(result.difference).toBe(undefined)
          expect(result).toMatchObject({ mismatches: 0, ended: undefined })
          expect(result.rules.violations).toEqual([])
          expect(result.rules.cycles).toBe(result.cycles)
        }),
        { numRuns: full ? 100 : 6, seed: 22 },
      )
    },
    full ? 1_800_000 : 240_000,
  )
})

describe('the cycle model of the AXI interface around an array and a grid', () => {
  it(
    'agrees so with the netlist, weights of both among what the host sends',
    () => {
      fc.assert(
        fc.property(sharedDesigns, fc.boolean(), (design, reload) => {
          const result = runRandom(design, reload)
          expect(result.difference).toBe(undefined)
          expect(result).toMatchObject({ mismatches: 0, ended: undefined })
          expect(result.rules.violations).toEqual([])
        }),
        { numRuns: full ? 60 : 4, seed: 23 },
      )
    },
    full ? 1_800_000 : 240_000,
  )
})

describe('images that follow one another at once', () => {
  it.each([4, 8, 16])(
    "LeNet-5 on %i rows and columns: the period is the run and the output, at least 95 % of it the array's",
    (size) => {
      const { planned, image } = axiSpecimen(lenetSketch, size, size)
      const { plan, images } = planned
      const samples = [1, 2, 3].map(image)
      const run = runAxi(axiFrames(axiModel(plan, images), axiLayout(plan)), planned, [
        episode({ images: samples.map(({ codes }) => codes), outputs: 3 * plan.output.elements }),
      ])
      expect(run.outputs).toEqual(samples.map(({ expected }) => expected))
      const periods = run.ends.slice(1).map((end, index) => end - run.ends[index]!)
      expect(periods).toEqual([overlappedCycles(plan) - 1, overlappedCycles(plan) - 1])
      expect(runCycles(plan) / periods[0]!).toBeGreaterThan(0.95)
    },
  )
})
