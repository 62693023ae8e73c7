import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { XgenError } from '../src/base/errors.ts'
import type { Progress } from '../src/base/progress.ts'
import type { Module } from '../src/hdl/module.ts'
import type { AnyPlan } from '../src/plan/any-plan.ts'
import type { MemoryImages } from '../src/plan/images.ts'
import { cacheDirectory, openScratch } from '../src/tools/cache.ts'
import { type RuleCheck, rules } from './axi-rules.ts'
import type { Bench } from './bench.ts'
import { type Comparison, compareDevices } from './comparison.ts'
import { explainDifference, type Sides } from './explain.ts'
import { follower, lockstep, type Watcher } from './lockstep.ts'
import { visibleRegisters } from './netlist-device.ts'
import { compareOutputs } from './outputs.ts'
import { simulate } from './simulation.ts'
import { findToolchain, type Toolchain } from './toolchain.ts'
import type { Finding } from './verdict.ts'
import { buildSimulator, memoryDirectory, type VisibleRegister } from './verilator.ts'

/** A design as it was generated, with what the emulator says that it must compute. */
export interface VerificationRun {
  readonly plan: AnyPlan
  readonly images: MemoryImages
  readonly top: Module
  /** Verilog by file name, as printed. */
  readonly verilog: ReadonlyMap<string, string>
  /** Memory images by file name. */
  readonly memories: ReadonlyMap<string, string>
  /** The registers that the probes read, by module; found in the netlist where they are not given. */
  readonly visible?: readonly VisibleRegister[]
  /** How the design is driven, watched and timed: by its interface. */
  readonly bench: Bench
  /** The emulator's output codes of each image, raw, in stream order, as the interface carries them. */
  readonly expected: readonly Uint8Array[]
  /** How many of the first images the netlist runs in JavaScript. */
  readonly netlistImages: number
  readonly signal: AbortSignal
  readonly progress: Progress
  readonly cache?: string
}

export interface Check extends Finding {
  readonly name: string
  /** On what. */
  readonly detail: string
  readonly seconds: number
}

export interface Verification {
  readonly checks: readonly Check[]
  /** Of one inference without stalls, as counted in the run; undefined where it was not run. */
  readonly cycles: { readonly model: number | undefined; readonly verilator: number | undefined }
  /** The commands that built the simulator, and whether they were run this time. */
  readonly commands: readonly string[]
  /** Why Verilator was not run, if so. */
  readonly missing: XgenError | undefined
}

/**
 * Compares four executables of one design: the emulator's outputs, the cycle model, the netlist compiled to JavaScript and the printed
 * Verilog under Verilator; the last three in every cycle and every probe. A missing tool leaves its checks `notRun`; a tool
 * that fails is an error, since nothing follows from half a run.
 */
export async function verifyDesign(run: VerificationRun): Promise<Verification> {
  const { plan, bench, top, netlistImages } = run
  const { watch } = bench
  const phase = watch.probes.findIndex(({ name }) => name === 'phase')
  const history = plan.array.rows + plan.array.columns + 16
  const compare = (name: string) => compareDevices(name, watch, phase, history)
  const withNetlist = compare('model = netlist (registers, cycles)')
  const withVerilator = compare('model = Verilator (registers, cycles)')
  const model = bench.harvest()
  const verilator = bench.harvest()
  const checked = bench.rules?.()

  const simulator = await simulatorOf(run)
  const begun = Date.now()
  run.progress.step('compare', bench.images)
  const watchers: Watcher[] = [
    ({ words, image }) => {
      model.take(words, 0)
      checked?.take(words, 0)
      run.progress.update(image, `image ${Math.min(image + 1, bench.images)} of ${bench.images}`)
      return true
    },
  ]
  if (netlistImages > 0) {
    watchers.push(follower(bench.netlist(top), withNetlist, watch, netlistImages))
  }
  const together = (recording?: Parameters<typeof lockstep>[2]) =>
    lockstep(bench.reference(), watchers, recording, run.signal)
  if (simulator.kind === 'missing') await together()
  else {
    const scratch = openScratch(run.cache ?? cacheDirectory())
    try {
      writeMemories(scratch.work, run.memories)
      const { probes } = watch
      const { signal } = run
      const log = scratch.log('simulator')
      const batches = simulate({
        simulator: simulator.path,
        top: top.name,
        directory: scratch.work,
        log,
        stimulus: bench.simulatorInput,
        portWords: watch.layout.words,
        probes,
        signal,
      })
      await together({ batches, comparison: withVerilator, onFrame: verilator.take })
      scratch.forgetLogs()
    } finally {
      scratch.close()
    }
  }
  const seconds = (Date.now() - begun) / 1000
  run.progress.done(`${bench.images} images in ${seconds.toFixed(1)} s`)

  const missing = simulator.kind === 'missing' ? simulator.error : undefined
  const notRun = missing?.message
  const all = images(bench.images)
  const devices = (comparison: Comparison, got: string, detail: string, because?: string): Check =>
    deviceCheck(run, comparison, { expected: 'the model', got }, detail, seconds, because)
  const noNetlist = netlistImages > 0 ? undefined : 'no images were asked for (--netlist-images)'
  return {
    checks: [
      outputCheck(
        run,
        'emulator = model (outputs)',
        model.outputs,
        { expected: 'the emulator', got: 'the model' },
        seconds,
      ),
      cycleCheck(run, model.cycles(), seconds),
      devices(
        withNetlist,
        'the netlist',
        `first ${images(Math.min(netlistImages, bench.images))}, in JavaScript`,
        noNetlist,
      ),
      devices(withVerilator, 'Verilator', all, notRun),
      outputCheck(
        run,
        'emulator = Verilator (outputs)',
        verilator.outputs,
        { expected: 'the emulator', got: 'Verilator' },
        seconds,
        notRun,
      ),
      ...(checked === undefined ? [] : [ruleCheck(checked, seconds)]),
    ],
    cycles: { model: model.cycles()[0], verilator: verilator.cycles()[0] },
    commands: simulator.kind === 'missing' ? [] : simulator.commands,
    missing,
  }
}

type Simulator =
  | { readonly kind: 'built'; readonly path: string; readonly commands: readonly string[] }
  | { readonly kind: 'missing'; readonly error: XgenError }

async function simulatorOf(run: VerificationRun): Promise<Simulator> {
  const { top, verilog, visible, signal, progress, cache, bench } = run
  let tools: Toolchain
  try {
    tools = await findToolchain(signal)
  } catch (error) {
    if (error instanceof XgenError && error.kind === 'tool-missing') return { kind: 'missing', error }
    throw error
  }
  progress.step('build with Verilator')
  const begun = Date.now()
  const design = {
    top: top.name,
    verilog,
    visible: visible ?? visibleRegisters(top, bench.watch.probes),
    harness: bench.harness,
  }
  const { simulator, cached, commands } = await buildSimulator(design, tools, signal, cache)
  progress.done(cached ? 'built before' : `${((Date.now() - begun) / 1000).toFixed(1)} s`)
  return { kind: 'built', path: simulator, commands }
}

function writeMemories(directory: string, memories: ReadonlyMap<string, string>): void {
  mkdirSync(join(directory, memoryDirectory), { recursive: true })
  for (const [name, text] of memories) writeFileSync(join(directory, memoryDirectory, name), text)
}

function outputCheck(
  { plan, expected }: VerificationRun,
  name: string,
  got: readonly Uint8Array[],
  sides: Sides,
  seconds: number,
  notRun?: string,
): Check {
  if (notRun !== undefined)
    return { name, compared: 0, mismatches: 0, detail: '', seconds: 0, notRun, explanation: undefined }
  const { compared, mismatches, explanation } = compareOutputs(plan, expected, got, sides)
  return { name, compared, mismatches, detail: images(got.length), seconds, notRun, explanation }
}

/** The plan's formula against the model, on every image that nothing delays. */
function cycleCheck({ bench }: VerificationRun, cycles: readonly number[], seconds: number): Check {
  const { cycles: planned, which } = bench.planned
  const wrong = cycles.filter((count) => count !== planned)
  const summary = `an inference takes ${wrong[0]} cycles in the model; the plan says ${planned}`
  return {
    name: 'plan = model (cycles of an inference)',
    compared: cycles.length,
    mismatches: wrong.length,
    detail: `${images(cycles.length)} ${which}`,
    seconds,
    notRun: undefined,
    explanation: wrong.length === 0 ? undefined : { summary, text: `${summary}.\n` },
  }
}

/** The rules of the protocols in every cycle; the frames of the model, which all devices were compared with. */
function ruleCheck({ cycles, transfers, violations, count }: RuleCheck, seconds: number): Check {
  const moved = Object.values(transfers).reduce((sum, n) => sum + n, 0)
  const first = violations[0]
  const summary =
    first && `channel ${first.channel} breaks a rule in cycle ${first.cycle}: ${rules[first.rule].text}`
  return {
    name: 'rules of AXI',
    compared: moved,
    mismatches: count,
    detail: `transfers in ${cycles.toLocaleString('en-US')} cycles`,
    seconds,
    notRun: undefined,
    explanation: summary === undefined ? undefined : { summary, text: `${summary}.\n` },
  }
}

function deviceCheck(
  { plan, images, bench }: VerificationRun,
  comparison: Comparison,
  sides: Sides,
  detail: string,
  seconds: number,
  notRun?: string,
): Check {
  const { name, compared, mismatches, first, ended } = comparison.result()
  if (notRun !== undefined)
    return { name, compared: 0, mismatches: 0, detail: '', seconds: 0, notRun, explanation: undefined }
  const told = first === undefined ? undefined : explainDifference(plan, images, bench.watch, first, sides)
  const end = ended === undefined ? undefined : `${sides.got}: ${ended}`
  const explanation = told ?? (end === undefined ? undefined : { summary: end, text: `${end}.\n` })
  return {
    name,
    compared,
    mismatches: Math.max(mismatches, ended === undefined ? 0 : 1),
    detail,
    seconds,
    notRun,
    explanation,
  }
}

const images = (count: number) => (count === 1 ? '1 image' : `${count} images`)
