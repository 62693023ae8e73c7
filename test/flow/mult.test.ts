import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { packageRoot } from '../../src/base/files.ts'
import { decodeNpy } from '../../src/base/npy.ts'
import { silent } from '../../src/base/progress.ts'
import { examineTools, isOlder } from '../../src/flow/doctor.ts'
import {
  isBareFamily,
  listFamilies,
  multiplierMetrics,
  multiplierVerilog,
  parseDomain,
  showMultiplier,
  writeTable,
} from '../../src/flow/mult.ts'
import { truncProduct } from '../oracles/multipliers.ts'

const s8s8 = parseDomain('s8s8')
const directory = mkdtempSync(join(tmpdir(), 'xgen-mult-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** Runs the command line from its sources. */
const xgen = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'src/cli/main.ts', ...args],
    {
      cwd: packageRoot,
      encoding: 'utf8',
    },
  )
  return { status, stdout, stderr }
}

describe('mult', () => {
  it('lists the families with the ranges of the domain', () => {
    const families = listFamilies(parseDomain('u6s11'))
    expect(families.map(({ family }) => family)).toEqual(expect.arrayContaining(['exact', 'roup', 'trunc']))
    const roup = families.find(({ family }) => family === 'roup')!
    expect(roup.parameters.slice(0, 2)).toMatchObject([
      { name: 'p', low: 0, high: 5 },
      { name: 'r', low: 0, high: 5 },
    ])
    expect(['exact', 'roup', 'roup:p=1,r=2', 'trunc'].map(isBareFamily)).toEqual([false, true, false, true])
  })

  it('shows definition, parameters and product', () => {
    expect(showMultiplier('trunc:ka=2,kb=1', s8s8)).toMatchObject({
      family: 'trunc',
      spec: 'trunc:ka=2,kb=1',
      domain: 's8s8',
      id: 'trunc_ka2_kb1_s8s8',
      values: { ka: 2, kb: 1 },
      definition: expect.stringContaining('arithmetic shifts'),
      productBits: 16,
      productSigned: true,
      productRange: [-128 * 126, 128 * 128],
      exact: false,
      zeroExact: true,
      factors: 1,
    })
  })

  it('says where signed operands are multiplied by sign and magnitude, and gives defaults', async () => {
    expect(showMultiplier('drum:k=4', s8s8)).toMatchObject({ signMagnitude: true, factors: 1, details: [] })
    expect(showMultiplier('bam:h=0,v=4', s8s8)).toMatchObject({ signMagnitude: false, factors: 5 })
    const compressor = showMultiplier('compressor:design=2', parseDomain('u8u8'))
    expect(compressor.parameters[1]).toMatchObject({ name: 'columns', low: 0, high: 16, default: 16 })
    const metrics = await multiplierMetrics('etm:s=4', s8s8, { seed: 1, pairs: 1 }, { progress: silent })
    expect(metrics).toMatchObject({ signMagnitude: true, zeroExact: false, pairs: 65536 })
  })

  it('prints the Verilog of one module', () => {
    const text = multiplierVerilog('roup:p=1,r=2', s8s8)
    expect(text).toContain('module mul_roup_p1_r2_s8s8 (')
    expect(text).toContain('output wire [15:0] p')
    expect(text.match(/\bendmodule\b/g)).toHaveLength(1)
  })

  it('writes the table by raw codes', () => {
    const path = join(directory, 'deep', 't.npy')
    expect(writeTable('trunc:ka=1,kb=2', s8s8, path).shape).toEqual([256, 256])
    const { type, shape, data } = decodeNpy(readFileSync(path), path)
    expect([type, shape]).toEqual(['i4', [256, 256]])
    for (const [a, b] of [
      [0, 0],
      [1, 255],
      [128, 128],
      [255, 127],
      [200, 3],
    ] as const) {
      expect(data[a * 256 + b]).toBe(truncProduct((a << 24) >> 24, (b << 24) >> 24, 1, 2) + 0)
    }
    expect(() => writeTable('exact', parseDomain('s9s8'), path)).toThrow('tables go up to 8x8 bits')
    expect(() => writeTable('exact', s8s8, 'other.csv')).toThrow('written as .npy')
  })

  it('measures with the fields that scripts rely on', async () => {
    const metrics = await multiplierMetrics(
      'roup:p=1,r=2',
      s8s8,
      { seed: 1, pairs: 1000 },
      { progress: silent },
    )
    for (const field of [
      'spec',
      'domain',
      'mae',
      'wce',
      'ep',
      'mred',
      'bias',
      'mse',
      'zeroExact',
      'rank',
      'pairs',
      'method',
    ])
      expect(metrics).toHaveProperty(field)
    await expect(
      multiplierMetrics('exact', s8s8, { seed: 1, pairs: 0 }, { progress: silent }),
    ).rejects.toThrow('--pairs must be a whole number')
  })

  it('stops measuring where it is told to', async () => {
    const abort = new AbortController()
    const stopping = { ...silent, update: () => abort.abort(new Error('stopped')) }
    const endless = { seed: 1, pairs: 2 ** 32 }
    const measured = multiplierMetrics('exact', parseDomain('s16s16'), endless, {
      progress: stopping,
      signal: abort.signal,
    })
    await expect(measured).rejects.toThrow('stopped')
  })
})

describe('the command line', () => {
  it('prints metrics as one JSON object', () => {
    const { status, stdout } = xgen('mult', 'metrics', 'trunc:ka=2,kb=2', '--json')
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      spec: 'trunc:ka=2,kb=2',
      domain: 's8s8',
      wce: 759,
      pairs: 65536,
      method: 'exhaustive',
    })
  })

  it('refuses an unknown family with the remedy', () => {
    const { status, stdout, stderr } = xgen('mult', 'show', 'trunk:ka=1')
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toContain('"trunk" is no multiplier family. Did you mean "trunc"?')
  })
})

describe('doctor', () => {
  it('finds node and says what the others need', async () => {
    const report = await examineTools()
    const node = report.tools.find(({ name }) => name === 'node')!
    expect(node).toMatchObject({ required: true, status: 'ok', version: process.versions.node })
    expect(report.tools.find(({ name }) => name === '@yowasp/yosys')).toMatchObject({
      status: 'ok',
      version: '0.55',
    })
    for (const { status, version, install } of report.tools) {
      expect(version === null).toBe(status === 'missing')
      expect(install === null).toBe(status === 'ok')
    }
    expect(report.ok).toBe(report.tools.every(({ required, status }) => !required || status === 'ok'))
  })

  it('gives the line that installs what is missing, and exit code 3', () => {
    // With an empty search path nothing but node and what comes with xgen is found.
    const { status, stdout } = spawnSync(
      process.execPath,
      ['--import', 'tsx', 'src/cli/main.ts', 'doctor', '--json'],
      {
        cwd: packageRoot,
        encoding: 'utf8',
        env: { ...process.env, PATH: directory },
      },
    )
    expect(status).toBe(3)
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({ ok: false })
    expect(report.apt).toMatch(/^apt-get install -y --no-install-recommends verilator g\+\+ make /)
  })

  it.each([
    ['5.006', '5.006', false],
    ['5.020', '5.006', false],
    ['4.228', '5.006', true],
    ['20.9.0', '20.19', true],
    ['11', '11.0', false],
  ])('version %s against %s', (version, minimum, older) => {
    expect(isOlder(version, minimum)).toBe(older)
  })
})
