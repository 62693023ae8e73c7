import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { XgenError } from '../../src/base/errors.ts'
import { inferenceCycles } from '../../src/plan/any-plan.ts'
import { mapSharedRows } from '../../src/plan/mixed/mapping.ts'
import { type ArrayChoice, planNetwork } from '../../src/plan/network.ts'
import { type RotatedMap, rotatedPlace, rotatedWords } from '../../src/plan/rotation.ts'
import { type NetworkSketch, sketchAssignment, sketchGraph } from '../fixtures/qgraph.ts'

const between = (min: number, max: number) => fc.integer({ min, max })

/** Banks of any array, and a map in them. */
const maps: fc.Arbitrary<RotatedMap> = fc
  .record({
    group: between(1, 9),
    sides: between(0, 2),
    base: between(0, 50),
    channels: between(1, 40),
    height: between(1, 12),
    width: between(1, 6),
  })
  .map(({ group, sides, ...map }) => {
    const spacing = 2 ** Math.ceil(Math.log2(group))
    return { ...map, rotation: { group, spacing, banks: spacing * 2 ** sides } }
  })

describe('a map in banks that an array and a grid share', () => {
  it('has a place of its own for each element, within its words', () => {
    fc.assert(
      fc.property(maps, (map) => {
        const places = new Set<string>()
        for (let n = 0; n < map.channels; n++)
          for (let y = 0; y < map.height; y++)
            for (let x = 0; x < map.width; x++) {
              const { bank, address } = rotatedPlace(map, n, y, x)
              expect(bank).toBeLessThan(map.rotation.banks)
              expect(address).toBeGreaterThanOrEqual(map.base)
              expect(address).toBeLessThan(map.base + rotatedWords(map))
              places.add(`${bank} ${address}`)
            }
        expect(places.size).toBe(map.channels * map.height * map.width)
      }),
      { numRuns: 60 },
    )
  })

  it('gives the channels of a group at one word of neighbouring banks, and the rows of a channel a word further each', () => {
    fc.assert(
      fc.property(maps, (map) => {
        const { banks, group } = map.rotation
        const first = rotatedPlace(map, 0, 0, 0)
        for (let n = 1; n < Math.min(group, map.channels); n++)
          expect(rotatedPlace(map, n, 0, 0)).toEqual({
            bank: (first.bank + n) % banks,
            address: first.address,
          })
        for (let y = 1; y < map.height; y++)
          expect(rotatedPlace(map, 0, y, 0)).toEqual({
            bank: (first.bank + y) % banks,
            address: first.address + y,
          })
      }),
      { numRuns: 60 },
    )
  })
})

describe('the mapping of a grid on shared banks', () => {
  const shape = {
    kernel: [3, 3] as const,
    positions: [25, 5] as const,
    channels: 1,
    filters: 1,
    groups: 64,
    multiple: 1,
    stride: 1,
    window: [1, 1] as const,
  }

  it('takes the cycles of the closed form for a depthwise layer, with as many pieces as the lines allow', () => {
    const mapping = mapSharedRows({ rows: 16, columns: 16 }, { ...shape, lines: 32 })!
    expect(mapping).toMatchObject({ pieces: 2, rowFolds: 1, channels: 1, closedForm: 960 })
    const narrow = mapSharedRows({ rows: 16, columns: 16 }, { ...shape, lines: 16 })!
    expect(narrow.closedForm).toBe(2 * 960)
  })

  it('is none where not even one row of windows has its lines', () => {
    expect(mapSharedRows({ rows: 4, columns: 4 }, { ...shape, lines: 2 })).toBe(undefined)
  })
})

const depthwise: NetworkSketch = {
  input: [2, 12, 12],
  seed: 3,
  layers: [
    { filters: 16, kernel: [1, 1], relu: true },
    { filters: 16, groups: 16, kernel: [3, 3], padding: [1, 1, 1, 1], relu: true },
    { filters: 16, kernel: [1, 1], relu: true },
    { filters: 4, dense: true },
  ],
}

const planOf = (dataflow: ArrayChoice['dataflow'], more: Partial<ArrayChoice> = {}, sketch = depthwise) => {
  const graph = sketchGraph(sketch)
  const array = { rows: 8, columns: 8, memoryBits: 2 ** 26, parallel: false, ...more, dataflow }
  return planNetwork(graph, sketchAssignment(sketch, graph), array).plan
}

const enginesOf = (plan: ReturnType<typeof planOf>) =>
  plan.layers.map((layer) => ('grid' in layer && layer.grid !== undefined ? 'grid' : 'array'))

const refused = (...given: Parameters<typeof planOf>): XgenError => {
  try {
    planOf(...given)
  } catch (error) {
    if (error instanceof XgenError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('the dataflow of each layer', () => {
  it('is what takes the fewest cycles: an array and a grid before either alone', () => {
    const plan = planOf('auto')
    expect(plan.array.dataflow).toBe('mixed')
    expect(enginesOf(plan)[1]).toBe('grid')
    for (const alone of ['weight-stationary', 'row-stationary'] as const)
      expect(inferenceCycles(plan)).toBeLessThan(inferenceCycles(planOf(alone)))
  })

  it('is what the user says, an exact name before a wild one before the rest', () => {
    const plan = planOf({
      default: 'weight-stationary',
      'layer?': 'row-stationary',
      layer2: 'weight-stationary',
      layer0: 'weight-stationary',
    })
    expect(enginesOf(plan)).toEqual(['array', 'grid', 'array', 'grid'])
  })

  it('needs no second engine where all layers have the same', () => {
    expect(planOf({ default: 'row-stationary' }).format).toBe('xgen-row-plan-1')
    const plan = planOf(
      { default: 'weight-stationary' },
      {},
      { ...depthwise, layers: depthwise.layers.slice(0, 1) },
    )
    expect(plan.array.dataflow).toBe('weight-stationary')
  })

  it('takes what only an array alone has, where every layer names the same', () => {
    const each = Object.fromEntries(
      depthwise.layers.map((_, index) => [`layer${index}`, 'weight-stationary'] as const),
    )
    expect(planOf(each, { modes: true }).array.dataflow).toBe('weight-stationary')
  })

  it('never takes more cycles than the bound of its parts says', () => {
    const plan = planOf('auto')
    expect(plan.layers.reduce((sum, { cycles }) => sum + cycles, 0)).toBeLessThan(inferenceCycles(plan))
  })
})

describe('bad input', () => {
  it.each([
    ['an unknown layer', { conv9: 'row-stationary' }, 'there is no layer "conv9"'],
    ['filters', { 'layer0[0-3]': 'row-stationary' }, '"layer0[0-3]" names filters'],
    [
      'two that contradict each other',
      { 'layer*': 'row-stationary', 'laye?0': 'weight-stationary' },
      'different dataflows',
    ],
    [
      'groups on the array',
      { default: 'weight-stationary', layer0: 'row-stationary' },
      '"layer1" has groups',
    ],
  ] as const)('%s', (_name, dataflow, message) => {
    const error = refused(dataflow as ArrayChoice['dataflow'])
    expect(error).toMatchObject({ kind: 'usage' })
    expect(error.message).toContain(message)
    expect(error.hint).toBeTruthy()
  })

  it('a kernel that has more rows than there are banks', () => {
    const tall: NetworkSketch = {
      input: [1, 12, 4],
      seed: 1,
      layers: [
        { filters: 2, kernel: [11, 1] },
        { filters: 2, dense: true },
      ],
    }
    const wanted = { layer0: 'row-stationary', layer1: 'weight-stationary' } as const
    const error = refused(wanted, { rows: 2, columns: 2 }, tall)
    expect(error.message).toContain('"layer0" needs 11 rows of its input at once')
    expect(error.hint).toContain("--dataflow 'layer0=auto'")
  })

  it('settings that only an array alone has', () => {
    const error = refused({ layer1: 'row-stationary', default: 'auto' }, { modes: true })
    expect(error).toMatchObject({ kind: 'usage', where: 'array.modes' })
  })
})
