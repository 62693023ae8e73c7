import { describe, expect, it } from 'vitest'
import type { Assignment } from '../../src/approx/assignment.ts'
import { buildAssignment } from '../../src/approx/build.ts'
import { scaleSimCycles } from '../../src/flow/sim.ts'
import { runCycles } from '../../src/plan/any-plan.ts'
import type { ArraySpec } from '../../src/plan/array.ts'
import { makePlan } from '../../src/plan/make.ts'
import { filterAt } from '../../src/plan/plan.ts'
import type { QGraph } from '../../src/quant/qgraph.ts'
import { lenetSketch, type NetworkSketch, sketchGraph } from '../fixtures/qgraph.ts'

const array = (size: number, parallel = false) => ({
  dataflow: 'weight-stationary' as const,
  rows: size,
  columns: size,
  memoryBits: 2 ** 26,
  parallel,
})

const assign = (graph: QGraph, entries: Readonly<Record<string, string>>): Assignment =>
  buildAssignment(
    graph,
    Object.entries(entries).map(([selector, spec]) => ({ selector, spec, where: 'test' })),
  )

describe('layers with several multipliers', () => {
  const graph = sketchGraph(lenetSketch)
  const kernels = assign(graph, {
    'layer0[0-2]': 'roup:p=1,r=2',
    'layer1[0-15][0]': 'trunc:ka=1,kb=1',
    'layer1[0-15][1]': 'roup:p=1,r=2',
  })

  it('run in passes, one for each tile of a column fold', () => {
    const { plan } = makePlan(graph, kernels, array(16))
    expect(plan.tiles.map(({ multiplier }) => multiplier)).toEqual([
      'roup:p=1,r=2',
      'exact',
      'trunc:ka=1,kb=1',
    ])
    expect(plan.layers[0]!.passes).toEqual([[[0], [1]]])
    expect(plan.layers[1]!.passes).toEqual([[[0], [1], [2]]])
    expect(plan.layers[2]!.passes.every((passes) => passes.length === 1)).toBe(true)
    expect([plan.masked, plan.sideBySide]).toEqual([true, false])
  })

  it('take no more cycles than the sum of SCALE-Sim over their passes', () => {
    const sized = (size: number) => ({
      exact: { rows: size, columns: size / 2 },
      'trunc:ka=1,kb=1': { rows: size / 2, columns: size },
    })
    for (const size of [4, 8, 16]) {
      for (const options of [{}, { modes: true as const }, { tiles: sized(size) }]) {
        const { plan } = makePlan(graph, kernels, { ...array(size), ...options })
        for (const layer of plan.layers)
          expect(layer.cycles, layer.name).toBeLessThanOrEqual(scaleSimCycles(plan, layer))
      }
    }
  })

  it('are faster side by side than one after another, and with run-time modes than with a tile each', () => {
    const cycles = (size: number, options: Partial<ArraySpec>) =>
      runCycles(makePlan(graph, kernels, { ...array(size), ...options }).plan)
    const ratios = [4, 8, 16].map((size) => {
      const passes = cycles(size, {})
      const sideBySide = cycles(size, { parallel: true })
      const modes = cycles(size, { modes: true })
      expect(sideBySide).toBeLessThan(passes)
      expect(modes).toBeLessThan(passes)
      expect(sideBySide).toBeLessThanOrEqual(modes)
      return [passes / sideBySide, passes / modes].map((ratio) => Math.round(100 * ratio) / 100)
    })
    // a run's cycles with passes over those side by side, and over those with modes, on 4x4, 8x8 and 16x16
    expect(ratios).toEqual([
      [1.87, 1.37],
      [1.74, 1.38],
      [1.53, 1.33],
    ])
  })

  it('take the cycles of an unmixed layer where the tiles run side by side', () => {
    const plain = makePlan(graph, assign(graph, {}), array(16)).plan
    const mixed = makePlan(graph, kernels, array(16, true)).plan
    expect(mixed.sideBySide).toBe(true)
    expect(mixed.layers.map(({ cycles }) => cycles)).toEqual(plain.layers.map(({ cycles }) => cycles))
  })

  it('put filters of one multiplier side by side, and undo it in the taps of the next layer', () => {
    const sketch: NetworkSketch = {
      input: [2, 6, 6],
      seed: 3,
      layers: [
        { filters: 8, kernel: [3, 3] },
        { filters: 4, kernel: [2, 2] },
      ],
    }
    const small = sketchGraph(sketch)
    const choice = Object.fromEntries([1, 3, 5, 7].map((n) => [`layer0[${n}]`, 'trunc:ka=1,kb=1']))
    const { plan, images } = makePlan(small, assign(small, choice), array(4))
    const [first, second] = plan.layers
    expect(first!.order).toEqual([0, 2, 4, 6, 1, 3, 5, 7])
    expect(first!.passes).toEqual([[[0]], [[1]]])
    expect(plan.masked).toBe(false)
    expect(second!.order).toBeUndefined()
    // tap (ky 0, kx 0, stored channel c) of filter n in the second layer is the weight of channel order[c]
    const conv = small.nodes.find((node) => node.kind === 'conv' && node.name === 'layer1')!
    if (conv.kind !== 'conv') throw new Error('layer1 is a convolution')
    for (let c = 0; c < 8; c++)
      for (let n = 0; n < 4; n++)
        expect(images.weights[(second!.weightBase + c) * 4 + n]).toBe(
          conv.weights[(n * 8 + filterAt(first!, c)) * 4],
        )
  })

  it('keep the order of the last layer, whose output is the host’s', () => {
    const sketch: NetworkSketch = { input: [2, 4, 4], seed: 3, layers: [{ filters: 8, kernel: [3, 3] }] }
    const small = sketchGraph(sketch)
    const choice = Object.fromEntries([1, 3, 5, 7].map((n) => [`layer0[${n}]`, 'trunc:ka=1,kb=1']))
    const { plan } = makePlan(small, assign(small, choice), array(4))
    expect(plan.layers[0]!.order).toBeUndefined()
    expect(plan.layers[0]!.passes).toEqual([
      [[0], [1]],
      [[0], [1]],
    ])
  })
})

describe('the writer', () => {
  /** 28x28, 3x3, 8 channels in, no pooling, on 16x16: cycles over SCALE-Sim's form. */
  const ratio = (filters: number) => {
    const sketch: NetworkSketch = {
      input: [8, 28, 28],
      seed: 1,
      layers: [
        { filters, kernel: [3, 3], padding: [1, 1, 1, 1] },
        { filters: 4, kernel: [1, 1] },
      ],
    }
    const graph = sketchGraph(sketch)
    const { plan } = makePlan(graph, assign(graph, {}), array(16))
    return plan.layers[0]!.cycles / scaleSimCycles(plan, plan.layers[0]!)
  }

  it('is hidden where channels and array share their divisors, or where a few added taps make them', () => {
    expect(ratio(16)).toBeLessThan(1)
    expect(ratio(32)).toBeLessThan(1)
    expect(ratio(17)).toBeLessThan(1)
    expect(ratio(30)).toBeLessThan(1)
  })
})
