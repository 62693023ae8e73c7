import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tabulatedDesigns } from '../../src/arith/designs.ts'
import { parseDomain } from '../../src/arith/domain.ts'
import { parseMultiplier } from '../../src/arith/registry.ts'
import { XgenError } from '../../src/base/errors.ts'
import { silent } from '../../src/base/progress.ts'
import {
  type MultiplierTable,
  type MultiplierTableOptions,
  multiplierTable,
  tableCsv,
} from '../../src/flow/multiplier-table.ts'
import { hasOsu018 } from '../fixtures/synthesis.ts'

const domain = parseDomain('u4u4')
const specs = [
  'exact:arch=array',
  'exact:arch=booth4',
  'exact',
  'trunc:ka=1,kb=0',
  'trunc:ka=2,kb=2',
  'bam:h=0,v=3',
  'drum:k=3',
]
const designs = specs.map((spec) => parseMultiplier(spec, domain))
let cache: string
beforeAll(() => {
  cache = mkdtempSync(join(tmpdir(), 'xgen-table-'))
})
afterAll(() => rmSync(cache, { recursive: true }))

const options = (more: Partial<MultiplierTableOptions> = {}): MultiplierTableOptions => ({
  library: 'generic',
  script: 'delay',
  pareto: 'mred,area',
  pairs: 1000,
  seed: 1,
  jobs: 2,
  designs,
  cache,
  signal: new AbortController().signal,
  progress: silent,
  ...more,
})
const row = ({ designs: rows }: MultiplierTable, spec: string) => rows.find((design) => design.spec === spec)!
const stages = ['netlists', 'errors', 'cost']
/** When each stage of each design was kept. */
const kept = (directory: string) =>
  new Map(
    stages.flatMap((stage) => {
      const place = join(directory, stage)
      const names = existsSync(place) ? readdirSync(place) : []
      return names.map((name) => [`${stage}/${name}`, statSync(join(place, name)).mtimeMs] as const)
    }),
  )

describe('the table of multipliers', () => {
  it('goes on after an interruption where it was, to the same bytes', async () => {
    const abort = new AbortController()
    const update = (done: number) => {
      if (done === 3) abort.abort(new XgenError('interrupted', 'interrupted'))
    }
    const cut = multiplierTable(
      domain,
      options({ jobs: 1, signal: abort.signal, progress: { ...silent, update } }),
    )
    await expect(cut).rejects.toMatchObject({ kind: 'interrupted' })
    expect(kept(cache).size).toBe(9)

    let note: string | undefined
    const progress = { ...silent, done: (text?: string) => (note = text) }
    const resumed = await multiplierTable(domain, options({ progress }))
    expect(note).toBe('3 of 7 were kept from earlier')
    expect(kept(cache).size).toBe(21)

    const again = await multiplierTable(domain, options({ jobs: 1, progress }))
    expect(note).toBe('7 of 7 were kept from earlier')
    expect(JSON.stringify(again)).toBe(JSON.stringify(resumed))
    expect(tableCsv(again)).toBe(tableCsv(resumed))
  })

  it.each([1, 3])('does no finished stage twice after an interruption of %i at work', async (jobs) => {
    const own = mkdtempSync(join(tmpdir(), 'xgen-table-'))
    try {
      const abort = new AbortController()
      // between stages, wherever that is
      const poll = setInterval(() => {
        if (kept(own).size >= 10) abort.abort(new XgenError('interrupted', 'interrupted'))
      }, 5)
      const cut = multiplierTable(domain, options({ jobs, cache: own, signal: abort.signal }))
      await expect(cut.finally(() => clearInterval(poll))).rejects.toMatchObject({ kind: 'interrupted' })
      const before = kept(own)
      expect(before.size).toBeGreaterThanOrEqual(10)
      expect(before.size).toBeLessThan(21)
      const resumed = await multiplierTable(domain, options({ jobs, cache: own }))
      const after = kept(own)
      expect(after.size).toBe(21)
      for (const [name, time] of before) expect(after.get(name), name).toBe(time)
      expect(JSON.stringify(resumed)).toBe(JSON.stringify(await multiplierTable(domain, options())))
    } finally {
      rmSync(own, { recursive: true })
    }
  })

  it('marks what nothing beats, and compares with the exact designs', async () => {
    const found = await multiplierTable(domain, options())
    expect(found).toMatchObject({
      domain: 'u4u4',
      areaUnit: 'GE',
      delayUnit: 'tau',
      stream: null,
      bestEnergy: null,
    })
    expect(found.designs.map(({ mred }) => mred)).toEqual(
      found.designs.map(({ mred }) => mred).sort((a, b) => a - b),
    )
    const array = row(found, 'exact:arch=array')
    const best = row(found, found.bestArea)
    expect(best.kind).toBe('exact')
    for (const design of found.designs) {
      expect(design.areaToArray).toBeCloseTo((100 * design.area) / array.area, 9)
      expect(design.areaToBest).toBeCloseTo((100 * design.area) / best.area, 9)
      expect(design.pareto).toBe(
        !found.designs.some(
          ({ mred, area }) =>
            mred <= design.mred && area <= design.area && (mred < design.mred || area < design.area),
        ),
      )
    }
    expect(row(found, 'trunc:ka=1,kb=0')).toMatchObject({ kind: 'narrower exact', operands: '3x4' })
    expect(row(found, 'drum:k=3')).toMatchObject({ kind: 'approximate', operands: '4x4', energy: null })
    const [heading, ...lines] = tableCsv(found).trimEnd().split('\n')
    expect(heading).toMatch(/^spec,family,kind,operands,pareto,/)
    expect(lines).toHaveLength(specs.length)
  })

  it.each([
    ['mred', /not two quantities/],
    ['mred,mred', /not two quantities/],
    ['mred,aera', /"aera" is no quantity.*area/],
    ['mred,energy', /generic knows no energies/],
  ])('refuses --pareto %s', async (pareto, message) => {
    await expect(multiplierTable(domain, options({ pareto }))).rejects.toMatchObject({
      kind: 'usage',
      message: expect.stringMatching(message),
      where: '--pareto',
    })
  })
})

describe('the designs of narrow domains', () => {
  it.each(['u2u2', 's3s3', 'u4s7', 's5u3'])('are some in %s, the exact ones among them', (name) => {
    const found = tabulatedDesigns(parseDomain(name)).map(({ spec }) => spec)
    expect(found).toContain('exact:arch=array')
    expect(found.some((spec) => spec.startsWith('trunc:'))).toBe(true)
  })
})

describe('figures that are kept', () => {
  // Where these change, kept figures are old: raise `formats` in src/flow/multiplier-figures.ts with them.
  it.for<[library: string, present: boolean, expected: object]>([
    ['generic', true, { area: 64, cells: 40, delay: 60.3333, energy: null }],
    ['osu018', hasOsu018, { area: 1333, cells: 39, delay: 1.0819178058917878, energy: 1.5641747719312962 }],
  ])('are those of their format, in %s', async ([library, present, expected], { skip }) => {
    if (!present) skip(`not run: no ${library}`)
    const { area, cells, delay, energy, mred } = row(
      await multiplierTable(domain, options({ library, designs: designs.slice(0, 4) })),
      'trunc:ka=1,kb=0',
    )
    expect({ area, cells, delay, energy }).toEqual(expected)
    expect(mred).toBeCloseTo(13.478669, 6)
  })
})
