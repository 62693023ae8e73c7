import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { reuseTile } from '../../src/arch/reuse-tile.ts'
import { type Random, seededRandom } from '../../src/base/random.ts'
import { type CircuitSimulator, compileCircuit } from '../../src/hdl/simulator.ts'
import { memoryImages, printVerilog } from '../../src/hdl/verilog.ts'
import { reuseTileCounts } from '../../src/plan/counts/reuse-tile.ts'
import { type ReuseTileSpec, sharedClasses, tileLatency, tileRows } from '../../src/plan/reuse-tile.ts'
import { openYosys } from '../../src/tools/yosys.ts'
import { countedNumbers } from '../../testbench/count-comparison.ts'
import { netlistTally } from '../../testbench/netlist-counts.ts'
import { yosysTally } from '../../testbench/yosys-counts.ts'
import { sketchTile, type TileSketch } from '../fixtures/reuse-tiles.ts'
import { oracleCurveConvolution } from '../oracles/curve.ts'

/** A padded map of all folds' channels, and the coefficients [filter][channel][group][order]. */
function contents(
  spec: ReuseTileSpec,
  folds: number,
  [height, width]: readonly [number, number],
  random: Random,
  shared: boolean,
) {
  const { channels, filters, groups, multipliers, moments } = spec
  const { codeBits, signed } = moments
  const most = 2 ** (multipliers[0]!.domain.nB - 1) - 1
  const [low, high] = signed ? [-(2 ** (codeBits - 1)), 2 ** (codeBits - 1) - 1] : [0, 2 ** codeBits - 1]
  const draw = (count: number, from: number, to: number) =>
    Array.from({ length: count }, () => random.integer(from, to))
  return {
    height,
    width,
    map: draw(folds * channels * height * width, low, high),
    // few different ones where products are shared
    coefficients: draw(
      filters * folds * channels * groups * multipliers.length,
      shared ? 0 : -most,
      shared ? 1 : most,
    ).map((value) => (!shared ? value : value === 0 ? -most : 3)),
  }
}

type Contents = ReturnType<typeof contents>

/** Coefficients of a fold enter along the skew, then all rows swap. */
function load(
  tile: CircuitSimulator,
  spec: ReuseTileSpec,
  { coefficients }: Contents,
  fold: number,
  folds: number,
) {
  const rows = tileRows(spec)
  const of = (row: number, filter: number) => coefficients[(filter * folds + fold) * rows + row] ?? 0
  for (let cycle = 0; cycle < rows + spec.filters; cycle++) {
    for (let row = 0; row < rows; row++) tile.set(`load_${row}`, row === cycle ? 1 : 0)
    for (let j = 0; j < spec.filters; j++) tile.set(`weight_${j}`, of(cycle - j, j))
    tile.step()
  }
  for (let row = 0; row < rows; row++) tile.set(`swap_${row}`, 1)
  tile.step()
  for (let row = 0; row < rows; row++) tile.set(`swap_${row}`, 0)
  for (let j = 0; j < spec.filters; j++) tile.step()
}

/** The same where filters share products: the coefficients of each class, row by row, those of order 0 in the low bits. */
function loadShared(tile: CircuitSimulator, spec: ReuseTileSpec, { coefficients }: Contents) {
  const { multipliers } = spec
  const orders = multipliers.length
  const bits = multipliers[0]!.domain.nB
  const rows = spec.shared!.length
  for (const [row, classes] of spec.shared!.entries()) {
    for (const [filter, k] of classes.entries()) {
      let word = 0n
      for (let order = orders - 1; order >= 0; order--) {
        const value = coefficients[(filter * rows + row) * orders + order]!
        word = (word << BigInt(bits)) | BigInt.asUintN(bits, BigInt(value))
      }
      tile.set(`weight_${k}`, word)
    }
    for (const at of spec.shared!.keys()) tile.set(`load_${at}`, at === row ? 1 : 0)
    tile.step()
  }
  for (const row of spec.shared!.keys()) {
    tile.set(`load_${row}`, 0)
    tile.set(`swap_${row}`, 1)
  }
  tile.step()
  for (const row of spec.shared!.keys()) tile.set(`swap_${row}`, 0)
}

/** Streams a fold without a pause, a position a cycle; the totals of each position and filter, as they leave. */
function stream(
  tile: CircuitSimulator,
  spec: ReuseTileSpec,
  { height, width, map }: Contents,
  fold: number,
  kernelHeight: number,
  totals: number[][],
) {
  const { moments, filters, channels } = spec
  const ports = new Set(['read', 'read_column', 'column'].filter((port) => hasPort(spec, port)))
  const set = (port: string, value: number) => ports.has(port) && tile.set(port, value)
  const leaves = new Map<number, number>()
  const pixels = height * width
  const drain = tileLatency(spec) + filters + 2
  for (let cycle = -1; cycle < pixels + drain; cycle++) {
    const inside = cycle >= 0 && cycle < pixels
    const [y, x] = [Math.floor(cycle / width), ((cycle % width) + width) % width]
    const whole = inside && y >= kernelHeight - 1 && x >= moments.columns - 1
    const index = whole ? (y - kernelHeight + 1) * (width - moments.columns + 1) + x - moments.columns + 1 : 0
    set('read', cycle + 1 < pixels ? 1 : 0)
    set('read_column', (cycle + 1) % width)
    set('column', x)
    tile.set('valid', inside ? 1 : 0)
    tile.set('line_first', x === 0 ? 1 : 0)
    tile.set('whole', whole ? 1 : 0)
    tile.set('index', index)
    tile.set('first', fold === 0 ? 1 : 0)
    for (let c = 0; c < channels; c++)
      tile.set(`code_${c}`, inside ? map[(fold * channels + c) * pixels + cycle]! : 0)
    if (whole) leaves.set(cycle + tileLatency(spec) + 1, index)
    for (let j = 0; j < filters; j++) {
      const position = leaves.get(cycle - (spec.shared === undefined ? j : 0))
      if (position === undefined) continue
      const raw = Number(tile.get(`total_${j}`))
      totals[j]![position] = raw >= 2 ** (spec.accumulatorBits - 1) ? raw - 2 ** spec.accumulatorBits : raw
    }
    tile.step()
  }
}

/** The classes of equal coefficients. */
function classesOf(spec: ReuseTileSpec, { coefficients }: Contents) {
  const orders = spec.multipliers.length
  const rows = spec.channels * spec.groups
  return sharedClasses(rows, spec.filters, (row, filter) =>
    coefficients.slice((filter * rows + row) * orders, (filter * rows + row + 1) * orders),
  )
}

const hasPort = ({ moments, groups }: ReuseTileSpec, port: string) =>
  port === 'column' ? moments.rows > 1 || groups > 1 : moments.rows > 1

const kernels = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }))

const sketches = fc
  .record({
    kernel: kernels,
    degree: fc.constantFrom<1 | 2>(1, 2),
    group: fc.constantFrom<'row' | 'kernel'>('row', 'kernel'),
    channels: fc.integer({ min: 1, max: 3 }),
    filters: fc.integer({ min: 1, max: 4 }),
    folds: fc.integer({ min: 1, max: 2 }),
    shared: fc.boolean(),
    codeBits: fc.integer({ min: 3, max: 8 }),
    signed: fc.boolean(),
    bits: fc.integer({ min: 4, max: 12 }),
    multiplier: fc.constantFrom('exact', 'exact', 'exact:arch=booth4', 'trunc:ka=1,kb=1', 'roup:p=1,r=2'),
    extra: fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 3 })),
    seed: fc.nat(),
  })
  .filter(({ kernel, degree, group }) => (group === 'row' ? 1 : kernel[0]) * kernel[1] > degree + 1)

describe('the coefficient-reuse tile', () => {
  test('gives the sums of the naive oracle, a position a cycle, and is made of what is counted', () => {
    fc.assert(
      fc.property(sketches, ({ extra, seed, shared, ...sketch }) => {
        const drawn = { ...sketch, folds: shared ? 1 : sketch.folds }
        const { kernel, folds } = drawn
        const size = [kernel[0] + extra[0], kernel[1] + extra[1]] as const
        const positions = (extra[0] + 1) * (extra[1] + 1)
        const plain = sketchTile({ ...drawn, lineWidth: size[1], positions })
        const made = contents(plain, folds, size, seededRandom(seed), shared)
        const spec = shared ? { ...plain, shared: classesOf(plain, made) } : plain
        const top = reuseTile(spec)
        const numbers = countedNumbers({
          plan: reuseTileCounts(spec),
          netlist: netlistTally(top),
          yosys: undefined,
        })
        expect(numbers.filter(({ plan, netlist }) => plan !== netlist)).toEqual([])

        const tile = compileCircuit(top)
        const totals = Array.from({ length: spec.filters }, () => Array<number>(positions).fill(Number.NaN))
        for (let fold = 0; fold < folds; fold++) {
          if (shared) loadShared(tile, spec, made)
          else load(tile, spec, made, fold, folds)
          stream(tile, spec, made, fold, kernel[0], totals)
        }
        const expected = oracleCurveConvolution(
          {
            input: [folds * spec.channels, ...size],
            filters: spec.filters,
            kernel,
            stride: [1, 1],
            padding: [0, 0, 0, 0],
            groups: 1,
          },
          made.map,
          { bits: drawn.codeBits, signed: drawn.signed },
          { degree: drawn.degree, length: spec.moments.rows * kernel[1], coefficients: made.coefficients },
          Array(spec.filters).fill(0),
          (moment, coefficient, _n, _c, order) => spec.multipliers[order]!.multiply(moment, coefficient),
        )
        expect(totals.flat()).toEqual(expected)
      }),
      { numRuns: process.env['XGEN_FULL'] === undefined ? 100 : 1000 },
    )
  })

  const five: TileSketch = {
    kernel: [5, 5],
    degree: 1,
    group: 'kernel',
    channels: 2,
    filters: 3,
    lineWidth: 14,
    positions: 100,
  }
  test.each<readonly [string, TileSketch & Pick<ReuseTileSpec, 'shared'>]>([
    ['linear kernels', five],
    ['quadratic rows', { ...five, degree: 2, group: 'row' }],
    [
      'quadratic kernels of 3x3',
      { ...five, kernel: [3, 3], degree: 2, signed: false, multiplier: 'roup:p=1,r=2' },
    ],
    [
      'products that filters share',
      {
        ...five,
        shared: [
          [0, 1, 0],
          [0, 0, 0],
        ],
      },
    ],
  ])('Yosys counts the same: %s', async (_name, { shared, ...sketch }) => {
    const spec = { ...sketchTile(sketch), ...(shared === undefined ? {} : { shared }) }
    const top = reuseTile(spec)
    const { tally } = await yosysTally(
      openYosys(),
      { top: top.name, verilog: printVerilog(top, []), memories: memoryImages(top) },
      new AbortController().signal,
    )
    const numbers = countedNumbers({ plan: reuseTileCounts(spec), netlist: netlistTally(top), yosys: tally })
    expect(numbers.filter(({ netlist, yosys }) => netlist !== yosys)).toEqual([])
    expect(numbers.filter(({ plan, netlist }) => plan !== netlist)).toEqual([])
  })
}) // prettier-ignore
