import { coreModule } from '../../arith/multiplier.ts'
import { indexBits } from '../../base/integers.ts'
import { momentBits, momentLatency } from '../moments.ts'
import { peName } from '../names.ts'
import {
  classCount,
  groupRows,
  type ReuseTileSpec,
  type StationaryTileSpec,
  tileLatency,
} from '../reuse-tile.ts'
import { type ModuleCount, merged, moduleCount } from './module-count.ts'
import { momentUnit } from './moments.ts'

/** src/arch/reuse-tile.ts. */
export function reuseTileCounts(spec: ReuseTileSpec): readonly ModuleCount[] {
  const { channels, groups, multipliers, filters, moments } = spec
  return merged([
    moduleCount('reuse_tile', 1, 'datapath', { registers: delays(spec) }),
    momentUnit(moments, channels),
    ...(groups > 1 ? [momentLines(spec)] : []),
    ...(spec.shared === undefined
      ? [
          moduleCount('reuse_array', 1, 'datapath', {}),
          ...multipliers.flatMap((_, order) => processingElement(spec, order, channels * groups * filters)),
        ]
      : sharedArray(spec, spec.shared)),
    partialSums(spec),
  ])
}

type Sums = Pick<ReuseTileSpec, 'filters' | 'positions' | 'accumulatorBits'>

/** Registers that bring the control of the sums to the filters. */
const sumControl = (spec: Sums, latency: number, skewed = true) =>
  (latency - 1 + (skewed ? spec.filters - 1 : 0)) * (2 + indexWidth(spec))

const indexWidth = ({ positions }: Sums) => indexBits(Math.max(2, positions))

/** What keeps channels and rows in step. */
function delays(spec: ReuseTileSpec) {
  const { channels, groups, moments } = spec
  const { shared } = spec
  const rows = groups * groupRows(spec)
  const address = indexBits(moments.lineWidth)
  const position = 3 + (moments.rows > 1 ? 1 + 2 * address : groups > 1 ? address : 0)
  const behind = (channels * (channels - 1)) / 2
  const entering = shared === undefined ? moments.orders.map(({ bits }) => bits) : [momentBits(moments)]
  let operands = 0
  for (let row = 0; row < rows; row++) operands += row * (entering[row % entering.length]! + 1)
  return {
    'positions passed down': (channels - 1) * rows * position,
    codes: behind * rows * moments.codeBits,
    'window is whole': channels * momentLatency,
    'moments by row': channels * operands,
    'control of the sums': sumControl(spec, tileLatency(spec), shared === undefined),
  }
}

/** src/arch/shared-array.ts: products for each class of filters, and a sum for each filter. */
function sharedArray(
  { channels, groups, filters, multipliers, accumulatorBits }: ReuseTileSpec,
  shared: NonNullable<ReuseTileSpec['shared']>,
): ModuleCount[] {
  const classes = shared.reduce((sum, of) => sum + classCount(of), 0)
  const coefficients = multipliers.reduce((sum, { domain }) => sum + domain.nB, 0)
  const rows = channels * groups
  return [
    moduleCount('reuse_array', 1, 'datapath', {
      adders: { 'partial sums': (rows - 1) * filters },
      registers: {
        'coefficients, next ones': classes * 2 * coefficients,
        products: classes * accumulatorBits,
        sums: rows * filters * accumulatorBits,
      },
    }),
    moduleCount('reuse_array_products', classes, 'datapath', {
      cores: { 'multipliers, one an order': multipliers.length },
      adders: { 'sum of the orders': multipliers.length - 1 },
    }),
    ...multipliers.map((multiplier) => moduleCount(coreModule(multiplier), classes, 'datapath', {})),
  ]
}

function processingElement(
  { multipliers, moments, accumulatorBits }: ReuseTileSpec,
  order: number,
  instances: number,
): ModuleCount[] {
  const multiplier = multipliers[order]!
  const { nA, nB } = multiplier.domain
  return [
    moduleCount(peName(multiplier.id, moments.orders[order]!.shift), instances, 'datapath', {
      cores: { multiplier: 1 },
      adders: { 'partial sum': 1 },
      registers: {
        'coefficient, next coefficient': 2 * nB,
        sum: accumulatorBits,
        moment: nA,
        'active, load, swap': 3,
      },
    }),
    moduleCount(coreModule(multiplier), instances, 'datapath', {}),
  ]
}

/** src/arch/stationary-tile.ts: a PE for each tap, channel and filter. */
export function stationaryTileCounts(spec: StationaryTileSpec): readonly ModuleCount[] {
  const { channels, taps, filters, multiplier, accumulatorBits } = spec
  const pes = channels * taps * filters
  const { nA, nB } = multiplier.domain
  return [
    moduleCount('stationary_tile', 1, 'datapath', {
      registers: { 'control of the sums': sumControl(spec, channels * taps) },
    }),
    moduleCount('stationary_array', 1, 'datapath', {}),
    moduleCount(peName(multiplier.id, 0), pes, 'datapath', {
      cores: { multiplier: 1 },
      adders: { 'partial sum': 1 },
      registers: {
        'weight, next weight': 2 * nB,
        sum: accumulatorBits,
        activation: nA,
        'active, load, swap': 3,
      },
    }),
    moduleCount(coreModule(multiplier), pes, 'datapath', {}),
    partialSums(spec),
  ]
}

/**
 * A row-stationary grid of the same throughput, fully used: a PE works through the taps of a kernel row, so that it takes as many PEs as
 * there are taps for a position a cycle; chains of all channels' kernel rows end in a sum (src/arch/row/{row-pe,chain-end}.ts).
 */
export function rowTileCounts(spec: StationaryTileSpec): readonly ModuleCount[] {
  const { channels, taps, filters, multiplier, accumulatorBits, kernelColumns, positions } = spec
  const { nB } = multiplier.domain
  const pes = channels * taps * filters
  return [
    moduleCount(`row_pe_${multiplier.id}`, pes, 'datapath', {
      cores: { multiplier: 1 },
      adders: { 'partial sum': 1 },
      registers: { 'filter row, next one': 2 * kernelColumns * nB, weight: nB, sum: accumulatorBits },
    }),
    moduleCount(coreModule(multiplier), pes, 'datapath', {}),
    moduleCount('chain_end', kernelColumns * filters, 'datapath', {
      adders: { accumulator: 1 },
      registers: {
        'running sum': kernelColumns > 1 ? accumulatorBits : 0,
        'words read': 2 * accumulatorBits,
      },
      memoryBits: { sums: 2 * Math.max(2, Math.ceil(positions / kernelColumns)) * accumulatorBits },
    }),
  ]
}

function momentLines({ moments, groups, channels }: ReuseTileSpec): ModuleCount {
  const { orders, lineWidth } = moments
  const word = (groups - 1) * orders.reduce((sum, { bits }) => sum + bits, 0)
  return moduleCount('moment_lines', channels, 'datapath', {
    registers: { 'reading, writing': 2, 'their columns': 2 * indexBits(lineWidth), 'moments above': word },
    memoryBits: { 'moments above': word * lineWidth },
  })
}

function partialSums(spec: Sums): ModuleCount {
  const { accumulatorBits, filters, positions } = spec
  return moduleCount('partial_sums', filters, 'datapath', {
    adders: { accumulator: 1 },
    registers: {
      'begins, now': 2,
      index: indexWidth(spec),
      'sum before, total': 2 * accumulatorBits,
    },
    memoryBits: { sums: Math.max(2, positions) * accumulatorBits },
  })
}
