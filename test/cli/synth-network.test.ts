import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../src/base/files.ts'
import { hasOsu018 } from '../fixtures/synthesis.ts'

const root = mkdtempSync(join(tmpdir(), "xgen synth's net "))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const cache = join(root, 'cache')
mkdirSync(cache)
writeFileSync(
  join(root, 'net.yaml'),
  'name: least\ninput: { shape: [1, 2, 2] }\nlayers:\n  - { kind: conv2d, name: conv, filters: 1, kernel: 1 }\n',
)
const few = ['--set', 'quant.weights=2', '--set', 'quant.activations=2', '--interface', 'native']
const design = ['--net', 'net.yaml', '--weights', 'seeded', '--array', '1x1', ...few]

const xgen = (...args: string[]) =>
  execa('node', ['--import', import.meta.resolve('tsx'), join(packageRoot, 'src/cli/main.ts'), ...args], {
    cwd: root,
    reject: false,
    env: { XGEN_CACHE_DIR: cache, XGEN_DATA_DIR: join(root, 'none') },
  })

/** What a directory holds, by name: the bytes of text, or when a file was written. */
const listed = (directory: string, of: (file: string) => unknown) =>
  Object.fromEntries(
    readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .map((name) => join(directory, name))
      .filter((file) => statSync(file).isFile())
      .map((file) => [file, of(file)]),
  )
const contents = (file: string) => readFileSync(file, 'latin1')
const written = (file: string) => statSync(file).mtimeMs

const lib = hasOsu018 ? 'osu018' : 'generic'
const synth = ['synth', ...design, '--lib', lib, '--no-baselines', '--samples', '1', '--out', 'run', '--json']

describe('xgen synth of a network', () => {
  test('prints figures, leaves a run that can be reported, and does nothing twice', async () => {
    const first = await xgen(...synth)
    expect(first.exitCode, first.stderr).toBe(0)
    const report = JSON.parse(first.stdout) as Record<string, unknown>
    expect(report).toMatchObject({
      target: 'least',
      library: lib,
      engine: expect.stringMatching(/^Yosys /),
      area: expect.any(Number),
      areaUnit: hasOsu018 ? 'um2' : 'GE',
      cells: expect.any(Number),
      directory: 'run',
    })
    if (hasOsu018) {
      const { total, internal, switching, leakage, memories } = report['energyPj'] as Record<string, number>
      expect(internal! + switching! + leakage! + memories!).toBeCloseTo(total!, 3)
      expect(report['delayNs']).toBeGreaterThan(0)
      expect(report['stream']).toBe('one inference, synthetic digits')
    } else expect(report).toMatchObject({ energyPj: null, delayNs: null, stream: null })
    expect(readdirSync(join(root, 'run'))).toEqual(
      expect.arrayContaining(['run.json', 'synth.json', 'metrics.json', 'rtl']),
    )

    const [files, mapped] = [listed(join(root, 'run'), contents), listed(cache, written)]
    expect(Object.keys(mapped).length).toBeGreaterThan(0)
    const second = await xgen(...synth)
    expect(second.stdout).toBe(first.stdout)
    expect(listed(join(root, 'run'), contents)).toEqual(files)
    expect(listed(cache, written)).toEqual(mapped)

    const page = await xgen('report', 'run', '--json')
    expect(page.exitCode, page.stderr).toBe(0)
    expect(JSON.parse(page.stdout)).toMatchObject({
      net: 'least',
      files: expect.arrayContaining(['report.html']),
    })
    const other = await xgen(...synth, '--script', 'area')
    expect(other.exitCode).toBe(2)
    expect(JSON.parse(other.stdout)).toMatchObject({
      error: { kind: 'usage', message: expect.stringContaining('belongs to another configuration') },
    })
  }, 600_000)

  test.each([
    [['--mult', 'exact', '--array', '2x2'], 'accelerator, with --net'],
    [[...design, '--domain', 's8s8'], 'multiplier alone, without --net'],
    [[...design, '--samples', '0'], '--samples: 0 is given'],
    [[...design, '--dataflow', '=auto'], 'names no layer before'],
  ])(
    '%j is refused',
    async (args, message) => {
      const { exitCode, stderr } = await xgen('synth', ...args)
      expect(exitCode).toBe(2)
      expect(stderr).toContain(message)
    },
    60_000,
  )
})
