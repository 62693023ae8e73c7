import { describe, expect, it } from 'vitest'
import { buildAssignment } from '../../src/approx/build.ts'
import { XgenError } from '../../src/base/errors.ts'
import { scaleSimCycles } from '../../src/flow/sim.ts'
import type { ArraySpec } from '../../src/plan/array.ts'
import { makePlan } from '../../src/plan/make.ts'
import { probesOf } from '../../src/plan/probes.ts'
import { programFields } from '../../src/plan/program.ts'
import { layerSize, layerTop, tileSize } from '../../src/plan/size.ts'
import { foldsOfLayer } from '../../src/plan/steps.ts'
import { lenetSketch, sketchGraph } from '../fixtures/qgraph.ts'

const lenet = sketchGraph(lenetSketch)

function planned(
  multipliers: Readonly<Record<string, string>>,
  tiles: ArraySpec['tiles'] | undefined,
  options: Partial<ArraySpec> = {},
) {
  const entries = Object.entries(multipliers).map(([selector, spec]) => ({ selector, spec, where: 'test' }))
  return makePlan(lenet, buildAssignment(lenet, entries), {
    dataflow: 'weight-stationary',
    rows: 16,
    columns: 16,
    memoryBits: 2 ** 26,
    parallel: false,
    ...(tiles === undefined ? {} : { tiles }),
    ...options,
  })
}

const roup = 'roup:p=1,r=2'
const small = { rows: 8, columns: 8 }

describe('tiles with sizes of their own', () => {
  it('run their layers at their size, at the bottom of the array', () => {
    const { plan } = planned({ layer0: roup }, { [roup]: { rows: 8, columns: 4 } })
    expect(plan.tiles.map((tile) => tileSize(plan, tile))).toEqual([
      { rows: 8, columns: 4 },
      { rows: 16, columns: 16 },
    ])
    const [first, second] = plan.layers
    expect([first!.rowFolds, first!.columnFolds]).toEqual([Math.ceil(25 / 8), 2])
    expect([layerTop(plan, first!), layerTop(plan, second!)]).toEqual([8, 0])
    expect(layerSize(plan, second!)).toEqual({ rows: 16, columns: 16 })
    expect(Math.max(...[...foldsOfLayer(plan, 0)].map(({ rows }) => rows))).toBe(8)
    // banks of the map between them: 8 rows begin at bank 8, four columns write it
    expect(16 % second!.inputModulus).toBe(0)
    expect(4 % second!.inputModulus).toBe(0)
  })

  it('take the cycles of an array of their size, and no more than SCALE-Sim counts for it', () => {
    const layers = Object.fromEntries(lenetSketch.layers.map((_, index) => [`layer${index}`, roup]))
    const { plan } = planned(layers, { [roup]: small })
    const alone = planned(layers, undefined, small).plan
    expect(plan.layers.map(({ cycles }) => cycles)).toEqual(alone.layers.map(({ cycles }) => cycles))
    for (const layer of plan.layers)
      expect(layer.cycles, layer.name).toBeLessThanOrEqual(scaleSimCycles(plan, layer))
  })

  it('share a layer at the least rows and columns of its tiles', () => {
    const tiles = { [roup]: { rows: 8, columns: 16 }, exact: { rows: 12, columns: 4 } }
    const { plan } = planned({ 'layer1[0-7]': roup }, tiles)
    expect(layerSize(plan, plan.layers[1]!)).toEqual({ rows: 8, columns: 4 })
    expect(layerSize(plan, plan.layers[2]!)).toEqual({ rows: 12, columns: 4 })
  })

  it('let the first weights of a layer of fewer rows wait for the rows above', () => {
    const { plan } = planned({ layer1: roup, layer2: roup }, { [roup]: small })
    expect(plan.layers.map(({ loadDelay }) => loadDelay)).toEqual([
      undefined,
      8,
      undefined,
      undefined,
      undefined,
    ])
  })

  it('have probes for their own PEs only', () => {
    const { plan } = planned({ layer0: roup }, { [roup]: { rows: 2, columns: 3 } })
    const names = probesOf(plan).map(({ name }) => name)
    expect(names.filter((name) => name.startsWith('tile_0.sum')).length).toBe(6)
    expect(names.filter((name) => name.startsWith('tile_1.sum')).length).toBe(256)
  })

  it('leave a design as it is where they are as large as the array', () => {
    const plain = planned({ layer0: roup }, undefined).plan
    expect(planned({ layer0: roup }, { [roup]: { rows: 16, columns: 16 } }).plan).toEqual(plain)
    expect(programFields(plain).map(({ name }) => name)).not.toContain('row_top')
    expect(JSON.stringify(plain)).not.toMatch(/"(loadDelay|tiles":\{)/)
  })

  it('are named by any spelling of their multiplier, and by "modes" where they have run-time modes', () => {
    const spelt = planned({ layer0: roup }, { 'roup: r=2, p=1': small }).plan
    expect(spelt.hash).toBe(planned({ layer0: roup }, { [roup]: small }).plan.hash)
    const { plan } = planned({ layer0: roup }, { modes: small }, { modes: true })
    expect(tileSize(plan, plan.tiles[0]!)).toEqual(small)
  })
})

describe('sizes that do not fit', () => {
  const refusal = (...given: Parameters<typeof planned>): XgenError => {
    try {
      planned(...given)
    } catch (error) {
      if (error instanceof XgenError) return error
    }
    throw new Error('it was planned')
  }

  it('name a multiplier that no tile has, and a near one', () => {
    const error = refusal({ layer0: roup }, { 'roup:p=1,r=3': small })
    expect(error.where).toBe('array.tiles.roup:p=1,r=3')
    expect(error.message).toBe('no tile has the multiplier "roup:p=1,r=3". Did you mean "roup:p=1,r=2"?')
    expect(error.hint).toBe('Tiles of this design: roup:p=1,r=2; exact.')
  })

  it.each([
    [{ roop: small }, {}, 'is no multiplier family. Did you mean "roup"?'],
    [{ exact: { rows: 17, columns: 8 } }, {}, 'a tile of 17x8 is larger than the array of 16x16'],
    [{ exact: { rows: 8, columns: 17 } }, {}, 'a tile of 8x17 is larger than the array of 16x16'],
    [{ exact: { rows: 0, columns: 8 } }, {}, '0x8 is no size'],
    [{ [roup]: small, 'roup:r=2,p=1': small }, {}, 'are the same tile'],
    [{ modes: small }, {}, 'no tile has run-time modes'],
    [{ [roup]: small }, { modes: true as const }, 'is a mode of the tile with run-time modes'],
  ])('%j', (tiles, options, message) => {
    expect(refusal({ layer0: roup }, tiles, options).message).toContain(message)
  })
})
