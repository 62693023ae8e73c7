import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { XgenError } from '../../src/base/errors.ts'
import { silent } from '../../src/base/progress.ts'
import { acceleratorFiles } from '../../src/emit/accelerator-files.ts'
import type { ArraySpec } from '../../src/plan/array.ts'
import { planCounts } from '../../src/plan/counts.ts'
import { makePlan } from '../../src/plan/make.ts'
import type { InterfaceName } from '../../src/plan/names.ts'
import { openYosys } from '../../src/tools/yosys.ts'
import { type CountingRun, countDesign, type YosysChoice } from '../../testbench/counts.ts'
import { yosysTally } from '../../testbench/yosys-counts.ts'
import { type NetworkSketch, sketchAssignment, sketchGraph } from '../fixtures/qgraph.ts'
import { mixedSketches, sketches } from '../fixtures/sketches.ts'
import { onArrays } from '../fixtures/tile-sizes.ts'
import { hasYosys } from '../fixtures/tools.ts'
import { twoLayers, verificationOf } from '../fixtures/verification.ts'

const root = mkdtempSync(join(tmpdir(), 'xgen-yosys-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const { signal } = new AbortController()

function runOf(sketch: NetworkSketch, array: ArraySpec, interfaceName: InterfaceName): CountingRun {
  const graph = sketchGraph(sketch)
  const reload = interfaceName === 'axi'
  const { plan, images } = makePlan(graph, sketchAssignment(sketch, graph), array, { reload })
  const { top, files } = acceleratorFiles(plan, images, 'test', interfaceName)
  const below = (directory: string) =>
    new Map(
      [...files].flatMap(([path, text]) =>
        path.startsWith(directory) ? [[path.slice(directory.length), text]] : [],
      ),
    )
  return {
    plan,
    top,
    interfaceName,
    verilog: below('rtl/'),
    memories: below('mem/'),
    yosys: { kind: 'package' },
    signal,
    progress: silent,
  }
}

const small: CountingRun = {
  ...verificationOf(twoLayers, { rows: 2, columns: 2 }),
  interfaceName: 'native',
  yosys: { kind: 'package' },
}

/** The same run with one text exchanged in a file of its Verilog. */
function edited(file: string, from: string, to: string): CountingRun {
  const text = small.verilog.get(file)!
  expect(text).toContain(from)
  return { ...small, verilog: new Map(small.verilog).set(file, text.replace(from, to)) }
}

describe('Yosys on the printed Verilog', () => {
  const full = process.env['XGEN_FULL'] === '1'
  const kinds: [string, fc.Arbitrary<NetworkSketch>, InterfaceName][] = [
    ['one tile a layer', sketches, 'native'],
    ['layers mixed by filter and kernel', mixedSketches, 'native'],
    ['weights loaded over AXI', mixedSketches, 'axi'],
  ]
  const patience = { timeout: full ? 1_800_000 : 300_000 }
  const agree = (yosys: YosysChoice, [, networks, interfaceName]: (typeof kinds)[number], numRuns: number) =>
    fc.assert(
      fc.asyncProperty(onArrays(networks), async ([sketch, array]) => {
        const { checks, version } = await countDesign({ ...runOf(sketch, array, interfaceName), yosys })
        expect(version).toMatch(/^Yosys \d/)
        expect(checks.map(({ mismatches, notRun }) => [mismatches, notRun])).toEqual([
          [0, undefined],
          [0, undefined],
        ])
        expect(checks.every(({ compared }) => compared > 50)).toBe(true)
      }),
      { numRuns, seed: 2 },
    )

  it.for(kinds)('counts in random designs what plan and netlist count: %s', patience, async (kind) => {
    await agree({ kind: 'package' }, kind, full ? 40 : 2)
  })

  it.for(kinds)('counts so as a program, too: %s', patience, async (kind, context) => {
    if (!hasYosys) context.skip('not run: no yosys')
    await agree({ kind: 'program', path: 'yosys' }, kind, full ? 200 : 10)
  })

  it('a native Yosys counts the same', async (context) => {
    if (!hasYosys) context.skip('not run: no yosys')
    const [packaged, native] = await Promise.all(
      [undefined, 'yosys'].map((path) =>
        yosysTally(openYosys(path), { ...small, top: small.top.name }, signal),
      ),
    )
    expect(native!.tally).toEqual(packaged!.tally)
  })

  it.each([
    [
      'an adder',
      'output_writer.v',
      'lanes_left - ',
      "lanes_left - 1'd1 - ",
      'control adders of output_writer: plan 5, netlist 5, Yosys 6',
    ],
    [
      'a multiplier',
      'pe_exact_s8s8.v',
      '.b(weight)',
      '.b(weight * weight)',
      'requantiser multiplications of pe_exact_s8s8: plan 0, netlist 0, Yosys 1',
    ],
    [
      'a register bit',
      'pe_exact_s8s8.v',
      'reg active_passed;',
      'reg [1:0] active_passed;',
      'register bits of pe_exact_s8s8: plan 48, netlist 48, Yosys 49',
    ],
    ['a memory word', 'feature_bank.v', 'codes [0:', 'codes [0:1', 'memory bits of feature_bank'],
  ])('finds %s more', async (_, file, from, to, explanation) => {
    const { checks } = await countDesign(edited(file, from, to))
    expect(checks.map(({ mismatches }) => mismatches)).toEqual([0, 1])
    expect(checks[1]!.explanation!.summary).toContain(explanation)
  })

  it('folds nothing: operands may be constant', async () => {
    const verilog = new Map([
      [
        'top.v',
        'module top (input wire [7:0] a, output wire [7:0] s, output wire [7:0] d, output wire [15:0] p);\n' +
          "assign s = a + 8'd0;\nassign d = a - 8'd1;\nassign p = {8'd0, a} * 16'd4;\nendmodule\n",
      ],
    ])
    const { tally } = await yosysTally(openYosys(), { top: 'top', verilog, memories: new Map() }, signal)
    expect(tally.get('top')!.holds).toMatchObject({ adders: 2, multiplications: 1 })
  })
})

describe('a Yosys that does not count', () => {
  it('was not wanted: the plan and the netlist are compared, and the rest is not run', async () => {
    const { checks, totals, missing } = await countDesign({ ...small, yosys: { kind: 'none' } })
    expect(checks.map(({ notRun }) => notRun)).toEqual([undefined, 'no Yosys was wanted (--yosys none)'])
    expect(checks[0]!.compared).toBe(6 * planCounts(small.plan).length)
    expect(checks[1]!.compared).toBe(0)
    expect(totals.multipliers.yosys).toBe(null)
    expect(missing).toBe(undefined)
  })

  it('is missing: not run, with the error that says how to get it', async () => {
    const { checks, missing } = await countDesign({
      ...small,
      yosys: { kind: 'program', path: 'no-such-yosys' },
    })
    expect(checks[1]!.notRun).toContain('no-such-yosys')
    expect(missing!.kind).toBe('tool-missing')
    expect(missing!.hint).toContain('--yosys')
  })

  it('fails: an error with the command and the last lines', async () => {
    const broken = {
      ...small,
      verilog: new Map(small.verilog).set('feature_bank.v', 'module feature_bank (;'),
    }
    for (const yosys of [
      { kind: 'package' } as const,
      ...(hasYosys ? [{ kind: 'program', path: 'yosys' } as const] : []),
    ]) {
      const error = await countDesign({ ...broken, yosys }).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(XgenError)
      expect(error).toMatchObject({ kind: 'tool-failed', hint: expect.stringMatching(/feature_bank\.v:1/) })
    }
  })

  it.each([
    ['nothing', 'exit 0', 'wrote no statistics.json'],
    ['no JSON', 'echo nonsense > statistics.json', 'cannot read'],
    ['another design', `echo '{"creator": "Yosys 9", "modules": {}}' > statistics.json`, 'xgen_sketch'],
  ])('writes %s: an error', async (name, body, message) => {
    const path = join(root, name.replaceAll(' ', '-'))
    writeFileSync(path, `#!/bin/sh\n${body}\n`)
    chmodSync(path, 0o755)
    const error = await countDesign({ ...small, yosys: { kind: 'program', path } }).catch(
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({ kind: 'tool-failed', message: expect.stringContaining(message) })
  })

  it('is interrupted at once, and leaves nothing', async () => {
    const cache = join(root, 'cache')
    for (const path of [undefined, ...(hasYosys ? ['yosys'] : [])]) {
      const stop = new AbortController()
      const running = openYosys(path)({
        script: 'script long.ys',
        files: new Map([['long.ys', 'help proc\n'.repeat(1_000_000)]]),
        output: 'none',
        signal: stop.signal,
        cache,
      })
      setTimeout(() => stop.abort(), 1500)
      const begun = Date.now()
      await expect(running).rejects.toMatchObject({ kind: 'interrupted' })
      expect(Date.now() - begun).toBeLessThan(10_000)
      expect(readdirSync(join(cache, 'part'))).toEqual([])
    }
  })
})
