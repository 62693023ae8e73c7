import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { axiModel } from '../../sim/axi.ts'
import { patienceOf } from '../../sim/drive.ts'
import { writeFileAtomically } from '../../src/base/files.ts'
import { weightPacket } from '../../src/plan/packet.ts'
import { axiHarness } from '../../testbench/axi-bench.ts'
import { axiFrames } from '../../testbench/axi-device.ts'
import { driveAxi } from '../../testbench/axi-host.ts'
import { randomAxiStimulus } from '../../testbench/axi-random.ts'
import { axiRules } from '../../testbench/axi-rules.ts'
import { axiSimulatorInput } from '../../testbench/axi-stimulus.ts'
import { compareDevices } from '../../testbench/comparison.ts'
import { lockstep } from '../../testbench/lockstep.ts'
import { visibleRegisters } from '../../testbench/netlist-device.ts'
import { simulate } from '../../testbench/simulation.ts'
import { findToolchain } from '../../testbench/toolchain.ts'
import { type VerificationRun, verifyDesign } from '../../testbench/verification.ts'
import { buildSimulator, memoryDirectory } from '../../testbench/verilator.ts'
import { exactDesign } from '../fixtures/graph-designs.ts'
import { type GraphSketch, smallDesigns } from '../fixtures/small-designs.ts'
import { needsVerilator } from '../fixtures/tools.ts'
import { designVerification, twoLayers, verificationOf } from '../fixtures/verification.ts'

const full = process.env['XGEN_FULL'] === '1'
const never = new AbortController().signal
const scratch = mkdtempSync(join(tmpdir(), 'xgen-axi-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const sound = verificationOf(twoLayers, { rows: 4, columns: 4 }, 5, 'axi')

/** The design with one edit of its Verilog. */
function edited(file: string, from: string, to: string): VerificationRun {
  const text = sound.verilog.get(file)!
  expect(text).toContain(from)
  return { ...sound, verilog: new Map([...sound.verilog, [file, text.replace(from, to)]]) }
}

describe('verification of the AXI interface', () => {
  beforeEach(needsVerilator)

  it('compares emulator, model, netlist and Verilator, and the rules of AXI', async () => {
    const { checks, cycles } = await verifyDesign({ ...sound, netlistImages: 2 })
    expect(checks.map(({ name, mismatches }) => [name, mismatches])).toEqual([
      ['emulator = model (outputs)', 0],
      ['plan = model (cycles of an inference)', 0],
      ['model = netlist (registers, cycles)', 0],
      ['model = Verilator (registers, cycles)', 0],
      ['emulator = Verilator (outputs)', 0],
      ['rules of AXI', 0],
    ])
    for (const { compared } of checks) expect(compared).toBeGreaterThan(0)
    expect(cycles.verilator).toBe(cycles.model)
  })

  it('does so for a network with branches, whose weights it loads, too', async () => {
    const { network, seed } = smallDesigns['additions, groups, padded pooling, joined maps']!
      .sketch as GraphSketch
    const branched = designVerification(exactDesign(network, seed), { rows: 2, columns: 4 }, 3, 'axi')
    expect(branched.plan).toMatchObject({ reload: true, merge: { sets: 2 } })
    const { checks, cycles } = await verifyDesign({ ...branched, netlistImages: 1 })
    for (const { name, mismatches, compared } of checks) {
      expect([name, mismatches]).toEqual([name, 0])
      expect(compared).toBeGreaterThan(0)
    }
    expect(cycles.verilator).toBe(cycles.model)
  })

  it.each([
    ['a bit of the padding', 'axi_output.v', 'assign tdata = code;', "assign tdata = code ^ 8'd128;"],
    ['a response', 'axi_lite_port.v', 'bresp = {b_error', 'bresp = {~b_error'],
    ['weights that are not stored', 'weight_memory.v', 'if (write)', "if (1'b0)"],
    ['parameters that are not stored', 'parameter_memory.v', 'if (write)', "if (1'b0)"],
    [
      'weights that are stored one word on',
      'weight_memory.v',
      'weights[write_address] <=',
      "weights[write_address + 1'b1] <=",
    ],
    ['a packet that is never good', 'weight_loader.v', 'broken <= accept', "broken <= 1'b1 | accept"],
  ])('finds %s', async (_name, file, from, to) => {
    const { checks } = await verifyDesign(edited(file, from, to))
    const check = checks.find(({ name }) => name === 'model = Verilator (registers, cycles)')!
    expect(check.mismatches).toBeGreaterThan(0)
    expect(check.explanation!.summary).toMatch(/expected .* got /)
  })
})

describe('a host that does everything, at random, in Verilator', () => {
  beforeEach(needsVerilator)
  const { plan, images, top, verilog, memories } = sound
  const other = verificationOf({ ...twoLayers, seed: 8 }, { rows: 4, columns: 4 }, 1, 'axi')
  const episodes = full ? 600 : 40

  it(`${episodes} episodes between resets: every port and probe in every cycle, and no rule of AXI is broken`, async () => {
    const { watch } = sound.bench
    const stimulus = randomAxiStimulus(plan, {
      images: sound.stimulus.images,
      packets: [weightPacket(plan, images), weightPacket(other.plan, other.images)],
      seed: 31,
      episodes,
      patience: 2 * patienceOf(plan) + 100_000,
    })
    const design = {
      top: top.name,
      verilog,
      visible: visibleRegisters(top, watch.probes),
      harness: axiHarness(plan),
    }
    const { simulator } = await buildSimulator(design, await findToolchain(), never)
    for (const [name, text] of memories) writeFileAtomically(join(scratch, memoryDirectory, name), text)
    const comparison = compareDevices('Verilator', watch, -1, 8)
    const rules = axiRules(plan)
    const batches = simulate({
      simulator,
      top: top.name,
      directory: scratch,
      stimulus: axiSimulatorInput(stimulus),
      portWords: watch.layout.words,
      probes: watch.probes,
      signal: never,
    })
    const model = axiFrames(axiModel(plan, images), watch.layout)
    await lockstep(
      driveAxi(model, stimulus, plan.reload, watch.probes.length),
      [],
      { batches, comparison, onFrame: rules.take },
      never,
    )
    expect(comparison.result()).toMatchObject({ mismatches: 0, ended: undefined, first: undefined })
    expect(rules.violations).toEqual([])
    expect(rules.cycles).toBe(comparison.result().cycles)
    expect(rules.cycles).toBeGreaterThan(full ? 1_000_000 : 60_000)
    for (const count of Object.values(rules.transfers)) expect(count).toBeGreaterThan(50)
  }, 1_800_000)
})
