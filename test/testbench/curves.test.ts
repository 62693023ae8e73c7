import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { resolveConfiguration } from '../../src/flow/configuration.ts'
import { planDesign } from '../../src/flow/planning.ts'
import { prepare } from '../../src/flow/preparation.ts'
import type { ArraySpec } from '../../src/plan/array.ts'
import { planCounts } from '../../src/plan/counts.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { countedNumbers } from '../../testbench/count-comparison.ts'
import { netlistTally } from '../../testbench/netlist-counts.ts'
import { runsInVerilator } from '../fixtures/batch.ts'
import { type CurveDesign, curveDesigns, curveGraph } from '../fixtures/curves.ts'
import { failure } from '../fixtures/failure.ts'
import { compareWithIcarus } from '../fixtures/icarus.ts'
import { compareThroughResets } from '../fixtures/resets.ts'
import { designSpecimen, runSpecimen } from '../fixtures/specimens.ts'
import { hasIcarus, needsVerilator } from '../fixtures/tools.ts'

const full = process.env['XGEN_FULL'] === '1'

/** The curves of a design, with the layers that have them. */
const curvesOf = ({ sketch, curves }: CurveDesign) =>
  curves.flatMap((curve, index) => (curve === undefined ? [] : [{ curve, layer: sketch.layers[index]! }]))

const features: Readonly<Record<string, (design: CurveDesign, plan: Plan) => boolean>> = {
  'groups of several kernels': (design) =>
    curvesOf(design).some(({ curve }) => typeof curve.group === 'number'),
  'fewer channels than kernels of a group': ({ sketch, curves }) =>
    Number(curves[0]?.group) > sketch.input[0],
  'a last group of fewer kernels': ({ sketch, curves }) =>
    sketch.input[0] % Number(curves[0]?.group) > 0 && Number(curves[0]?.group) < sketch.input[0],
  'row folds whose sums begin at a later kernel': (_, { layers }) =>
    layers.some(({ fills, rowFolds }) => fills !== undefined && fills.begun > 0 && fills.begun < rowFolds),
  'several kernels of one tap': (design) =>
    curvesOf(design).some(
      ({ curve, layer }) => typeof curve.group === 'number' && layer.kernel?.join() === '1,1',
    ),
  'groups of a row': (design) =>
    curvesOf(design).some(({ curve, layer }) => curve.group === 'row' && (layer.kernel?.[0] ?? 0) > 1),
  'groups of a kernel': (design) =>
    curvesOf(design).some(({ curve, layer }) => curve.group === 'kernel' && (layer.kernel?.[0] ?? 0) > 1),
  'quadratic curves': (design) => curvesOf(design).some(({ curve }) => curve.degree === 2),
  'two degrees': (design) => new Set(curvesOf(design).map(({ curve }) => curve.degree)).size > 1,
  'groups of a row and of a kernel': (design) =>
    new Set(curvesOf(design).map(({ curve }) => curve.group)).size > 1,
  'kernels of two sizes': (design) =>
    new Set(curvesOf(design).map(({ layer }) => layer.kernel?.join())).size > 1,
  'a shape for each layer': (design, { moments }) =>
    curvesOf(design).length > 1 && curvesOf(design).length === moments!.units.length,
  'a shape that two layers share': (design, { moments }) => curvesOf(design).length > moments!.units.length,
  'plain convolutions beside': ({ sketch, curves }) =>
    sketch.layers.some(({ kernel }, index) => kernel !== undefined && curves[index] === undefined),
  'unsigned codes': ({ sketch }) => sketch.unsignedInput === true,
  'signed and unsigned codes': ({ sketch, curves }) =>
    curves[0] !== undefined && curves[1] !== undefined && sketch.unsignedInput !== sketch.layers[0]!.unsigned,
  'steps of 3': ({ sketch }) => sketch.layers.some(({ stride }) => stride?.includes(3)),
  'more channels than rows': ({ sketch, array }) => sketch.input[0] > array.rows,
  'fewer channels than rows': ({ sketch, array }) => sketch.input[0] < array.rows,
  'a grouped convolution with curves': (design) =>
    curvesOf(design).some(({ layer }) => (layer.groups ?? 1) > 1),
  'a grouped convolution with windows': (_, { layers }) =>
    layers.some(({ readsMoments, groups }) => readsMoments !== undefined && (groups?.words ?? 0) > 0),
  'a dense layer with curves': (design) => curvesOf(design).some(({ layer }) => layer.dense === true),
  'a plain dense layer behind them': ({ sketch, curves }) =>
    sketch.layers.at(-1)!.dense === true && curves.at(-1) === undefined,
  pooling: ({ sketch }) => sketch.layers.some(({ pool }) => pool !== undefined),
  'two multipliers': ({ multipliers }) => new Set(multipliers).size > 1,
} // prettier-ignore

const square = (size: number): ArraySpec => ({
  dataflow: 'weight-stationary',
  rows: size,
  columns: size,
  memoryBits: 2 ** 26,
  parallel: false,
})

const specimenOf = (design: CurveDesign) => {
  const { graph, assignment } = curveGraph(design)
  return designSpecimen({ graph, assignment, array: design.array, seed: design.seed })
}

describe('designs with curves', () => {
  const hits = new Map<string, number>()

  test(
    'plain loops = emulator = cycle model = netlist, in every output, probe and cycle; plan = netlist in what they are made of',
    async () => {
      await fc.assert(
        fc.asyncProperty(curveDesigns, async (design) => {
          const specimen = specimenOf(design)
          const { plan, top, emulated, looped } = specimen
          expect(emulated).toEqual(looped)
          const run = await runSpecimen(specimen)
          expect(run.codes).toEqual(looped)
          expect(run.cycles).toBe(run.planned)
          expect(run.netlist).toMatchObject({ mismatches: 0, ended: undefined })
          const numbers = countedNumbers({
            plan: planCounts(plan),
            netlist: netlistTally(top),
            yosys: undefined,
          })
          expect(numbers.filter((number) => number.plan !== number.netlist)).toEqual([])
          for (const [name, has] of Object.entries(features))
            if (has(design, plan)) hits.set(name, (hits.get(name) ?? 0) + 1)
        }),
        { numRuns: full ? 1000 : 80, seed: 11 },
      )
      expect(Object.keys(features).filter((name) => !hits.has(name))).toEqual([])
    },
    60 * 60_000,
  )

  test('folds of few pixels that follow one another at once keep their moments apart', async () => {
    const layer = { kernel: [3, 1], padding: [0, 0, 0, 0] } as const
    const curve = { degree: 1, group: 'kernel', bits: 4 } as const
    const { graph, assignment } = curveGraph({
      curves: [curve, curve],
      multipliers: ['exact'],
      sketch: {
        input: [1, 6, 5],
        layers: [
          { ...layer, filters: 2, padding: [0, 0, 2, 0], pool: { mode: 'max', window: [2, 2] } },
          { ...layer, filters: 1 },
        ],
        seed: 0,
        activationBits: 4,
      },
      seed: 0,
    })
    const specimen = designSpecimen({ graph, assignment, array: square(1), seed: 0 })
    const run = await runSpecimen(specimen)
    expect(run.codes).toEqual(specimen.looped)
    expect(run.netlist).toMatchObject({ mismatches: 0, ended: undefined })
  })

  test('maps of one column have moments for it alone', async () => {
    const { graph, assignment } = curveGraph({
      curves: [
        { degree: 1, group: 2, bits: 4 },
        { degree: 1, group: 'kernel', bits: 5 },
      ],
      multipliers: ['exact'],
      sketch: {
        input: [3, 7, 1],
        layers: [
          { filters: 3, kernel: [3, 1], padding: [1, 0, 0, 0] },
          { filters: 3, dense: true },
        ],
        seed: 1,
      },
      seed: 1,
    })
    const specimen = designSpecimen({ graph, assignment, array: square(1), seed: 0 })
    const run = await runSpecimen(specimen)
    expect(run.codes).toEqual(specimen.looped)
    expect(run.netlist).toMatchObject({ mismatches: 0, ended: undefined })
  })

  test.for(full ? [23, 24, 25, 26, 27] : [23])(
    'agree in Verilator, seed %i',
    { timeout: 20 * 60_000 },
    async (seed, context) => {
      needsVerilator(context)
      const drawn = fc.sample(curveDesigns, { numRuns: full ? 12 : 5, seed })
      const specimens = drawn.map(specimenOf)
      let index = 0
      for await (const run of runsInVerilator(specimens)) {
        expect(run.recorded, JSON.stringify(drawn[index])).toMatchObject({ mismatches: 0, ended: undefined })
        expect(run.recorded.compared).toBe(run.netlist.compared)
        index++
      }
      expect(index).toBe(specimens.length)
    },
  )

  test(
    'agree through resets in mid-run',
    () => {
      const property = fc.property(curveDesigns, (design) => {
        const specimen = specimenOf(design)
        const result = compareThroughResets(specimen, design.seed)
        expect(result).toMatchObject({ mismatches: 0, ended: undefined })
        expect(result.cycles).toBeGreaterThan(0)
      })
      fc.assert(property, { numRuns: full ? 100 : 10, seed: 19 })
    },
    20 * 60_000,
  )

  test.skipIf(!hasIcarus)(
    'nothing that was never written shows in Icarus Verilog',
    async () => {
      const scratch = mkdtempSync(join(tmpdir(), 'curves-icarus-'))
      try {
        for (const [index, design] of fc
          .sample(curveDesigns, { numRuns: full ? 20 : 4, seed: 5 })
          .entries()) {
          const { differences, cycles } = await compareWithIcarus(
            specimenOf(design),
            join(scratch, `${index}`),
          )
          expect(differences).toEqual([])
          expect(cycles).toBeGreaterThan(0)
        }
      } finally {
        rmSync(scratch, { recursive: true, force: true })
      }
    },
    10 * 60_000,
  )

  const plan = (...set: readonly string[]) => {
    const configuration = resolveConfiguration({ net: 'lenet5', array: '8x8', set, environment: {} })
    return planDesign(configuration, prepare(configuration)).plan
  }

  test('take fewer cycles than plain weights on the same array', () => {
    const cycles = (...set: readonly string[]) =>
      plan(...set)
        .layers.filter(({ name }) => name.startsWith('conv'))
        .reduce((sum, layer) => sum + layer.cycles, 0)
    expect(cycles('weights.curve=linear')).toBeLessThan(cycles() / 3)
  })

  test.each([
    [
      ['weights.layers.fc1.curve=linear', 'weights.layers.fc1.group=24'],
      /"fc1" has groups of 24 taps, which are neither a kernel row \(5\) nor whole kernels \(25\)/,
    ],
    [
      ['weights.curve=quadratic', 'weights.bits=11', 'weights.group=row'],
      /"conv1" has 3 coefficients of 11 bits/,
    ],
    [['weights.curve=linear', 'array.tiles.exact=4x4'], /"conv1" has curves for weights/],
  ])('%j is refused by name', (set, message) => {
    const error = failure(() => plan(...set))
    expect(error.message).toMatch(message)
    expect(error.hint).toBeTruthy()
  })

  test('kernels of a group that do not divide the channels of a grouped convolution are refused by name', () => {
    const design = (own: number) => ({
      curves: [{ degree: 1, group: 2, bits: 6 } as const],
      multipliers: ['exact'],
      sketch: {
        input: [2 * own, 4, 4] as const,
        layers: [{ filters: 2, groups: 2, kernel: [2, 2] as const }],
        seed: 1,
      },
      seed: 1,
      array: square(2),
    })
    expect(failure(() => specimenOf(design(3))).message).toMatch(
      /"layer0" has curves over 2 kernels, which do not divide the 3 channels of its groups/,
    )
    expect(specimenOf(design(4)).plan.moments!.units[0]!.kernels).toBe(2)
  })
}) // prettier-ignore
