import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { cacheDirectory } from '../../src/tools/cache.ts'
import { needsVerilator } from '../fixtures/tools.ts'

/**
 * LeNet-5 with conv1 mixed by filters and conv2 by kernels, three multipliers in conv2, on every kind of tile: `xgen verify` finds no
 * difference in outputs, registers, cycles and counts. XGEN_FULL=1 has all sizes and kinds with 20 images; else one of them with one image.
 */
const full = process.env['XGEN_FULL'] === '1'
const root = mkdtempSync(join(tmpdir(), 'xgen-mixes-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const multipliers = [
  'conv1[0-2]=roup:p=0,r=5,rounding=asymmetric',
  'conv2[0-15][0]=roup:p=1,r=2',
  'conv2[0-15][1]=trunc:ka=1,kb=1',
]

const kinds: Readonly<Record<string, (size: number) => readonly string[]>> = {
  'a tile a multiplier, passes': () => [],
  'a tile a multiplier, side by side': () => ['array.parallel=true'],
  'run-time modes': () => ['array.modes=true'],
  'run-time modes, side by side': () => ['array.modes=true', 'array.parallel=true'],
  'tiles of several sizes': (size) => [
    `array.tiles.roup:p=1,r=2=${size / 2}x${size}`,
    `array.tiles.trunc:ka=1,kb=1=${(size * 3) / 4}x${size / 2}`,
    `array.tiles.roup:p=0,r=5,rounding=asymmetric=${size / 2}x${size / 2}`,
  ],
  'run-time modes, tiles of several sizes side by side': (size) => [
    'array.modes=true',
    'array.parallel=true',
    `array.tiles.modes=${(size * 3) / 4}x${size}`,
    `array.tiles.trunc:ka=1,kb=1=${size}x${size / 2}`,
  ],
}

const runs = [4, 8, 16].flatMap((size) => Object.keys(kinds).map((kind) => ({ size, kind })))
const chosen = full ? runs : runs.slice(5, 6)

describe('xgen verify of LeNet-5 with mixed layers', () => {
  beforeEach(needsVerilator)

  it.each(chosen)(
    'finds no difference on $size x $size, $kind',
    async ({ size, kind }) => {
      const images = full ? 20 : 1
      const settings = kinds[kind]!(size).flatMap((setting) => ['--set', setting])
      const args = ['verify', '--net', 'lenet5', '--array', `${size}x${size}`, '--images', `${images}`]
      const { stdout, exitCode } = await execa(
        process.execPath,
        [
          ...['--import', 'tsx', 'src/cli/main.ts', ...args, '--json', '--no-progress'],
          ...multipliers.flatMap((multiplier) => ['--mult', multiplier]),
          ...settings,
        ],
        {
          cwd: resolve(import.meta.dirname, '../..'),
          reject: false,
          env: { XGEN_CACHE_DIR: full ? root : cacheDirectory() },
        },
      )
      expect(exitCode, stdout).toBe(0)
      const report = JSON.parse(stdout) as {
        pass: boolean
        images: number
        mismatches: number
        checks: { name: string; compared: number; notRun?: string }[]
        cycles: { model: number; verilator: number }
      }
      expect(report).toMatchObject({ pass: true, images, mismatches: 0 })
      expect(report.checks.filter(({ compared, notRun }) => notRun !== undefined || compared === 0)).toEqual(
        [],
      )
      expect(report.cycles.verilator).toBe(report.cycles.model)
    },
    full ? 1_200_000 : 180_000,
  )
})
