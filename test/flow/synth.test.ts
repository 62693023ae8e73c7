import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseDomain } from '../../src/arith/domain.ts'
import { encodeNpy } from '../../src/base/npy.ts'
import { silent } from '../../src/base/progress.ts'
import { type SynthOptions, synthesiseMultiplier } from '../../src/flow/synth.ts'
import { genericLibrary } from '../../src/synth/generic.ts'
import { hasOsu018 } from '../fixtures/synthesis.ts'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "xgen synth's "))
  process.env['XGEN_CACHE_DIR'] = join(directory, 'cache')
})
afterAll(() => {
  delete process.env['XGEN_CACHE_DIR']
  rmSync(directory, { recursive: true })
})

const options: SynthOptions = {
  library: 'generic',
  script: 'delay',
  stream: 'uniform',
  operations: 200,
  seed: 1,
  zeroDelay: false,
  period: 5,
  signal: new AbortController().signal,
  progress: silent,
}
const s4s4 = parseDomain('s4s4')
const run = (more: Partial<SynthOptions>) => synthesiseMultiplier('exact', s4s4, { ...options, ...more })

describe('a multiplier in cells', () => {
  it('has gate equivalents where no library is installed, and no joules', async () => {
    const report = await run({})
    expect(report).toMatchObject({
      target: 'exact',
      domain: 's4s4',
      library: 'generic',
      areaUnit: 'GE',
      delayNs: null,
      delay: { unit: 'tau', sta: null },
      energyPj: null,
      stream: null,
    })
    expect(report.area).toBeGreaterThan(0)
    expect(report.histogram.reduce((sum, { count }) => sum + count, 0)).toBe(report.cells)
  })

  it('comes out of a library of the user’s, whatever its path', async () => {
    const file = join(directory, 'my "cells".lib')
    writeFileSync(file, genericLibrary())
    expect((await run({ library: file })).area).toBe((await run({})).area)
  })

  it.runIf(hasOsu018)('takes energy by the operands that it gets', async () => {
    const write = (name: string, pairs: readonly number[]) => {
      const file = join(directory, name)
      writeFileSync(
        file,
        encodeNpy({ type: 'i1', shape: [pairs.length / 2, 2], data: Int8Array.from(pairs) }),
      )
      return file
    }
    const quiet = write('quiet.npy', [3, -2, 3, -2, 3, -1])
    const busy = write('busy.npy', [-8, 7, 7, -8, -8, 7])
    const [uniform, few, many, settled] = [
      await run({ library: 'osu018' }),
      await run({ library: 'osu018', stream: quiet }),
      await run({ library: 'osu018', stream: busy }),
      await run({ library: 'osu018', zeroDelay: true }),
    ]
    expect(uniform).toMatchObject({
      method: 'events',
      stream: 'uniform, 200 operations, seed 1',
      areaUnit: 'um2',
    })
    expect(settled.method).toBe('zero-delay')
    expect(few.stream).toBe(`${quiet}, 3 operations`)
    const pj = (report: typeof uniform) => report.energyPj!.total
    expect(pj(few)).toBeLessThan(pj(many))
    expect(pj(settled)).toBeLessThan(pj(uniform))
    expect(await run({ library: 'osu018' })).toEqual(uniform)
  })
})

describe('what is refused', () => {
  const file = (name: string, contents: string | Uint8Array) => {
    const path = join(directory, name)
    writeFileSync(path, contents)
    return path
  }
  const npy = (shape: readonly number[], values: readonly number[]) =>
    encodeNpy({ type: 'i2', shape, data: Int16Array.from(values) })

  it.each([
    ['a script', () => ({ script: 'dely' }), 'usage', 'Did you mean "delay"?'],
    ['a number of operations', () => ({ operations: 1 }), 'usage', 'a whole number from 2'],
    ['a period', () => ({ period: 0 }), 'usage', 'above 0 ns'],
    ['wires', () => ({ wires: 'non' }), 'usage', 'Did you mean "none"?'],
    ['a library', () => ({ library: 'none.lib' }), 'data', 'does not exist'],
    [
      'a broken library',
      () => ({ library: file('broken.lib', 'library (x) { cell (') }),
      'data',
      'ends inside',
    ],
    ['a missing stream', () => ({ stream: 'none.npy' }), 'data', 'does not exist'],
    [
      'a stream of triples',
      () => ({ stream: file('t.npy', npy([1, 3], [1, 2, 3])) }),
      'data',
      'shape (n, 2)',
    ],
    ['a stream of one', () => ({ stream: file('o.npy', npy([1, 2], [1, 2])) }), 'data', 'has 1 pairs'],
    [
      'an operand',
      () => ({ stream: file('w.npy', npy([2, 2], [1, 2, 8, 2])) }),
      'data',
      'pair 1 has the operand 8',
    ],
    ['a Yosys', () => ({ yosys: '/nowhere/yosys' }), 'tool-missing', 'Yosys'],
  ])('%s', async (_, more, kind, message) => {
    await expect(run(more())).rejects.toMatchObject({ kind, message: expect.stringContaining(message) })
  })
})
