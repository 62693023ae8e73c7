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
import type { VerifyReport } from '../../src/flow/verify.ts'
import { cacheDirectory } from '../../testbench/cache.ts'
import { eventually, processesIn } from '../fixtures/processes.ts'
import { needsVerilator } from '../fixtures/tools.ts'

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
    ])
    expect(report.checks.every(({ compared, mismatches }) => compared > 0 && mismatches === 0)).toBe(true)
    expect(report.compared).toBe(report.checks.reduce((sum, { compared }) => sum + compared, 0))
    expect(report.cycles.verilator).toBe(report.cycles.model)
    expect(report.source).toMatch(/mnist test set|synthetic digits/)
    expect(readFileSync(join(out, 'results.xml'), 'utf8')).toContain(
      'tests="5" failures="0" errors="0" skipped="0"',
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
