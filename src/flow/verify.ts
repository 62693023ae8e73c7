import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { patienceOf } from '../../sim/drive.ts'
import { toStream } from '../../sim/stream.ts'
import { axiBench } from '../../testbench/axi-bench.ts'
import { nativeBench } from '../../testbench/bench.ts'
import type { CountTotals } from '../../testbench/count-totals.ts'
import { type Counting, countDesign, type YosysChoice } from '../../testbench/counts.ts'
import { junitXml, type TestCase } from '../../testbench/junit.ts'
import { halfStalled } from '../../testbench/stimulus.ts'
import { allPass, verdictOf } from '../../testbench/verdict.ts'
import { type Check, type Verification, verifyDesign } from '../../testbench/verification.ts'
import type { XgenError } from '../base/errors.ts'
import { writeFileAtomically } from '../base/files.ts'
import { hashOf } from '../base/hash.ts'
import type { Progress } from '../base/progress.ts'
import { createEmulator } from '../emu/emulator.ts'
import { cacheDirectory } from '../tools/cache.ts'
import type { Configuration } from './configuration.ts'
import { verificationMetrics } from './metrics.ts'
import { type Prepared, quantiseInput, testImages } from './preparation.ts'
import { type Design, filesBelow, generate, writeDesign } from './rtl.ts'
import { replaceMetrics } from './run-metrics.ts'

export interface VerifyOptions {
  readonly images: number
  /** How many of the first images the netlist runs in JavaScript. */
  readonly netlistImages: number
  readonly seed: number
  /** What counts the cells of the Verilog. */
  readonly yosys: YosysChoice
  /** Where the run's directory goes; undefined: a place in the cache. */
  readonly out?: string
  readonly force: boolean
  readonly signal: AbortSignal
  readonly progress: Progress
}

/** What `xgen verify --json` prints. */
export interface VerifyReport {
  readonly net: string
  readonly pass: boolean
  readonly images: number
  readonly mismatches: number
  readonly compared: number
  readonly checks: readonly CheckReport[]
  /** Cycles of one inference without stalls, as counted. */
  readonly cycles: { readonly model: number | null; readonly verilator: number | null }
  /** Multipliers, adders, registers and memory bits by the plan, the netlist and Yosys. */
  readonly counts: CountTotals
  /** The version of the Yosys that counted, or null. */
  readonly yosys: string | null
  readonly array: string
  /** Where the images come from. */
  readonly source: string
  /** Images that were run with random stalls of both streams. */
  readonly stalled: number
  /** The run's directory: what `xgen rtl` writes, results.xml, and what was measured in metrics.json. */
  readonly directory: string
}

export interface CheckReport {
  readonly name: string
  readonly compared: number
  readonly mismatches: number
  /** Present where the check did not run. */
  readonly notRun?: string
  /** Present where it failed, since values differ or nothing was compared: one line, and all of it. */
  readonly difference?: string
  readonly explanation?: string
}

/** A finished verification: the report, and the missing tool where one kept checks from running. */
export interface Verified {
  readonly report: VerifyReport
  readonly checks: readonly Check[]
  readonly missing: XgenError | undefined
  /** The commands that build the simulator. */
  readonly commands: readonly string[]
}

/**
 * Generates a design, compares what plan, netlist and Yosys count in it, and its four executables: emulator, cycle model, netlist and
 * Verilator. Every second image is run with random back-pressure. Writes the run's directory with results.xml and metrics.json.
 */
export async function verify(
  configuration: Configuration,
  prepared: Prepared,
  options: VerifyOptions,
): Promise<Verified> {
  const { signal, progress } = options
  progress.step('generate')
  const design = generate(configuration, prepared)
  const directory = options.out ?? cachedRun(configuration, prepared, options)
  const results = join(directory, 'results.xml')
  writeDesign(directory, design, configuration, prepared, options.force || options.out === undefined)
  rmSync(results, { force: true })
  replaceMetrics(directory, 'verify', {})
  progress.done(`${design.files.size} files`)
  signal.throwIfAborted()

  const printed = { verilog: filesBelow(design, 'rtl/'), memories: filesBelow(design, 'mem/') }
  const { plan, top, images, interfaceName } = design
  const counting = await countDesign({
    plan,
    top,
    interfaceName,
    ...printed,
    yosys: options.yosys,
    signal,
    progress,
  })
  const { codes, expected, source } = emulated(prepared, design, options)
  const verification = await verifyDesign({
    plan,
    images,
    top,
    ...printed,
    bench:
      interfaceName === 'axi'
        ? axiBench(plan, images, { codes, seed: options.seed })
        : nativeBench(plan, images, halfStalled(codes, options.seed, patienceOf(plan))),
    expected,
    netlistImages: options.netlistImages,
    signal,
    progress,
  })
  const checks = [...verification.checks, ...counting.checks]
  const report = reportOf(design, { ...verification, checks }, counting, directory, source, codes.length)
  writeFileAtomically(results, junitXml(`xgen verify ${plan.network}`, checks.map(testCase)))
  replaceMetrics(directory, 'verify', verificationMetrics(report))
  return {
    report,
    checks,
    missing: verification.missing ?? counting.missing,
    commands: verification.commands,
  }
}

/** Test images as raw codes in stream order, and what the emulator makes of them. */
function emulated(
  { network, graph, assignment, data }: Prepared,
  { plan, interfaceName }: Design,
  { images, seed }: VerifyOptions,
) {
  const { images: pixels, source } = testImages(network, images, seed, data)
  const emulator = createEmulator(graph, assignment)
  const inputs = pixels.map((image) => quantiseInput(graph, image))
  // the AXI stream pads codes with 0, the native one by their sign
  const mask = interfaceName === 'axi' ? 2 ** plan.output.bits - 1 : 255
  const carried = (codes: Uint8Array) => codes.map((code) => code & mask)
  return {
    source,
    codes: inputs.map((codes) => toStream(codes, plan.input.shape)),
    expected: inputs.map((codes) =>
      carried(toStream(emulator.runImage(codes).get(graph.output)!, plan.output.shape)),
    ),
  }
}

/** A place of its own for what differs in any of these: two runs may go on at once. */
export function cachedRun(
  configuration: Configuration,
  {
    network,
    networkHash,
    weightsHash,
    coefficientsHash = '',
    multiplierHashes = {},
  }: Pick<Prepared, 'network' | 'networkHash' | 'weightsHash' | 'coefficientsHash' | 'multiplierHashes'>,
  { images, netlistImages, seed }: Pick<VerifyOptions, 'images' | 'netlistImages' | 'seed'>,
): string {
  const made = [
    configuration,
    networkHash,
    weightsHash,
    coefficientsHash,
    multiplierHashes,
    images,
    netlistImages,
    seed,
  ]
  const key = hashOf(made).slice(0, 12)
  return join(cacheDirectory(), 'runs', `${network.name}-${key}`)
}

function reportOf(
  { plan }: Design,
  { checks, cycles }: Pick<Verification, 'checks' | 'cycles'>,
  { totals, version }: Counting,
  directory: string,
  source: string,
  images: number,
): VerifyReport {
  const sum = (of: (check: Check) => number) => checks.reduce((total, check) => total + of(check), 0)
  return {
    net: plan.network,
    pass: allPass(checks),
    images,
    mismatches: sum((check) => check.mismatches),
    compared: sum((check) => check.compared),
    checks: checks.map(checkReport),
    cycles: { model: cycles.model ?? null, verilator: cycles.verilator ?? null },
    counts: totals,
    yosys: version ?? null,
    array: `${plan.array.rows}x${plan.array.columns}`,
    source,
    stalled: Math.floor(images / 2),
    directory,
  }
}

export function checkReport(check: Check): CheckReport {
  const { name, compared, mismatches } = check
  const verdict = verdictOf(check)
  switch (verdict.kind) {
    case 'passed':
      return { name, compared, mismatches }
    case 'failed':
      return { name, compared, mismatches, difference: verdict.summary, explanation: verdict.text }
    case 'not run':
      return { name, compared, mismatches, notRun: verdict.because }
  }
}

export function testCase(check: Check): TestCase {
  const { name, compared, mismatches, detail, seconds } = check
  const said = `${compared} values compared, ${mismatches} differ${detail === '' ? '' : ` (${detail})`}`
  return { name, seconds, detail: said, verdict: verdictOf(check) }
}
