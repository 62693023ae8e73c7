import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { execa, type Options } from 'execa'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { describe as described } from '../../src/cli/commands/verify.ts'
import { resolveConfiguration } from '../../src/flow/configuration.ts'
import { cachedRun, checkReport, testCase, type VerifyReport } from '../../src/flow/verify.ts'
import { loadNetwork } from '../../src/net/zoo.ts'
import { cacheDirectory } from '../../src/tools/cache.ts'
import { junitXml } from '../../testbench/junit.ts'
import { allPass } from '../../testbench/verdict.ts'
import type { Check } from '../../testbench/verification.ts'
import { eventually, processesIn } from '../fixtures/processes.ts'
import { needsVerilator } from '../fixtures/tools.ts'
import { noCounts } from '../fixtures/verification.ts'

const project = resolve(import.meta.dirname, '../..')
const root = realpathSync(mkdtempSync(join(tmpdir(), 'xgen-verify-')))
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** A cache of its own that shares only Verilator's compiled runtime with the user's. */
function freshCache(name: string): string {
  const cache = join(root, name)
  mkdirSync(cache)
  const runtime = join(cacheDirectory(), 'runtime')
  mkdirSync(runtime, { recursive: true })
  symlinkSync(runtime, join(cache, 'runtime'))
  return cache
}

const command = [
  process.execPath,
  '--import',
  'tsx',
  'src/cli/main.ts',
  'verify',
  '--net',
  'lenet5',
  '--array',
  '4x4',
  '--no-progress',
]

function xgen(cache: string, more: readonly string[], options: Options = {}) {
  return execa(command[0]!, [...command.slice(1), ...more], {
    cwd: project,
    reject: false,
    ...options,
    env: { XGEN_CACHE_DIR: cache, ...(options.env as Record<string, string> | undefined) },
  })
}

/** A `verilator` that does something to the design before, or instead of, the real one. */
function wrapped(name: string, body: string): string {
  const bin = join(root, name)
  mkdirSync(bin)
  const path = process.env['PATH']!
  const real = path
    .split(delimiter)
    .map((directory) => join(directory, 'verilator'))
    .find((file) => existsSync(file))!
  writeFileSync(
    join(bin, 'verilator'),
    `#!/bin/sh\ncase "$1" in --cc) ${body} ;; esac\nexec '${real}' "$@"\n`,
  )
  chmodSync(join(bin, 'verilator'), 0o755)
  return `${bin}${delimiter}${path}`
}

describe('xgen verify', () => {
  beforeEach(needsVerilator)

  it('compares four executables of a design and leaves its files with results.xml', async () => {
    const out = join(root, 'out')
    const { stdout, exitCode, stderr } = await xgen(cacheDirectory(), [
      '--json',
      '--images',
      '2',
      '--netlist-images',
      '1',
      '--mult',
      'conv2=roup:p=1,r=2',
      '--out',
      out,
    ])
    expect(stderr).toBe('')
    expect(exitCode).toBe(0)
    const report = JSON.parse(stdout as string) as VerifyReport
    expect(report).toMatchObject({
      net: 'lenet5',
      pass: true,
      images: 2,
      mismatches: 0,
      array: '4x4',
      stalled: 1,
      directory: out,
    })
    expect(report.checks.map(({ name }) => name)).toEqual([
      'emulator = model (outputs)',
      'plan = model (cycles of an inference)',
      'model = netlist (registers, cycles)',
      'model = Verilator (registers, cycles)',
      'emulator = Verilator (outputs)',
      'rules of AXI',
      'plan = netlist (counts)',
      'netlist = Yosys (counts)',
    ])
    // 16 PEs and 4 columns, by the plan, the netlist and Yosys
    const { multipliers, adders } = report.counts
    expect(multipliers.inPes).toEqual({ plan: 16 * 2, netlist: 16 * 2, yosys: 16 * 2 })
    expect(multipliers.inRequantisers).toEqual({ plan: 4, netlist: 4, yosys: 4 })
    expect(adders.datapath).toEqual({ plan: 32 + 4 * 6, netlist: 32 + 4 * 6, yosys: 32 + 4 * 6 })
    expect(report.yosys).toMatch(/^Yosys \d/)
    expect(report.checks.every(({ compared, mismatches }) => compared > 0 && mismatches === 0)).toBe(true)
    expect(report.compared).toBe(report.checks.reduce((sum, { compared }) => sum + compared, 0))
    expect(report.cycles.verilator).toBe(report.cycles.model)
    expect(report.source).toMatch(/mnist test set|synthetic digits/)
    expect(readFileSync(join(out, 'results.xml'), 'utf8')).toContain(
      'tests="8" failures="0" errors="0" skipped="0"',
    )
    for (const file of [
      'run.json',
      'plan.json',
      'ports.md',
      'rtl/xgen_lenet5.v',
      'mem/weights.hex',
      'tb/Makefile',
    ])
      expect(existsSync(join(out, file))).toBe(true)
  })

  it('explains a difference, and fails', async () => {
    const cache = freshCache('faulty')
    const PATH = wrapped('faulty-bin', `sed -i "s/50'd1/50'd0/; s/51'd1/51'd0/" accumulator_column.v`)
    const { stdout, exitCode } = await xgen(cache, ['--json', '--images', '1', '--netlist-images', '0'], {
      env: { PATH },
    })
    expect(exitCode).toBe(1)
    const report = JSON.parse(stdout as string) as VerifyReport
    expect(report.pass).toBe(false)
    const check = report.checks.find(({ name }) => name === 'model = Verilator (registers, cycles)')!
    expect(check.mismatches).toBeGreaterThan(0)
    expect(check.difference).toMatch(
      /^pooled\[\d\]: expected -?\d+, got -?\d+ in image 0, cycle \d+ after start/,
    )
    expect(check.explanation).toContain('layer "conv1"')
    expect(check.explanation).toContain('the fault lies in the bias, requantisation or pooling')
    expect(
      report.checks.find(({ name }) => name === 'model = netlist (registers, cycles)')!.notRun,
    ).toContain('no images were asked for')
    const results = readFileSync(join(report.directory, 'results.xml'), 'utf8')
    expect(results).toMatch(/failures="[12]" errors="0" skipped="1"/)
    expect(results).toContain('<failure message="pooled')
  })

  it('without Verilator runs what needs no tool, and says which is missing', async () => {
    const cache = freshCache('missing')
    const { stdout, exitCode } = await xgen(cache, ['--json', '--images', '1', '--netlist-images', '0'], {
      env: { PATH: dirname(process.execPath) },
    })
    if (existsSync(join(dirname(process.execPath), 'verilator'))) return expect(exitCode).toBe(0)
    expect(exitCode).toBe(3)
    const { error } = JSON.parse(stdout as string) as {
      error: { kind: string; message: string; hint: string; where: string }
    }
    expect(error.kind).toBe('tool-missing')
    expect(error.message).toMatch(
      /^Verilator was not found; what needs no tool was compared and agrees \(emulator = model \(outputs\), 10 values; /,
    )
    expect(error.hint).toContain('apt-get install')
    const results = readFileSync(join(error.where, 'results.xml'), 'utf8')
    expect(results).toContain('not run, because Verilator was not found')
    expect(results).toContain('failures="0" errors="0" skipped="3"')
  })

  it('reports a tool that was killed as killed', async () => {
    const cache = freshCache('killed')
    const { stderr, exitCode } = await xgen(cache, ['--images', '1', '--netlist-images', '0'], {
      env: { PATH: wrapped('killed-bin', 'kill -9 $$') },
    })
    expect(exitCode).toBe(4)
    expect(stderr).toContain('Verilator was killed (137, SIGKILL), probably out of memory')
    expect(stderr).toContain('log: ')
  })

  it('interrupted while it builds leaves no child process and nothing half-made', async () => {
    const cache = freshCache('interrupted')
    const running = xgen(cache, ['--images', '1'], { env: { PATH: wrapped('slow-bin', 'sleep 60') } })
    expect(await eventually(() => processesIn(join(cache, 'part')).length >= 2, 60_000)).toBe(true)
    running.kill('SIGINT')
    const { exitCode, stderr } = await running
    expect(exitCode).toBe(130)
    expect(stderr).toContain('interrupted')
    expect(await eventually(() => processesIn(cache).length === 0, 3000)).toBe(true)
    expect(readdirSync(join(cache, 'part'))).toEqual([])
    expect(existsSync(join(cache, 'simulators')) ? readdirSync(join(cache, 'simulators')) : []).toEqual([])
  })

  it('refuses a number of images that makes no sense', async () => {
    const { stderr, exitCode } = await xgen(cacheDirectory(), ['--images', '0'])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('--images')
  })
})

describe('a check that compared nothing', () => {
  const sound: Check = {
    name: 'emulator = model (outputs)',
    compared: 20,
    mismatches: 0,
    detail: '2 images',
    seconds: 1,
    notRun: undefined,
    explanation: undefined,
  }
  const empty: Check = { ...sound, name: 'plan = model (cycles of an inference)', compared: 0, detail: '' }
  const absent: Check = {
    ...empty,
    name: 'model = netlist (registers, cycles)',
    notRun: 'none were asked for',
  }

  const reportOf = (checks: readonly Check[]): VerifyReport => ({
    net: 'net',
    pass: allPass(checks),
    images: 2,
    mismatches: 0,
    compared: 20,
    checks: checks.map(checkReport),
    cycles: { model: 1, verilator: 1 },
    counts: noCounts,
    yosys: null,
    array: '4x4',
    source: 'synthetic digits',
    stalled: 1,
    directory: 'out',
  })

  it('has failed: in the report, on the screen and in results.xml', () => {
    const checks = [sound, empty, absent]
    const report = reportOf(checks)
    expect(report.pass).toBe(false)
    expect(report.checks[1]).toEqual({
      name: empty.name,
      compared: 0,
      mismatches: 0,
      difference: 'nothing was compared',
      explanation: 'nothing was compared.\n',
    })
    const text = described({ report, checks })
    expect(text).toMatch(/^ {2}ok {4}emulator = model \(outputs\) /m)
    expect(text).toMatch(/^ {2}FAIL {2}plan = model \(cycles of an inference\) {2}0 values, 0 differ/m)
    expect(text).toMatch(/^ {2}-- {4}model = netlist .* not run, because none were asked for$/m)
    expect(text).toContain(`--- ${empty.name}\n\nnothing was compared.\n`)
    expect(text).toMatch(/^FAIL: 20 values compared, 0 differ\.$/m)
    const results = junitXml('suite', checks.map(testCase))
    expect(results).toContain('tests="3" failures="1" errors="0" skipped="1"')
    expect(results).toContain('<failure message="nothing was compared">')
  })

  it('is no hindrance where it was not asked to run; where none ran, nothing passes', () => {
    expect(reportOf([sound, absent]).pass).toBe(true)
    expect(reportOf([absent]).pass).toBe(false)
    expect(reportOf([]).pass).toBe(false)
  })
})

describe("a run's place in the cache", () => {
  it('is another for each configuration, network, weights, multiplier files, images and seed', () => {
    const prepared = { network: loadNetwork('lenet5'), networkHash: 'n', weightsHash: 'w' }
    const run = { images: 20, netlistImages: 2, seed: 1 }
    const configuration = resolveConfiguration({ net: 'lenet5', array: '4x4', environment: {} })
    const other = resolveConfiguration({ net: 'lenet5', array: '4x5', environment: {} })
    const places = [
      cachedRun(configuration, prepared, run),
      cachedRun(other, prepared, run),
      cachedRun(configuration, { ...prepared, networkHash: 'm' }, run),
      cachedRun(configuration, { ...prepared, weightsHash: 'v' }, run),
      cachedRun(configuration, { ...prepared, multiplierHashes: { 'mul.v': 'h' } }, run),
      cachedRun(configuration, { ...prepared, multiplierHashes: { 'mul.v': 'g' } }, run),
      cachedRun(configuration, prepared, { ...run, images: 21 }),
      cachedRun(configuration, prepared, { ...run, netlistImages: 3 }),
      cachedRun(configuration, prepared, { ...run, seed: 2 }),
    ]
    expect(new Set(places).size).toBe(places.length)
    expect(cachedRun(configuration, { ...prepared }, { ...run })).toBe(places[0])
  })
})
