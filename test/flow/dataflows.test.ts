import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { buildCore } from '../../src/arch/core.ts'
import { parseDomain } from '../../src/arith/domain.ts'
import { parseMultiplier } from '../../src/arith/registry.ts'
import { packageRoot } from '../../src/base/files.ts'
import { silent } from '../../src/base/progress.ts'
import { resolveConfiguration } from '../../src/flow/configuration.ts'
import { compareDataflows, dataflows, writeDataflowCsv } from '../../src/flow/dataflows.ts'
import { networkOf, prepare } from '../../src/flow/preparation.ts'
import { sumOf } from '../../src/plan/counts/module-count.ts'
import { momentUnit } from '../../src/plan/counts/moments.ts'
import { rowTileCounts } from '../../src/plan/counts/reuse-tile.ts'
import { makeRowPlan } from '../../src/plan/row/make.ts'
import type { QGraph } from '../../src/quant/qgraph.ts'
import { netlistTally } from '../../testbench/netlist-counts.ts'
import { failure } from '../fixtures/failure.ts'
import { sketchAssignment, sketchGraph } from '../fixtures/qgraph.ts'
import { sketchTile } from '../fixtures/reuse-tiles.ts'

function compare(
  net: string,
  curve: string,
  group: string,
  filters = 16,
  yosys: 'none' | 'package' = 'none',
) {
  const set = [`weights.curve=${curve}`, `weights.group=${group}`]
  const configuration = resolveConfiguration({ net, set, environment: {} })
  return compareDataflows(configuration, networkOf(configuration), {
    designs: dataflows,
    filters,
    channels: 16,
    yosys: { kind: yosys },
    signal: new AbortController().signal,
    progress: silent,
  })
}

const page = readFileSync(join(packageRoot, 'docs', 'reuse.md'), 'utf8')
const cells = (line: string) =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim()) // prettier-ignore
const rowsOf = (heading: RegExp) =>
  page
    .split('\n\n')
    .find((part) => heading.test(part))!
    .split('\n')
    .map(cells) // prettier-ignore
const percent = (share: number) => `${(100 * share).toFixed(1)} %`

describe('what coefficient reuse saves', () => {
  const table = rowsOf(/^\| +\| multipliers \| adders/).slice(2)
  test.each(table)('is what the page says: %s', async (name, ...said) => {
    const [, net, curve, group] = /^(.+), (linear|quadratic) (kernel|row)/.exec(name!)!
    const { saved, pass } = await compare(net!.toLowerCase().replace('-', ''), curve!, group!)
    expect(pass).toBe(true)
    expect([saved.total.multipliers, saved.total.adders, saved.total.both].map(percent)).toEqual(said)
  })

  test.each(rowsOf(/^\| filters up to/).slice(2))(
    'grows with the filters as the page says: %s',
    async (name, ...said) => {
      const { byFilters } = await compare(name!.toLowerCase().replace('-', ''), 'linear', 'kernel')
      expect(byFilters.map(({ both }) => percent(both))).toEqual(said)
    },
  )

  test('the adders of a moment unit are those of the page', () => {
    const adders = (kernel: readonly [number, number], degree: 1 | 2, group: 'row' | 'kernel') => {
      const sketch = { kernel, degree, group, channels: 1, filters: 1, lineWidth: 9, positions: 1 }
      return String(sumOf(momentUnit(sketchTile(sketch).moments, 1).adders))
    }
    const both = (kernel: readonly [number, number], group: 'row' | 'kernel') => [
      adders(kernel, 1, group),
      adders(kernel, 2, group),
    ]
    expect(
      rowsOf(/adders of a moment unit/)
        .slice(2)
        .map(([, ...said]) => said),
    ).toEqual([
      // a row of 3 has no quadratic curve that saves anything; its unit is there all the same
      both([1, 3], 'row'),
      both([1, 5], 'row'),
      both([3, 3], 'kernel'),
      both([5, 5], 'kernel'),
    ])
  })

  test('counts row-stationary PEs and chain ends as the netlist of a grid has them', () => {
    const sketch = { input: [2, 6, 6], seed: 1, layers: [{ filters: 2, kernel: [3, 3] }] } as const
    const graph = sketchGraph(sketch)
    const array = {
      dataflow: 'row-stationary',
      rows: 6,
      columns: 4,
      memoryBits: 2 ** 26,
      parallel: false,
    } as const
    const { plan, images } = makeRowPlan(graph, sketchAssignment(sketch, graph), array)
    const netlist = netlistTally(buildCore(plan, images))
    const counted = rowTileCounts({
      channels: 2,
      filters: 2,
      taps: 9,
      kernelColumns: 3,
      positions: 16,
      multiplier: parseMultiplier('exact', parseDomain('s8s8')),
      accumulatorBits: plan.widths.accumulator,
    })
    for (const { module, cores, adders, registers } of counted)
      expect([module, netlist.get(module)?.holds]).toMatchObject([
        module,
        { cores: sumOf(cores), adders: sumOf(adders), registers: sumOf(registers) },
      ])
    expect(counted.map(({ module }) => module)).toContain('chain_end')
  })

  test('Yosys counts the tiles too', async () => {
    const { pass, yosys, compared } = await compare('lenet5', 'linear', 'row', 2, 'package')
    expect([pass, yosys?.startsWith('Yosys '), compared > 100]).toEqual([true, true, true])
  }, 60_000)

  test('grows where filters share products, in layers that a tile holds whole', async () => {
    const set = ['weights.curve=linear', 'weights.group=row', 'weights.bits=4']
    const configuration = resolveConfiguration({ net: 'lenet5', set, environment: {} })
    const options = {
      designs: ['row-stationary', 'reuse'],
      filters: 16,
      channels: 16,
      yosys: { kind: 'none' },
      signal: new AbortController().signal,
      progress: silent,
    } as const
    const run = (shared?: QGraph) =>
      compareDataflows(configuration, networkOf(configuration), { ...options, ...(shared && { shared }) })
    const { graph } = prepare(configuration)
    const [plain, shared] = [await run(), await run(graph)]
    expect(shared.pass).toBe(true)
    expect([plain, shared].map(({ saved }) => percent(saved.total.both))).toEqual(
      /save (.+ %) in place of (.+ %),/.exec(page)!.slice(1).reverse(),
    )
    const without = graph.nodes.filter((node) => node.kind !== 'conv' || node.curve === undefined)
    await expect(run({ ...graph, nodes: without })).rejects.toThrow(/no layer has coefficients/)
  })

  test('stands in a file of a row a layer and design', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'dataflows-')), 'lenet5.csv')
    writeDataflowCsv(file, await compare('lenet5', 'none', 'kernel'))
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
    expect(lines[0]).toBe('design,layer,filters,channels,multipliers,adders,registers,memoryBits')
    expect(lines).toHaveLength(1 + 3 * 3)
    expect(lines.at(-1)).toMatch(/^reuse,total,,,204,331,/)
  })

  test('groups that nothing can be compared for are refused', async () => {
    const error = await compare('lenet5', 'linear', '2').catch((e) =>
      failure(() => {
        throw e
      }),
    ) // prettier-ignore
    expect(error).toMatchObject({ message: expect.stringMatching(/groups of several kernels have no tile/) })
    const none = await compare('resnet20', 'quadratic', 'row').catch((e) =>
      failure(() => {
        throw e
      }),
    ) // prettier-ignore
    expect(none).toMatchObject({ message: expect.stringMatching(/no convolution of "resnet20" has groups/) })
  })
})
