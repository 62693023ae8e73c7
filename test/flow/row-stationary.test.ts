import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { simulateRowPlan } from '../../src/flow/row-sim.ts'
import { inferenceCycles } from '../../src/plan/any-plan.ts'
import { makeRowPlan } from '../../src/plan/row/make.ts'
import { cacheDirectory } from '../../src/tools/cache.ts'
import { lenetSketch, sketchAssignment, sketchGraph } from '../fixtures/qgraph.ts'
import { needsVerilator } from '../fixtures/tools.ts'

/**
 * LeNet-5 on row-stationary grids, with one multiplier and with mixed ones: `xgen verify` finds no difference in outputs, registers, cycles and counts.
 * XGEN_FULL=1 has all grids with both interfaces; else one of them with one image.
 */
const full = process.env['XGEN_FULL'] === '1'
const root = mkdtempSync(join(tmpdir(), 'xgen-rows-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const mixed = [
  'conv1[0-2]=roup:p=0,r=5,rounding=asymmetric',
  'conv2[0-15][0]=roup:p=1,r=2',
  'conv2[0-15][1]=trunc:ka=1,kb=1',
]
const runs = ['4x4', '8x8', '12x14'].flatMap((array) =>
  (['native', 'axi'] as const).flatMap((name) =>
    [[], mixed].map((multipliers) => ({ array, name, multipliers })),
  ),
)
const chosen = full ? runs : runs.slice(4, 5)

describe('xgen verify of LeNet-5 on a row-stationary grid', () => {
  beforeEach(needsVerilator)

  it.each(chosen)(
    'finds no difference on $array, $name, multipliers $multipliers',
    async ({ array, name, multipliers }) => {
      const images = full ? 10 : 1
      const { stdout, exitCode } = await execa(
        process.execPath,
        [
          ...['--import', 'tsx', 'src/cli/main.ts', 'verify', '--net', 'lenet5', '--array', array],
          ...['--dataflow', 'row-stationary', '--interface', name, '--images', `${images}`],
          ...['--netlist-images', '1', '--json', '--no-progress'],
          ...multipliers.flatMap((multiplier) => ['--mult', multiplier]),
        ],
        {
          cwd: resolve(import.meta.dirname, '../..'),
          reject: false,
          env: { XGEN_CACHE_DIR: full ? root : cacheDirectory() },
        },
      )
      const report = JSON.parse(stdout) as {
        readonly pass: boolean
        readonly mismatches: number
        readonly cycles: { readonly model: number; readonly verilator: number }
        readonly checks: readonly { readonly name: string; readonly compared: number }[]
      }
      expect(report).toMatchObject({ pass: true, mismatches: 0 })
      expect(report.cycles.verilator).toBe(report.cycles.model)
      for (const { compared, name: check } of report.checks) expect(compared, check).toBeGreaterThan(0)
      expect(exitCode).toBe(0)
    },
    full ? 1_800_000 : 300_000,
  )
})

describe('the simulation of LeNet-5 on 12x14', () => {
  const graph = sketchGraph(lenetSketch)
  const array = {
    dataflow: 'row-stationary',
    rows: 12,
    columns: 14,
    memoryBits: 2 ** 26,
    parallel: false,
  } as const
  const { plan, images } = makeRowPlan(graph, sketchAssignment(lenetSketch, graph), array)
  const simulation = simulateRowPlan(plan, images, graph, 1)

  it('gives cycles beside those of the closed form', () => {
    const found = simulation.layers.map(({ cycles, closedFormCycles }) => [cycles, closedFormCycles])
    expect(found.slice(0, 2)).toEqual([
      [845, 840],
      [2410, 2400],
    ])
    // dense layers load a word of weights a cycle: 12 rows, 10 of them with two channels of five kernel rows
    expect(simulation.layers[2]!.cycles).toBeGreaterThanOrEqual(48_000 / 10)
  })

  it('splits one inference into parts that add up', () => {
    const { total, ...parts } = simulation.inference
    expect(Object.values(parts).reduce((sum, part) => sum + part, 0)).toBe(total)
    expect(total).toBe(inferenceCycles(plan))
  })

  it('counts the products that the network needs, and values moved by level', () => {
    const [conv1, conv2] = simulation.layers
    expect(conv1!.accesses.multiplications).toBe(117_600)
    expect(conv2!.accesses.multiplications).toBe(240_000)
    expect(conv1!.utilisation).toBeCloseTo(117_600 / (845 * 168), 12)
    // a chain of five: four of its rows take activation and sum from the row above
    expect(conv1!.levels).toMatchObject({ register: 117_600, neighbour: (117_600 * 8) / 5 })
    // every line reads its bank once a product, but for padding: 28 rows of 28 columns, 140 - 6 products of each row inside
    expect(conv1!.accesses.bankReads).toBe(6 * 28 * (140 - 6))
  })
})
