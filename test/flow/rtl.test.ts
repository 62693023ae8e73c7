import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sha256 } from '../../src/base/hash.ts'
import { type ConfigurationOptions, resolveConfiguration } from '../../src/flow/configuration.ts'
import { prepare } from '../../src/flow/preparation.ts'
import { generate, writeDesign } from '../../src/flow/rtl.ts'

let base: string
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'xgen-rtl-'))
})
afterEach(() => rmSync(base, { recursive: true, force: true }))

function write(directory: string, options: ConfigurationOptions, force = false) {
  const configuration = resolveConfiguration({ net: 'lenet5', environment: {}, ...options })
  const prepared = prepare(configuration)
  return writeDesign(directory, generate(configuration, prepared), configuration, prepared, force)
}

/** Every file of a directory, as one digest. */
function digest(directory: string): string {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort()
  return sha256(
    paths.map((path) => `${path.slice(directory.length)} ${sha256(readFileSync(path))}`).join('\n'),
  )
}

describe('xgen rtl', () => {
  it('writes the same bytes again, into any directory, and from its own run.json', () => {
    const first = join(base, 'a')
    const second = join(base, 'b', 'c')
    const third = join(base, 'd')
    write(first, { array: '4x4', mult: ['conv2=roup:p=1,r=2'] })
    write(second, { array: '4x4', mult: ['conv2=roup:p=1,r=2'] })
    expect(digest(second)).toBe(digest(first))
    const configuration = resolveConfiguration({ config: join(first, 'run.json'), environment: {} })
    const prepared = prepare(configuration)
    writeDesign(third, generate(configuration, prepared), configuration, prepared, false)
    expect(digest(third)).toBe(digest(first))
  })

  it.each([
    [
      'array.modes where no multipliers can share a tile',
      ['conv2=trunc:ka=1,kb=1'],
      'array.modes=true',
      true,
    ],
    ['array.modes where two can', ['conv2=roup:p=1,r=2'], 'array.modes=true', false],
    ['array.parallel where no layer is mixed', ['conv2=trunc:ka=1,kb=1'], 'array.parallel=true', false],
  ])('%s: one way is marked as chosen, and an unused setting is told', (_name, mult, set, unused) => {
    const { alternatives, modesUnused } = write(join(base, 'run'), { array: '4x4', mult, set: [set] })
    expect(alternatives.filter(({ chosen }) => chosen).length).toBe(1)
    expect(modesUnused).toBe(unused)
  })

  it('says which tile runs which layers, cycles and bits', () => {
    const summary = write(join(base, 'run'), {
      array: '16x16',
      mult: ['conv2=roup:p=1,r=2', 'fc*=trunc:ka=1,kb=1'],
    })
    expect(summary.tiles.map(({ multiplier, layers }) => [multiplier, layers])).toEqual([
      ['exact', ['conv1']],
      ['roup:p=1,r=2', ['conv2']],
      ['trunc:ka=1,kb=1', ['fc1', 'fc2', 'fc3']],
    ])
    expect(summary.cycles.layers).toBe(6646)
    const { total, ...parts } = summary.memoryBits
    expect(Object.values(parts).reduce((a, b) => a + b)).toBe(total)
  })

  it('compares one tile a multiplier with run-time modes, by their plans', () => {
    const mult = ['conv1[0-2]=roup:p=1,r=2', 'conv2[0-15][0]=roup:p=2,r=3', 'conv2[0-15][1]=trunc:ka=1,kb=1']
    const of = (set: string[]) => {
      const summary = write(join(base, `run-${set.join()}`), { array: '8x8', mult, set })
      return { summary, chosen: summary.alternatives.filter(({ chosen }) => chosen) }
    }
    const plain = of([])
    expect(plain.summary.alternatives.map(({ modes, parallel, tiles }) => [modes, parallel, tiles])).toEqual([
      [false, false, 4],
      [false, true, 4],
      [true, false, 2],
      [true, true, 2],
    ])
    const [passes, sideBySide, modes, both] = plain.summary.alternatives
    expect([passes!.multipliers, modes!.multipliers]).toEqual([4 * 64, 2 * 64])
    expect(sideBySide!.cycles).toBeLessThan(passes!.cycles)
    expect(modes!.cycles).toBeLessThan(passes!.cycles)
    expect(both!.cycles).toBe(sideBySide!.cycles)
    expect(modes!.memoryBits).toBeLessThanOrEqual(passes!.memoryBits)
    // each is what its own design says of itself
    for (const { summary, chosen } of [
      plain,
      of(['array.parallel=true']),
      of(['array.modes=true']),
      of(['array.modes=true', 'array.parallel=true']),
    ]) {
      expect(chosen).toMatchObject([
        {
          tiles: summary.tiles.length,
          cycles: summary.cycles.inference,
          memoryBits: summary.memoryBits.total,
        },
      ])
      expect(summary.alternatives.map(({ chosen: _, ...rest }) => rest)).toEqual(
        plain.summary.alternatives.map(({ chosen: _, ...rest }) => rest),
      )
    }
    const sized = of(['array.tiles.exact=4x8'])
    expect(sized.summary.alternatives.length).toBe(5)
    expect(sized.summary.tiles.map(({ rows, columns }) => rows * columns)).toEqual([64, 32, 64, 64])
    expect(sized.chosen).toMatchObject([
      { name: 'this design, with its sizes of tiles', multipliers: 4 * 64 - 32 },
    ])
  })

  it('has nothing to compare where there is one multiplier, or none that has a mode', () => {
    expect(write(join(base, 'one'), { array: '4x4' }).alternatives).toEqual([])
    const trunc = write(join(base, 'two'), { array: '4x4', mult: ['conv2=trunc:ka=1,kb=1'] })
    expect(trunc.alternatives.map(({ name }) => name)).toEqual([
      'a tile a multiplier, passes one after another',
    ])
  })

  it('puts no date, host or absolute path into what it writes', () => {
    const directory = join(base, 'run')
    write(directory, { array: '2x2' })
    for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const text = readFileSync(join(entry.parentPath, entry.name), 'latin1')
      expect(text, entry.name).not.toContain(base)
      expect(text, entry.name).not.toContain(process.cwd())
      expect(text, entry.name).not.toMatch(/\b20\d\d-\d\d-\d\d/)
    }
  })

  it('refuses a network that does not fit, with the bits it needs', () => {
    expect(() => write(join(base, 'run'), { set: ['array.memory_bits=100000'] })).toThrow(
      /needs [\d,]+ bits of on-chip memory .*100,000 are allowed/,
    )
    expect(readdirSync(base)).toEqual([])
  })

  it('refuses a directory of another configuration, and a file', () => {
    const directory = join(base, 'run')
    write(directory, { array: '2x2' })
    expect(() => write(directory, { array: '2x3' })).toThrow(/another configuration/)
    write(directory, { array: '2x3' }, true)
    writeFileSync(join(base, 'file'), '')
    expect(() => write(join(base, 'file'), { array: '2x2' })).toThrow(/is a file/)
  })
})
