import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, describe, expect, it } from 'vitest'
import { writeFileAtomically } from '../../src/base/files.ts'
import { acceleratorFiles } from '../../src/emit/accelerator-files.ts'
import type { Network } from '../../src/net/network.ts'
import { topName } from '../../src/plan/names.ts'
import { type ArrayChoice, planNetwork } from '../../src/plan/network.ts'
import { type CurveSketch, curveGraph } from '../fixtures/curves.ts'
import { conv, networkDesign } from '../fixtures/graph-designs.ts'
import { lenetSketch, type NetworkSketch, sketchAssignment, sketchGraph } from '../fixtures/qgraph.ts'

/** Every generated design is clean in Verilator -Wall, Icarus -Wall and Yosys check. */
const scratch = mkdtempSync(join(tmpdir(), 'xgen-lint-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const found = async (tool: string, flag: string) =>
  (await execa(tool, [flag], { reject: false })).exitCode === 0
const verilator = await found('verilator', '--version')
const icarus = await found('iverilog', '-V')

const mixed: NetworkSketch = {
  ...lenetSketch,
  layers: lenetSketch.layers.map((layer, index) => ({
    ...layer,
    multiplier: ['exact', 'roup:p=1,r=2', 'trunc:ka=1,kb=1'][index % 3]!,
  })),
}
const averaging: NetworkSketch = {
  input: [3, 9, 7],
  seed: 3,
  layers: [
    {
      filters: 5,
      kernel: [3, 2],
      stride: [2, 1],
      padding: [1, 0, 1, 2],
      relu: true,
      unsigned: true,
      pool: { mode: 'average', window: [2, 2] },
    },
    { filters: 4, kernel: [2, 2], multiplier: 'exact:arch=booth4' },
  ],
}
/** A layer mixed by kernels, one by filters, and one of unsigned codes. */
const several: NetworkSketch = {
  input: [2, 7, 7],
  seed: 8,
  layers: [
    {
      filters: 5,
      kernel: [3, 2],
      mix: { by: 'kernel', multipliers: ['exact', 'roup:p=1,r=2', 'trunc:ka=1,kb=1'] },
    },
    {
      filters: 6,
      kernel: [2, 2],
      mix: { by: 'filter', multipliers: ['exact', 'roup:p=0,r=5,rounding=asymmetric'] },
    },
    { filters: 3, dense: true, multiplier: 'roup:p=1,r=2' },
  ],
}
/** Every kind of layer that a graph may have. */
const branched: Network = {
  name: 'branched',
  input: { shape: [4, 6, 6] },
  layers: [
    conv('stem', ['input'], 6, 2),
    { kind: 'pool', name: 'mean', mode: 'average', window: [3, 3], stride: [3, 3], padding: [0, 0, 0, 0] },
    { kind: 'pool', name: 'max', mode: 'max', window: [3, 3], stride: [1, 1], padding: [1, 1, 1, 1] },
    { kind: 'subsample', name: 'every', inputs: ['mean'], stride: [1, 1] },
    { kind: 'concat', name: 'joined', inputs: ['max', 'every'] },
    conv('depthwise', ['joined'], 12, 12),
    { kind: 'add', name: 'sum', inputs: ['depthwise', 'joined'] },
    { kind: 'pad', name: 'padded', channels: [1, 2] },
    conv('last', ['padded'], 3, 1),
  ],
}

/** Groups, depthwise layers and kernels that are higher than the array. */
const grouped: NetworkSketch = {
  input: [4, 9, 9],
  seed: 4,
  layers: [
    { filters: 4, groups: 4, kernel: [3, 3], padding: [1, 1, 1, 1], relu: true },
    { filters: 6, groups: 2, kernel: [7, 2], stride: [2, 3], pool: { mode: 'max', window: [2, 1] } },
    { filters: 3, kernel: [1, 1] },
  ],
}
/** Layers with curves, with stride, padding and pooling, before a dense one. */
const curved = {
  sketch: {
    input: [3, 8, 7],
    seed: 12,
    layers: [
      {
        filters: 5,
        kernel: [3, 3],
        stride: [1, 2],
        padding: [1, 1, 1, 0],
        relu: true,
        pool: { mode: 'max', window: [2, 1] },
      },
      { filters: 3, dense: true },
    ],
  },
  multipliers: ['exact', 'roup:p=1,r=2'],
  seed: 12,
} as const
const one: NetworkSketch = { input: [1, 3, 3], seed: 6, layers: [{ filters: 1, kernel: [1, 1] }] }
const rowStationary = { dataflow: 'row-stationary' } as const
/** Layers for a grid and for an array, with several multipliers in each. */
const spread: NetworkSketch = {
  input: [2, 7, 6],
  seed: 14,
  layers: [
    { filters: 6, kernel: [3, 3], padding: [1, 1, 1, 1], relu: true, pool: { mode: 'max', window: [2, 2] } },
    {
      filters: 7,
      kernel: [2, 2],
      mix: { by: 'kernel', multipliers: ['exact', 'roup:p=1,r=2'] },
      pool: { mode: 'average', window: [1, 2] },
    },
    {
      filters: 7,
      groups: 7,
      kernel: [2, 1],
      mix: { by: 'filter', multipliers: ['exact', 'trunc:ka=1,kb=1'] },
    },
    { filters: 4, dense: true },
  ],
}
/** Averages of three codes, which the array alone has. */
const meaned: NetworkSketch = {
  input: [1, 4, 3],
  seed: 15,
  layers: [
    { filters: 3, kernel: [2, 1] },
    { filters: 2, kernel: [1, 1], pool: { mode: 'average', window: [3, 1] } },
  ],
}
const byLayerOne = { dataflow: { default: 'auto', layer0: 'row-stationary' } } as const
const byLayer = {
  dataflow: { default: 'weight-stationary', layer0: 'row-stationary', layer2: 'row-stationary' },
} as const

type Design = [
  name: string,
  network: NetworkSketch | Network | CurveSketch,
  rows: number,
  columns: number,
  reload?: boolean | undefined,
  options?: Partial<ArrayChoice>,
]
const designs: Design[] = [
  ['LeNet-5, three tiles, 8x8', mixed, 8, 8],
  ['average pooling, unsigned codes, Booth, 3x5', averaging, 3, 5],
  ['one row, one column', averaging, 1, 1],
  ['LeNet-5, three tiles, 8x8, AXI, weights at run time', mixed, 8, 8, true],
  ['unsigned codes, Booth, 3x5, AXI', { ...averaging, activationBits: 5 }, 3, 5, false],
  ['one row, one column, AXI, weights at run time', averaging, 1, 1, true],
  ['run-time modes by pass, 4x4', mixed, 4, 4, undefined, { modes: true }],
  [
    'run-time modes by weight, tiles side by side, 4x3',
    several,
    4,
    3,
    undefined,
    { modes: true, parallel: true },
  ],
  [
    'tiles of several sizes, side by side, 5x4',
    several,
    5,
    4,
    undefined,
    {
      parallel: true,
      tiles: {
        exact: { rows: 3, columns: 4 },
        'trunc:ka=1,kb=1': { rows: 5, columns: 2 },
        'roup:p=1,r=2': { rows: 2, columns: 3 },
      },
    },
  ],
  [
    'all tiles smaller than the array, run-time modes, 6x5',
    several,
    6,
    5,
    undefined,
    { modes: true, tiles: { modes: { rows: 4, columns: 3 }, 'trunc:ka=1,kb=1': { rows: 2, columns: 4 } } },
  ],
  ['additions, poolings of any window, groups, 4x4', branched, 4, 4],
  ['the same with rows and columns without a common divisor, AXI, weights at run time', branched, 3, 5, true],
  ['row-stationary, LeNet-5, three tiles, 8x8', mixed, 8, 8, undefined, rowStationary],
  ['row-stationary, average pooling, unsigned codes, 3x5', averaging, 3, 5, undefined, rowStationary],
  ['row-stationary, one row', one, 1, 4, undefined, rowStationary],
  [
    'row-stationary, mixed by filter and kernel, AXI, weights at run time',
    several,
    5,
    4,
    true,
    rowStationary,
  ],
  ['row-stationary, groups, 5x3, AXI', grouped, 5, 3, false, rowStationary],
  [
    'curves over rows of kernels, two multipliers, 4x4',
    { ...curved, curves: [{ degree: 1, group: 'row', bits: 8 }] },
    4,
    4,
  ],
  [
    'quadratic curves over kernels, AXI, coefficients at run time',
    { ...curved, curves: [{ degree: 2, group: 'kernel', bits: 8 }] },
    2,
    3,
    true,
  ],
  [
    'curves over several kernels, rows, and the map of a dense layer, in one design, AXI',
    {
      ...curved,
      sketch: {
        ...curved.sketch,
        layers: [
          {
            filters: 6,
            kernel: [3, 3],
            padding: [1, 1, 1, 0],
            relu: true,
            pool: { mode: 'max', window: [2, 1] },
          },
          { filters: 4, kernel: [2, 3], groups: 2 },
          { filters: 3, dense: true },
        ],
      },
      curves: [
        { degree: 2, group: 2, bits: 8 },
        { degree: 1, group: 'row', bits: 6 },
        { degree: 1, group: 'kernel', bits: 8 },
      ],
    },
    3,
    2,
    true,
  ],
  ['an array and a grid, 4x4', spread, 4, 4, undefined, byLayer],
  ['an array and a grid, 3x5, AXI, weights at run time', spread, 3, 5, true, byLayer],
  ['an array and a grid, an average over three codes', meaned, 2, 2, undefined, byLayerOne],
  [
    'an average over nine codes, without an operand',
    { ...branched, layers: branched.layers.slice(0, 2) },
    2,
    2,
  ],
]

/** The quantised network of a design with its multipliers. */
function quantisedDesign(network: NetworkSketch | Network | CurveSketch) {
  if ('curves' in network) return curveGraph(network)
  if ('seed' in network) {
    const graph = sketchGraph(network)
    return { graph, assignment: sketchAssignment(network, graph) }
  }
  return networkDesign(network, 1, 1)
}

describe.each(designs)('%s', (name, network, rows, columns, reload, options = {}) => {
  const { graph, assignment } = quantisedDesign(network)
  const array = {
    dataflow: 'weight-stationary',
    rows,
    columns,
    memoryBits: 2 ** 26,
    parallel: false,
    ...options,
  } as const
  const { plan, images } = planNetwork(graph, assignment, array, {
    reload: reload === true,
  })
  const { files } = acceleratorFiles(plan, images, 'test', reload === undefined ? 'native' : 'axi')
  const directory = join(scratch, name.replace(/\W+/g, '-'))
  for (const [path, text] of files) writeFileAtomically(join(directory, path), text)
  const top = topName(plan.network)
  const sources = readdirSync(join(directory, 'rtl')).map((file) => join('rtl', file))

  it('Verilator -Wall has nothing to say', async (context) => {
    if (!verilator) context.skip('not run: no Verilator')
    const { all, exitCode } = await execa(
      'verilator',
      ['--lint-only', '-Wall', '--top-module', top, ...sources],
      { cwd: directory, all: true, reject: false },
    )
    expect(all).toBe('')
    expect(exitCode).toBe(0)
  })

  it('Icarus -Wall has nothing to say', async (context) => {
    if (!icarus) context.skip('not run: no Icarus Verilog')
    const { all, exitCode } = await execa(
      'iverilog',
      ['-Wall', '-g2005', '-s', top, '-o', 'design.vvp', ...sources],
      { cwd: directory, all: true, reject: false },
    )
    expect(all).toBe('')
    expect(exitCode).toBe(0)
  })

  it('Yosys finds a whole design without a warning', async () => {
    const { runYosys } = await import('@yowasp/yosys')
    const tree = (prefix: string) =>
      Object.fromEntries(
        [...files]
          .filter(([path]) => path.startsWith(prefix))
          .map(([path, text]) => [path.slice(prefix.length), text]),
      )
    let log = ''
    const note = (bytes: Uint8Array | null) => {
      if (bytes !== null) log += Buffer.from(bytes).toString()
    }
    const script = `read_verilog ${sources.join(' ')}; hierarchy -check -top ${top}; proc; check -assert`
    await runYosys(['-p', script], { rtl: tree('rtl/'), mem: tree('mem/') }, { stdout: note, stderr: note })
    expect(log).toContain('Found and reported 0 problems')
    expect(log.split('\n').filter((line) => /warning/i.test(line))).toEqual([])
  })
})
