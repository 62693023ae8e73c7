import { describe, expect, it } from 'vitest'
import { buildAssignment } from '../../src/approx/build.ts'
import { makePlan } from '../../src/plan/make.ts'
import { passWords } from '../../src/plan/program.ts'
import { coreOf, multipliersOf, ownerCodes, ownerReader } from '../../src/plan/tile.ts'
import type { QGraph } from '../../src/quant/qgraph.ts'
import { lenetSketch, type NetworkSketch, sketchGraph } from '../fixtures/qgraph.ts'

function plan(
  graph: QGraph,
  multipliers: Readonly<Record<string, string>>,
  options: { readonly size?: number; readonly modes?: boolean; readonly parallel?: boolean } = {},
) {
  const { size = 16, modes = true, parallel = false } = options
  const entries = Object.entries(multipliers).map(([selector, spec]) => ({ selector, spec, where: 'test' }))
  return makePlan(graph, buildAssignment(graph, entries), {
    dataflow: 'weight-stationary',
    rows: size,
    columns: size,
    memoryBits: 2 ** 26,
    parallel,
    ...(modes ? { modes: true as const } : {}),
  })
}

describe('a tile with run-time modes', () => {
  const lenet = sketchGraph(lenetSketch)
  const mixed = {
    'layer0[0-2]': 'roup:p=1,r=2',
    'layer1[0-15][0]': 'roup:p=2,r=5,rounding=asymmetric',
    'layer1[0-15][1]': 'roup:p=1,r=2',
  }

  it('takes the place of the tiles of roup and exact multipliers', () => {
    const { plan: made } = plan(lenet, mixed)
    expect(made.tiles).toEqual([
      {
        name: 'tile_0',
        multiplier: 'roup:p=1,r=2 | exact | roup:p=2,r=5,rounding=asymmetric',
        domain: 's8s8',
        modes: ['roup:p=1,r=2', 'exact', 'roup:p=2,r=5,rounding=asymmetric'],
      },
    ])
    expect(coreOf(made.tiles[0]!).id).toBe('roup_modes_p1r2_p0r0_p2r5a_s8s8')
    expect([made.masked, made.memories.passWords]).toEqual([false, 0])
  })

  it('runs mixed layers in one pass, in the cycles of a network that is not mixed', () => {
    const { plan: made, images } = plan(lenet, mixed)
    expect(made.modes).toEqual({ bits: 2, from: 'weight' })
    expect(made.memories.ownerBits).toBe(2)
    expect(made.layers.every(({ passes }) => passes.every((list) => list.length === 1))).toBe(true)
    expect(made.layers.map(({ cycles }) => cycles)).toEqual(
      plan(lenet, {}).plan.layers.map(({ cycles }) => cycles),
    )
    // the modes stand beside the weights: filters 0 to 2 of the first layer have another one than 3 to 5
    const { weightBase } = made.layers[0]!
    const modes = Array.from({ length: 6 }, (_, n) => images.owners[weightBase * 16 + n]!)
    expect(modes).toEqual([0, 0, 0, 1, 1, 1])
  })

  it('gets its mode with the pass where no column fold is mixed', () => {
    const { plan: made } = plan(lenet, { layer1: 'roup:p=1,r=2', layer3: 'roup:p=0,r=3' })
    expect(made.modes).toEqual({ bits: 2, from: 'pass' })
    expect(made.memories.ownerBits).toBe(0)
    expect(made.layers.map(({ modes }) => new Set(modes!.flat()))).toEqual(
      [0, 1, 0, 2, 0].map((mode) => new Set([mode])),
    )
    // {last pass, mode}: each column fold has one pass
    expect(new Set(passWords(made))).toEqual(new Set([4, 5, 6]))
    expect(made.memories.bits.program).toBeGreaterThan(plan(lenet, {}).plan.memories.bits.program)
  })

  it('leaves other families their tiles, and shares passes with them', () => {
    const multipliers = { ...mixed, 'layer1[0-15][1]': 'trunc:ka=1,kb=1' }
    const { plan: made, images } = plan(lenet, multipliers)
    expect(made.tiles.map((tile) => multipliersOf(tile).map(({ spec }) => spec))).toEqual([
      ['roup:p=1,r=2', 'exact', 'roup:p=2,r=5,rounding=asymmetric'],
      ['trunc:ka=1,kb=1'],
    ])
    expect(made.layers[1]!.passes).toEqual([[[0], [1]]])
    // four owners in two bits: three modes, and the other tile in the code that they leave
    expect([made.masked, made.memories.ownerBits]).toEqual([true, 2])
    expect(ownerCodes(made)).toEqual([
      { base: 0, count: 3 },
      { base: 3, count: 1 },
    ])
    // taps 0, 1 and 2 are channels 0, 1 and 2 of the first kernel position
    const { weightBase } = made.layers[1]!
    const owners = [0, 1, 2].map((tap) => images.owners[(weightBase + tap) * 16]!)
    expect(owners).toEqual([2, 3, 1])
    expect(owners.map((code) => ownerReader(made, 0).owns(code))).toEqual([true, false, true])
    expect(owners.map((code) => ownerReader(made, 1).owns(code))).toEqual([false, true, false])
    expect(plan(lenet, multipliers, { parallel: true }).plan.layers[1]!.passes).toEqual([[[0, 1]]])
  })

  it('has one mode for multipliers that differ in their gates alone, and is none where it had one mode', () => {
    const made = plan(lenet, {
      layer0: 'exact:arch=booth4',
      layer1: 'roup:p=0,r=0,tree=wallace',
      layer2: 'roup:p=1,r=1',
    }).plan
    expect(made.tiles.map(({ modes }) => modes)).toEqual([['exact:arch=booth4', 'roup:p=1,r=1']])
    const single = plan(lenet, { layer0: 'exact:arch=booth4' }).plan
    expect(single.tiles.map(({ multiplier }) => multiplier)).toEqual(['exact:arch=booth4', 'exact'])
    expect(single.modes).toBeUndefined()
  })

  it('belongs to one domain', () => {
    const sketch: NetworkSketch = {
      input: [2, 5, 5],
      seed: 4,
      layers: [
        { filters: 3, kernel: [2, 2], relu: true, unsigned: true },
        { filters: 4, kernel: [2, 2], relu: true, unsigned: true },
        { filters: 2, dense: true },
      ],
    }
    const made = plan(sketchGraph(sketch), { 'layer1[0-1]': 'roup:p=1,r=1', layer2: 'roup:p=0,r=4' }).plan
    expect(made.tiles.map(({ domain, modes }) => [domain, modes?.length])).toEqual([
      ['s8s8', undefined],
      ['u8s8', 3],
    ])
  })

  it('lets filters of one mode stand side by side where that leaves no column fold mixed', () => {
    const sketch: NetworkSketch = {
      input: [2, 6, 6],
      seed: 3,
      layers: [
        { filters: 8, kernel: [3, 3] },
        { filters: 4, kernel: [2, 2] },
      ],
    }
    const odd = Object.fromEntries([1, 3, 5, 7].map((n) => [`layer0[${n}]`, 'roup:p=1,r=2']))
    const made = plan(sketchGraph(sketch), odd, { size: 4 }).plan
    expect(made.layers[0]!.order).toEqual([0, 2, 4, 6, 1, 3, 5, 7])
    expect(made.layers[0]!.modes).toEqual([[0], [1]])
    expect(made.modes?.from).toBe('pass')
  })

  it('is not made without being asked for', () => {
    const made = plan(lenet, mixed, { modes: false }).plan
    expect(made.modes).toBeUndefined()
    expect(made.tiles.length).toBe(3)
    expect(made.tiles.every((tile) => !('modes' in tile))).toBe(true)
  })
})
