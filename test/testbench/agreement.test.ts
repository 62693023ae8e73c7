import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { patienceOf } from '../../sim/drive.ts'
import { cycleModel } from '../../sim/model.ts'
import { fullPattern, randomPattern } from '../../sim/pressure.ts'
import { fromStream, toStream } from '../../sim/stream.ts'
import { writeFileAtomically } from '../../src/base/files.ts'
import { type Accelerator, acceleratorFiles } from '../../src/emit/accelerator-files.ts'
import { createEmulator } from '../../src/emu/emulator.ts'
import type { ArraySpec } from '../../src/plan/array.ts'
import { makePlan, type Planned } from '../../src/plan/make.ts'
import { topName } from '../../src/plan/names.ts'
import { compareDevices } from '../../testbench/comparison.ts'
import { drive, harvest } from '../../testbench/host.ts'
import { follower, lockstep } from '../../testbench/lockstep.ts'
import { netlistDevice, visibleRegisters } from '../../testbench/netlist-device.ts'
import { compareAfterReset } from '../../testbench/restart.ts'
import { simulate } from '../../testbench/simulation.ts'
import type { Stimulus } from '../../testbench/stimulus.ts'
import { findToolchain } from '../../testbench/toolchain.ts'
import { buildSimulator } from '../../testbench/verilator.ts'
import { watchOf } from '../../testbench/watch.ts'
import {
  inputCodes,
  type NetworkSketch,
  randomInput,
  sketchAssignment,
  sketchGraph,
} from '../fixtures/qgraph.ts'
import { arrays, mixedSketches } from '../fixtures/sketches.ts'

/**
 * Random networks on random arrays: emulator, cycle model, netlist and (a sample) Verilator agree in every output, every probe and every
 * cycle, with and without stalls. The emulator and the model against plain loops: test/emu, test/sim.
 */
const full = process.env['XGEN_FULL'] === '1'
const never = new AbortController().signal

interface Specimen {
  readonly planned: Planned
  readonly accelerator: Accelerator
  readonly stimulus: Stimulus
  /** Expected output codes of each image, [c][h][w]. */
  readonly expected: readonly (readonly number[])[]
}

function specimen(sketch: NetworkSketch, array: ArraySpec, seed: number): Specimen {
  const graph = sketchGraph(sketch)
  const assignment = sketchAssignment(sketch, graph)
  const planned = makePlan(graph, assignment, array)
  const inputs = [randomInput(graph, seed), randomInput(graph, seed + 1)]
  const emulator = createEmulator(graph, assignment)
  return {
    planned,
    accelerator: acceleratorFiles(planned.plan, planned.images, 'test'),
    stimulus: {
      images: inputs.map((codes) => toStream(codes, planned.plan.input.shape)),
      patterns: [fullPattern, randomPattern(seed)],
      patternOf: [0, 1],
      ahead: [false, seed % 2 === 1],
      patience: patienceOf(planned.plan),
    },
    expected: inputs.map((codes) => [...emulator.runImage(inputCodes(graph, codes)).get(graph.output)!]),
  }
}

async function run(
  { planned, accelerator, stimulus }: Specimen,
  simulator?: { path: string; directory: string },
) {
  const { plan, images } = planned
  const watch = watchOf(plan)
  const phase = watch.probes.findIndex((probe) => probe.name === 'phase')
  const netlist = compareDevices('netlist', watch, phase, 16)
  const verilog = compareDevices('verilog', watch, phase, 16)
  const outputs = harvest()
  const reference = (function* () {
    for (const cycle of drive(cycleModel(plan, images), stimulus, watch.probes.length)) {
      outputs.take(cycle.words[0]!)
      yield cycle
    }
  })()
  const watchers = [
    follower(
      netlistDevice(accelerator.top, watch.probes),
      netlist,
      watch.probes.length,
      stimulus.images.length,
    ),
  ]
  const recording =
    simulator === undefined
      ? undefined
      : {
          batches: simulate({
            simulator: simulator.path,
            top: topName(plan.network),
            directory: simulator.directory,
            stimulus,
            probes: watch.probes,
            signal: never,
          }),
          comparison: verilog,
          onPorts: () => {},
        }
  await lockstep(reference, watchers, recording, never)
  const codes = outputs.outputs.map((bytes) => [...fromStream(bytes, plan.output.shape, plan.output.signed)])
  return { codes, netlist: netlist.result(), verilog: verilog.result() }
}

describe('emulator = cycle model = netlist, for random networks on random arrays', () => {
  it(
    'in every output, probe and cycle',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          mixedSketches,
          arrays,
          fc.integer({ min: 0, max: 2 ** 31 }),
          async (sketch, array, seed) => {
            const made = specimen(sketch, array, seed)
            const { codes, netlist } = await run(made)
            expect(codes).toEqual(made.expected)
            expect(netlist).toMatchObject({ mismatches: 0, ended: undefined })
            expect(netlist.compared).toBeGreaterThan(0)
          },
        ),
        { numRuns: full ? 1000 : 150, seed: 11 },
      )
    },
    full ? 1_800_000 : 300_000,
  )
})

describe('a reset in mid-run', () => {
  it('leaves nothing behind that a host sees, for random networks on random arrays', async () => {
    await fc.assert(
      fc.asyncProperty(
        mixedSketches,
        arrays,
        fc.integer({ min: 0, max: 2 ** 31 }),
        async (sketch, array, seed) => {
          const { planned, accelerator, stimulus } = specimen(sketch, array, seed)
          const model = () => cycleModel(planned.plan, planned.images)
          const device = netlistDevice(accelerator.top, [])
          const after = await compareAfterReset(device, model, stimulus, { times: 3, seed, signal: never })
          expect(after).toMatchObject({ mismatches: 0, ended: undefined })
          expect(after.cycles).toBeGreaterThan(0)
        },
      ),
      { numRuns: full ? 200 : 25, seed: 13 },
    )
  }, 300_000)
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
    const made = specimen(
      sketch,
      { dataflow: 'weight-stationary', rows, columns, memoryBits: 2 ** 26, parallel: false },
      1,
    )
    const { codes, netlist } = await run(made)
    expect(codes).toEqual(made.expected)
    expect(netlist).toMatchObject({ mismatches: 0, ended: undefined })
  })
})

const verilator = (await execa('verilator', ['--version'], { reject: false })).exitCode === 0

describe('and Verilator, for a sample of them', () => {
  const sample = fc.sample(fc.tuple(mixedSketches, arrays), { numRuns: full ? 60 : 6, seed: 12 })
  it.for(
    sample.map(([sketch, array], index) => ({
      index,
      size: `${array.rows}x${array.columns}`,
      sketch,
      array,
    })),
  )('sample $index on $size', async ({ index, sketch, array }, context) => {
    if (!verilator) context.skip('not run: no Verilator')
    const made = specimen(sketch, array, index)
    const { plan } = made.planned
    const scratch = mkdtempSync(join(tmpdir(), 'xgen-agreement-'))
    try {
      const verilog = new Map<string, string>()
      for (const [path, text] of made.accelerator.files) {
        if (path.startsWith('rtl/')) verilog.set(path.slice(4), text)
        if (path.startsWith('mem/')) writeFileAtomically(join(scratch, 'run', path), text)
      }
      const watch = watchOf(plan)
      const design = {
        top: topName(plan.network),
        verilog,
        visible: visibleRegisters(made.accelerator.top, watch.probes),
      }
      const built = await buildSimulator(design, await findToolchain(), never)
      const result = await run(made, { path: built.simulator, directory: join(scratch, 'run') })
      expect(result.codes).toEqual(made.expected)
      expect(result.verilog).toMatchObject({ mismatches: 0, ended: undefined })
      expect(result.verilog.cycles).toBe(result.netlist.cycles)
    } finally {
      rmSync(scratch, { recursive: true, force: true })
    }
  })
})
