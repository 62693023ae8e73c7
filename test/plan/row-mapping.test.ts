import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { XgenError } from '../../src/base/errors.ts'
import { runCycles } from '../../src/plan/any-plan.ts'
import type { ArraySpec } from '../../src/plan/array.ts'
import { planNetwork } from '../../src/plan/network.ts'
import { copiesOf } from '../../src/plan/row/layout.ts'
import { makeRowPlan } from '../../src/plan/row/make.ts'
import { mapRows, type RowShape } from '../../src/plan/row/mapping.ts'
import { passesOfLayer, rowSteps } from '../../src/plan/row/steps.ts'
import { lenetSketch, type NetworkSketch, sketchAssignment, sketchGraph } from '../fixtures/qgraph.ts'
import { rowDesigns } from '../fixtures/row-sketches.ts'

const grid = (rows: number, columns: number): ArraySpec => ({
  dataflow: 'row-stationary',
  rows,
  columns,
  memoryBits: 2 ** 30,
  parallel: false,
})

function planOf(sketch: NetworkSketch, array: ArraySpec) {
  const graph = sketchGraph(sketch)
  return makeRowPlan(graph, sketchAssignment(sketch, graph), array).plan
}

const plain = { groups: 1, multiple: 1, most: Number.POSITIVE_INFINITY }

/** Cycles of one group as nn_dataflow counts them, with every `a` tried, from the published description. */
function closedForm(rows: number, columns: number, shape: RowShape): number {
  const [kernelHeight, kernelWidth] = shape.kernel
  const [height, width] = shape.positions
  const fh = Math.ceil(kernelHeight / rows)
  const sets = kernelHeight > rows ? 1 : Math.floor(rows / kernelHeight)
  const pieces = Math.ceil(height / columns)
  const beside = height > columns ? 1 : Math.floor(columns / height)
  const k = Math.min(sets, pieces)
  const left = Math.floor(sets / k)
  let fewest = Number.POSITIVE_INFINITY
  for (let a = 1; a <= left; a++) {
    if (left % a !== 0) continue
    const inputs = Math.min(a, shape.channels)
    const outputs = Math.min((left / a) * beside, shape.filters)
    fewest = Math.min(fewest, Math.ceil(shape.channels / inputs) * Math.ceil(shape.filters / outputs))
  }
  return fewest * Math.ceil(pieces / k) * fh * kernelWidth * width * shape.groups
}

describe('the row-stationary mapping', () => {
  it.each([
    ['conv1', 11, 55, 3, 96, 1, 2_787_840],
    ['conv2', 5, 27, 48, 128, 2, 6_635_520],
    ['conv3', 3, 13, 256, 384, 1, 3_833_856],
    ['conv4', 3, 13, 192, 192, 2, 2_875_392],
    ['conv5', 3, 13, 192, 128, 2, 1_916_928],
  ])(
    "gives AlexNet's %s on 12x14 the published cycles of four images",
    (_, kernel, size, channels, filters, groups, cycles) => {
      const mapping = mapRows(
        { rows: 12, columns: 14 },
        { ...plain, kernel: [kernel, kernel], positions: [size, size], channels, filters, groups },
      )
      expect(4 * mapping.closedForm).toBe(cycles)
    },
  )

  it('takes the cycles of the closed form for any shape, and fits the array', () => {
    const size = fc.integer({ min: 1, max: 20 })
    const shapes = fc.record({
      kernel: fc.tuple(size, size),
      positions: fc.tuple(fc.integer({ min: 1, max: 60 }), size),
      channels: size,
      filters: size,
      groups: fc.integer({ min: 1, max: 4 }),
    })
    fc.assert(
      fc.property(size, size, shapes, (rows, columns, shape) => {
        const mapping = mapRows({ rows, columns }, { ...plain, ...shape })
        expect(mapping.closedForm).toBe(closedForm(rows, columns, { ...plain, ...shape }))
        const { chainKernel, channels, filterSets, pieces, sides, filters } = mapping
        expect(chainKernel * channels * filterSets * pieces).toBeLessThanOrEqual(rows)
        expect(mapping.columns * sides).toBeLessThanOrEqual(columns)
        expect(filterSets * sides).toBeGreaterThanOrEqual(filters)
        expect(mapping.columns * pieces * mapping.rowFolds).toBeGreaterThanOrEqual(shape.positions[0])
        expect(mapping.kernelFolds === 1 || (channels === 1 && filterSets * pieces === 1)).toBe(true)
      }),
      { numRuns: 2000, seed: 3 },
    )
  })

  it('of equal passes has the fewest chains, so the fewest adders', () => {
    // one channel of twelve in a chain, and twelve filters, would take as many passes
    const shape = { ...plain, kernel: [1, 1], positions: [14, 14], channels: 12, filters: 12 } as const
    expect(mapRows({ rows: 12, columns: 14 }, shape)).toMatchObject({ channels: 12, filterSets: 1 })
  })
})

describe('the cycles of a row-stationary plan', () => {
  it.each([
    [4, 4],
    [8, 8],
    [12, 14],
  ])(
    "of LeNet-5's convolutions on %i x %i are those of the closed form and the way down the chain",
    (rows, columns) => {
      for (const layer of planOf(lenetSketch, grid(rows, columns)).layers.slice(0, 2)) {
        const ends = layer.chain
        expect(layer.cycles - ends).toBeGreaterThanOrEqual(layer.closedForm)
        expect(layer.cycles - ends).toBeLessThanOrEqual(1.05 * layer.closedForm)
      }
    },
  )

  it('of a dense layer are those of its weight words, one a cycle', () => {
    const sketch: NetworkSketch = { input: [256, 1, 1], seed: 1, layers: [{ filters: 256, dense: true }] }
    const plan = planOf(sketch, grid(16, 16))
    expect(plan.layers[0]!.cycles).toBeLessThanOrEqual(4200)
    expect(plan.memories.weightWords).toBe(4096)
  })

  it('of a depthwise layer of 8 channels of 48x48 on 16x16: 1,152 by the closed form, at most 1,880 in all', () => {
    const sketch: NetworkSketch = {
      input: [8, 48, 48],
      seed: 1,
      layers: [{ filters: 8, groups: 8, kernel: [3, 3], padding: [1, 1, 1, 1] }],
    }
    const plan = planOf(sketch, grid(16, 16))
    expect(plan.layers[0]!.closedForm).toBe(1152)
    expect(plan.layers[0]!.cycles).toBe(1155)
    expect(runCycles(plan)).toBeLessThanOrEqual(1880)
  })
})

describe('the schedule of random chains', () => {
  it('computes every product once, and stores every element where its readers look', () => {
    fc.assert(
      fc.property(rowDesigns, ({ sketch, array }) => {
        const plan = planOf(sketch, array)
        for (const [index, layer] of plan.layers.entries()) {
          const passes = [...passesOfLayer(plan, index)]
          const kinds = new Set(
            passes.map((p) => [p.rowFold, p.group, p.filterFold, p.tile, p.channelFold, p.kernelFold].join()),
          )
          expect(kinds.size).toBe(passes.length)
          expect(layer.channelFolds * layer.channels).toBeGreaterThanOrEqual(layer.groupChannels)
          expect(layer.filterFolds * layer.filters).toBeGreaterThanOrEqual(layer.groupFilters)
          expect(layer.kernelFolds * layer.chainKernel).toBeGreaterThanOrEqual(layer.kernel[0])
        }
        for (const { layout } of plan.layers) expectOneHome(layout)
        const steps = [...rowSteps(plan)]
        expect(steps.at(-1)!.start + steps.at(-1)!.cycles).toBe(runCycles(plan))
      }),
      { numRuns: 60, seed: 5 },
    )
  })
})

/** No two elements of a map share a word of a bank, and every line has its rows of every block. */
function expectOneHome(layout: Parameters<typeof copiesOf>[0]): void {
  const homes = new Map<string, string>()
  const channels = (layout.words / Math.ceil(layout.groupChannels / layout.channels)) * layout.groupChannels
  for (let channel = 0; channel < channels; channel++) {
    for (let y = 0; y < layout.height; y++) {
      for (let x = 0; x < layout.width; x++) {
        for (const { bank, address } of copiesOf(layout, channel, y, x)) {
          const home = `${bank} ${address}`
          expect(homes.has(home)).toBe(false)
          homes.set(home, `${channel} ${y} ${x}`)
        }
      }
    }
  }
}

describe('what the row-stationary array cannot run is refused with the place and the remedy', () => {
  const convolution = { filters: 4, kernel: [3, 3] } as const
  const refusal = (layer: NetworkSketch['layers'][number], array: ArraySpec): XgenError => {
    const sketch: NetworkSketch = { input: [4, 12, 12], seed: 1, layers: [layer] }
    const graph = sketchGraph(sketch)
    try {
      planNetwork(graph, sketchAssignment(sketch, graph), array)
    } catch (error) {
      if (error instanceof XgenError) return error
      throw error
    }
    throw new Error('the plan was made')
  }

  it.each([
    ['run-time modes', { modes: true } as const, 'array.modes'],
    ['tiles side by side', { parallel: true }, 'array.parallel'],
    ['tiles of sizes of their own', { tiles: { exact: { rows: 2, columns: 2 } } }, 'array.tiles'],
  ])('%s', (_, options, where) => {
    const error = refusal(convolution, { ...grid(4, 4), ...options })
    expect(error).toMatchObject({ kind: 'usage', where })
    expect(error.hint).toContain('weight-stationary')
  })

  it('a window of more rows than the array has columns', () => {
    const error = refusal({ ...convolution, pool: { mode: 'max', window: [5, 1] } }, grid(4, 4))
    expect(error).toMatchObject({ kind: 'usage', where: 'layer0.pool' })
    expect(error.message).toContain('pools 5 rows')
    expect(error.hint).toBe('Give the array at least 5 columns.')
  })

  it.each([
    ['windows that overlap', { mode: 'max', window: [3, 3], stride: [1, 1] }, 'overlap'],
    ['an average over nine codes', { mode: 'average', window: [3, 3] }, 'averages 9 values'],
  ] as const)('%s', (_, pool, message) => {
    const error = refusal({ ...convolution, pool }, grid(4, 4))
    expect(error).toMatchObject({ kind: 'usage', where: 'layer0.pool' })
    expect(error.message).toContain(message)
    expect(error.hint).toContain('The weight-stationary array runs any graph')
  })

  it('too little memory: the bits that are needed, and what would fit', () => {
    const error = refusal(convolution, { ...grid(4, 4), memoryBits: 1000 })
    expect(error).toMatchObject({ kind: 'usage', where: 'array.memory_bits' })
    expect(error.message).toMatch(/needs [\d,]+ bits/)
  })
})
