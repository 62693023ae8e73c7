import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silent } from '../../src/base/progress.ts'
import { writeRunDirectory } from '../../src/emit/run-directory.ts'
import { addUp } from '../../src/flow/accelerator/blocks.ts'
import { type AcceleratorCost, measureAccelerator } from '../../src/flow/accelerator/cost.ts'
import { synthesisMetrics } from '../../src/flow/accelerator/metrics.ts'
import { readSynthesis, type StoredSynthesis, writeSynthesis } from '../../src/flow/accelerator/stored.ts'
import { resolveConfiguration } from '../../src/flow/configuration.ts'
import { directionOf } from '../../src/flow/metrics.ts'
import { prepare } from '../../src/flow/preparation.ts'
import { reportRun } from '../../src/flow/report.ts'
import { writeAccuracy } from '../../src/flow/run-accuracy.ts'
import { openLibrary } from '../../src/synth/libraries.ts'
import { technologyOf } from '../../src/synth/memory-model.ts'
import { openYosys } from '../../src/tools/yosys.ts'
import { hasBrowser, visit } from '../fixtures/browser.ts'
import { hasOsu018 } from '../fixtures/synthesis.ts'

const full = process.env['XGEN_FULL'] === '1'
let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'xgen-accelerator-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const configure = (...set: string[]) => resolveConfiguration({ net: 'lenet5', environment: {}, set })

const parts = addUp([])
const cost: AcceleratorCost = {
  net: 'small <b>',
  plan: 'p'.repeat(64),
  array: '2x2',
  dataflow: 'weight-stationary',
  interface: 'native',
  multipliers: [{ layer: 'conv', specs: ['roup:p=1,r=2'] }],
  library: 'osu018',
  engine: 'Yosys 0.55',
  script: 'delay',
  areaUnit: 'um2',
  wires: null,
  technology: { node: 180, voltage: 1.8 },
  cycles: 123,
  periodNs: 5,
  longestPath: { module: 'pe', delay: 3.5, unit: 'ns' },
  area: {
    modules: [{ module: 'pe', block: 'PEs', instances: 4, cells: 10, area: 250, delay: 3.5 }],
    memories: [
      { module: 'bank', name: 'codes', words: 100, width: 8, instances: 2, kind: 'sram', area: 300 },
    ],
    blocks: { ...parts, PEs: 1000, memories: 600 },
    logic: 1000,
    total: 1600,
  },
  energy: {
    stream: 'one inference, synthetic digits',
    windows: [{ name: 'conv', cycles: 123, blocks: { ...parts, PEs: 5000, memories: 700 } }],
    modules: [
      {
        module: 'pe',
        block: 'PEs',
        instances: 4,
        samples: 2,
        total: 5000,
        standardError: 100,
        parts: { internal: 3000, switching: 1900, leakage: 100 },
      },
    ],
    memories: [{ module: 'bank', name: 'codes', reads: 70, writes: 10, total: 700 }],
    blocks: { ...parts, PEs: 5000, memories: 700 },
    total: 5700,
    standardError: 100,
    outside: { bytes: 40, total: 9000 },
  },
  multiplications: [{ spec: 'roup:p=1,r=2', count: 300, each: 10, total: 3000 }],
}
const synth = { liberty: 'osu018', script: 'delay', clock_ns: 5 } as const
const stored: StoredSynthesis = {
  request: { synth, libraryHash: 'e'.repeat(64), wires: null, samples: 2, seed: 7 },
  design: cost,
  baselines: [{ ...cost, name: 'plain exact', area: { ...cost.area, logic: 2000 } }],
  errors: [{ title: 'roup:p=1,r=2 (s8s8)', rows: [-128, 0], columns: [-128, 0], values: [0, 1, 2, 3] }],
}

describe('metrics of a synthesis', () => {
  it('have the units and names of docs/metrics.md', () => {
    const found = synthesisMetrics(cost)
    expect(found).toMatchObject({
      design__instance__area: 1600,
      design__instance__area__stdcell: 1000,
      design__instance__area__macros: 600,
      'design__instance__area__class:PEs': 1000,
      'design__instance__area__class:memories': 600,
      design__instance__count: 40,
      energy__inference: 5700,
      'energy__inference__class:PEs': 5000,
      timing__path__delay: 3.5,
      timing__setup__ws: 1.5,
    })
    // 5,700 pJ in 123 cycles of 5 ns
    expect(found['power__total']).toBeCloseTo(5700e-12 / (123 * 5e-9), 12)
    const parts = ['internal__total', 'switching__total', 'leakage__total', 'macros__total']
    expect(parts.reduce((sum, part) => sum + found[`power__${part}`]!, 0)).toBeCloseTo(
      found['power__total']!,
      12,
    )
    expect(directionOf('timing__path__delay')).toBe('lower')
    expect(directionOf('timing__setup__ws')).toBe('higher')
    const documented = readFileSync('docs/metrics.md', 'utf8')
    for (const name of Object.keys(found)) {
      const [total, part] = name.split('__class:')
      expect(documented, name).toContain(
        part === undefined ? total!.replace(/^.*?(__macros)$/, '$1') : `\`${part}\``,
      )
    }
  })

  it('are absent where the library does not know them', () => {
    const { 'design__instance__area__class:PEs': pes, ...found } = synthesisMetrics({
      ...cost,
      longestPath: { module: 'pe', delay: 9, unit: 'tau' },
      technology: null,
      area: {
        ...cost.area,
        memories: cost.area.memories.map((memory) => ({ ...memory, kind: null, area: null })),
        blocks: { ...cost.area.blocks, memories: 0 },
        total: 1000,
      },
      energy: null,
    })
    expect(pes).toBe(1000)
    expect(found).toEqual({
      design__instance__area: 1000,
      design__instance__area__stdcell: 1000,
      design__instance__count: 40,
      timing__path__delay: 9,
    })
  })
})

describe('the report of a run', () => {
  it('shows what synthesis left there, and what verification did', async () => {
    const run = join(directory, 'a run')
    writeSynthesis(run, stored)
    writeFileSync(
      join(run, 'metrics.json'),
      '{"verify__mismatch__count": 0, "verify__compared__count": 1234567}',
    )
    const { files } = await reportRun(run)
    expect(files).toContain('report.html')
    expect(files).toContain('plots/area-blocks.csv')
    const markdown = readFileSync(join(run, 'report', 'report.md'), 'utf8')
    expect(markdown).toContain('| area of logic, um2 | 1,000 | 2,000 | 50.0 % |')
    expect(markdown).toContain('| energy of an inference, nJ | 5.7 | 5.7 | 100.0 % |')
    expect(markdown).toContain('| latency of an inference at 5 ns a cycle, us | 0.615 | 0.615 | 100.0 % |')
    expect(markdown).toContain('| longest path, ns | 3.5 | 3.5 | 100.0 % |')
    expect(markdown).toContain('is met before layout: the longest path takes 3.5 ns, in pe.')
    expect(markdown).toContain('| values compared | 1,234,567 |')
    expect(markdown).toContain('the gates of up to 2 instances, drawn with seed 7')
    expect(markdown).toContain(`the library osu018, SHA-256 ${'e'.repeat(64)}`)
    const html = readFileSync(join(run, 'report', 'report.html'), 'utf8')
    expect(html.length).toBeLessThan(3_000_000)
    await reportRun(run)
    expect(readFileSync(join(run, 'report', 'report.html'), 'utf8')).toBe(html)
    if (!hasBrowser) return
    const { text, pictures, ...seen } = await visit(join(run, 'report', 'report.html'))
    expect(seen).toEqual({ complaints: [], dead: [], empty: 0, overflows: false })
    expect(pictures).toBe(4)
    expect(text).toContain('small <b> on 2x2 PEs')
  })

  it('shows the accuracy beside that of exact multipliers, whose baselines have it', async () => {
    const run = join(directory, 'evaluated')
    const [plain] = stored.baselines
    const exactly = { ...plain!, multipliers: [{ layer: 'conv', specs: ['exact:arch=booth4'] }] }
    const narrower = {
      ...plain!,
      name: 'narrower',
      multipliers: [{ layer: 'conv', specs: ['trunc:ka=2,kb=2'] }],
    }
    writeSynthesis(run, { ...stored, baselines: [exactly, narrower] })
    const exact = { top1: 0.9875, top5: 1, interval: [0.98, 0.99] } as const
    const measured = { plan: cost.plan, data: 'mnist', images: 1000, top1: 0.79, top5: 0.95 }
    writeAccuracy(run, { ...measured, interval: [0.77, 0.81], exact })
    await reportRun(run)
    const markdown = readFileSync(join(run, 'report', 'report.md'), 'utf8')
    expect(markdown).toMatch(/\| accuracy, top-1 \| 79.00 % \| 98.75 % \| 80.0 % \| +\| +\|/)
    expect(markdown).toContain('| this design | 79.00 % | 77.00 % to 81.00 % | 95.00 % |')
    expect(markdown).toContain('| exact multipliers | 98.75 % | 98.00 % to 99.00 % | 100.00 % |')
    expect(markdown).toContain('on 1,000 test images of mnist')

    writeAccuracy(run, { ...measured, interval: [0.77, 0.81], exact: null })
    await reportRun(run)
    const alone = readFileSync(join(run, 'report', 'report.md'), 'utf8')
    expect(alone).toContain('| exact multipliers | 79.00 % | 77.00 % to 81.00 % | 95.00 % |')

    writeAccuracy(run, { ...measured, plan: 'q'.repeat(64), interval: [0.77, 0.81], exact })
    await expect(reportRun(run)).rejects.toMatchObject({
      kind: 'data',
      message: 'is the accuracy of another design than the one that stands there',
    })
  })

  it.each([
    [
      { module: 'sequencer', delay: 62, unit: 'ns' },
      'IS NOT MET: the longest path takes 62 ns, in sequencer',
    ],
    [{ module: 'sequencer', delay: 62, unit: 'tau' }, 'Clock: not judged'],
  ] as const)('says plainly where the clock is not met (%o)', async (longestPath, verdict) => {
    const run = join(directory, `slow ${longestPath.unit}`)
    writeSynthesis(run, { ...stored, design: { ...cost, longestPath } })
    await reportRun(run)
    const markdown = readFileSync(join(run, 'report', 'report.md'), 'utf8')
    expect(markdown).toContain(verdict)
    if (longestPath.unit === 'ns') expect(markdown).toContain('an inference takes 7.626 us')
  })

  it('says what is not known', async () => {
    const run = join(directory, 'little')
    const little: AcceleratorCost = {
      ...cost,
      technology: null,
      energy: null,
      multiplications: null,
      area: {
        ...cost.area,
        total: 1000,
        memories: cost.area.memories.map((memory) => ({ ...memory, kind: null, area: null })),
      },
    }
    writeSynthesis(run, { ...stored, design: little, baselines: [], errors: [] })
    await reportRun(run)
    const markdown = readFileSync(join(run, 'report', 'report.md'), 'utf8')
    expect(markdown).toContain('Not measured: the library osu018 knows no energies')
    expect(markdown).toContain('Verification: no result stands in metrics.json')
    expect(markdown).toContain('memories cannot be estimated')
    expect(markdown).toContain('Accuracy: not measured. xgen eval --out writes it.')
    expect(markdown).not.toContain('NaN')
  })

  it('gives no standard error where one instance stands for others', async () => {
    const run = join(directory, 'lone')
    const lone = { ...cost.energy!.modules[0]!, samples: 1, standardError: 0 }
    const energy = { ...cost.energy!, modules: [lone], standardError: 0 }
    writeSynthesis(run, { ...stored, design: { ...cost, energy } })
    await reportRun(run)
    const markdown = readFileSync(join(run, 'report', 'report.md'), 'utf8')
    expect(markdown).toContain('is not known: of some modules, one instance alone was simulated')
    expect(markdown).not.toContain('total is 0 nJ')
  })

  it('refuses the figures of another design than the one that stands there', async () => {
    const run = join(directory, 'replaced')
    const record = { xgen: '0', command: 'rtl', configuration: { synth }, inputs: {} }
    writeRunDirectory(run, new Map(), { ...record, plan: cost.plan }, false)
    writeSynthesis(run, stored)
    await expect(reportRun(run)).resolves.toMatchObject({ net: cost.net })
    writeRunDirectory(run, new Map(), { ...record, plan: 'q'.repeat(64) }, false)
    await expect(reportRun(run)).rejects.toMatchObject({
      kind: 'data',
      message: 'another design stands there than the one that was measured',
    })
  })

  it.each([
    [{ ...synth, liberty: 'generic' }, 'synth.liberty is generic in run.json, and was osu018 when'],
    [{ ...synth, clock_ns: 4 }, 'synth.clock_ns is 4 in run.json, and was 5 when'],
    [{ ...synth, node_nm: 65 }, 'synth.node_nm is 65 in run.json, and was unset when'],
  ])('refuses figures of other options than %j, which run.json has', async (asked, message) => {
    const run = join(directory, `options ${JSON.stringify(asked)}`)
    const record = { xgen: '0', command: 'rtl', configuration: { synth: asked }, inputs: {} }
    writeRunDirectory(run, new Map(), { ...record, plan: cost.plan }, false)
    writeSynthesis(run, stored)
    await expect(reportRun(run)).rejects.toMatchObject({
      kind: 'data',
      message: expect.stringContaining(message),
      hint: expect.stringContaining('xgen synth --config'),
    })
  })

  it('refuses what is not there, cut off or changed', async () => {
    await expect(reportRun(join(directory, 'none'))).rejects.toMatchObject({
      kind: 'data',
      message: 'there is no such directory',
    })
    const run = join(directory, 'changed')
    writeSynthesis(run, stored)
    const file = join(run, 'synth.json')
    const text = readFileSync(file, 'utf8')
    for (const bad of [text.slice(0, 500), text.replace('1600', '1500'), '[]', 'null', '{}']) {
      writeFileSync(file, bad)
      await expect(reportRun(run), bad.slice(0, 20)).rejects.toMatchObject({ kind: 'data' })
    }
    writeFileSync(file, text.replace(/xgen-synthesis-\d+/, 'xgen-synthesis-1'))
    await expect(reportRun(run)).rejects.toMatchObject({
      message: expect.stringMatching(/^was written by another version of xgen \(xgen-synthesis-1; /),
    })
    writeFileSync(file, text)
    expect(readSynthesis(run)).toEqual(stored)
    for (const bad of ['null', '[1', '{"verify__mismatch__count": "0"}']) {
      writeFileSync(join(run, 'metrics.json'), bad)
      await expect(reportRun(run), bad).rejects.toMatchObject({ kind: 'data' })
    }
  })
})

describe.skipIf(!full || !hasOsu018)('a measured accelerator (full suite, with qflow-tech-osu018)', () => {
  it.each(['weight-stationary', 'row-stationary'])(
    '%s: parts add up, and twice is the same',
    async (dataflow) => {
      const configuration = configure(
        `array.dataflow=${dataflow}`,
        'array.rows=5',
        'array.cols=4',
        'interface=native',
      )
      const prepared = prepare(configuration)
      const library = await openLibrary('osu018', { data: '/nowhere' })
      const measure = () =>
        measureAccelerator(configuration, prepared, {
          library,
          technology: technologyOf(library),
          jobs: 2,
          samples: 2,
          seed: 1,
          period: 5,
          progress: silent,
          script: 'delay',
          yosys: openYosys(),
          signal: new AbortController().signal,
          cache: directory,
        })
      const measured = await measure()
      const { area, energy } = measured
      const sum = (amounts: readonly number[]) => amounts.reduce((total, amount) => total + amount, 0)
      expect(sum(Object.values(area.blocks))).toBeCloseTo(area.total, 3)
      expect(sum(energy!.windows.map(({ blocks }) => sum(Object.values(blocks))))).toBeCloseTo(
        energy!.total,
        3,
      )
      expect(
        sum(energy!.modules.map(({ total }) => total)) + sum(energy!.memories.map(({ total }) => total)),
      ).toBeCloseTo(energy!.total, 3)
      expect(sum(energy!.windows.map(({ cycles }) => cycles))).toBe(measured.cycles)
      expect(await measure()).toEqual(measured)
    },
    1_800_000,
  )
})
