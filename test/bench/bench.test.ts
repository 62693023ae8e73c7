import { hostname } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { describe, expect, test } from 'vitest'
import { extensionsOf } from '../../bench/machine.ts'

const bench = join(import.meta.dirname, '../../scripts/bench')

describe('scripts/bench', () => {
  test('measures everything in a quick run: tables for people, JSON for programs', async () => {
    const { stdout, stderr } = await execa(bench, ['--quick'])
    const result = JSON.parse(stdout)
    expect(stderr).toContain('convolution 32x32 3-16, 3x3, 4 images, 1 thread')
    expect(stderr).toContain('lenet5, 4 images at once, 1 thread')
    const entrants = [...result.convolutions, ...result.notRun].map((one: { entrant: string }) => one.entrant)
    expect([...new Set(entrants)].sort()).toEqual([
      'cpp-exact',
      'cpp-table',
      'js-table',
      'kernel-exact',
      'kernel-mixed',
      'kernel-rank-1',
      'kernel-table',
      'kernel-wide',
      'wasm-table',
      'xgen-exact',
      'xgen-rank-1',
      'xgen-table',
      'xgen-wide',
    ])
    const choices = ['exact', 'rank-1', 'table', 'mixed']
    expect(result.networks.map(({ choice }: { choice: string }) => choice)).toEqual([...choices, ...choices])
    expect(result.growth.map(({ by }: { by: string }) => by)).toEqual([
      'images',
      'threads',
      'channels',
      'channels',
    ])
    expect(result.footprint.memory).toMatchObject([{ network: 'lenet5', choice: 'table', images: 16 }])
    expect(result.footprint.memory[0].peakMegabytes).toBeGreaterThan(30)
    expect(result.bars.length).toBeGreaterThan(3)
    expect(result.machine.gigahertz).toBeGreaterThan(0.1)
    expect(stdout + stderr).not.toContain(hostname())
  })

  test.each([
    [['--only', 'speed'], '"speed" is no part of the benchmark'],
    [['--threads', '0'], '"0" is no number from 1 to 999'],
    [['--fast'], "Unknown option '--fast'"],
  ])('refuses %j', async (words, message) => {
    const { exitCode, stderr, stdout } = await execa(bench, words, { reject: false })
    expect(exitCode).toBe(2)
    expect(stderr).toContain(message)
    expect(stdout).toBe('')
  })
})

describe('the machine', () => {
  test('has the SIMD extensions of its processor', () => {
    expect(extensionsOf('processor : 0\nflags\t\t: fpu sse2 sse4_2 avx avx2 avx512f amx_int8\n')).toEqual([
      'sse4_2',
      'avx',
      'avx2',
      'avx512f',
      'amx_int8',
    ])
    expect(extensionsOf('Features\t: fp asimd asimddp sve crc32\n')).toEqual(['asimd', 'asimddp', 'sve'])
    expect(extensionsOf('')).toEqual([])
  })
})
