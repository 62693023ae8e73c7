import { indexBits } from '../../base/integers.ts'
import type { RowEngine } from './plan.ts'
import {
  hasAverage,
  hasInterval,
  hasKernelColumns,
  hasPieces,
  hasSides,
  hasWideWindow,
  kernelFolded,
  partial,
} from './program.ts'

type Ports = Readonly<Record<string, number>>

const some = (present: boolean, ports: Ports): Ports => (present ? ports : {})

/** What reads the banks: an address for all of them, and which rows of the lines lie in the map. */
export const readPorts = ({ widths, rotation }: RowEngine): Ports => ({
  address: widths.bankAddress,
  ...some(rotation !== undefined, { rotation: indexBits(rotation?.banks ?? 1) }),
  inside_x: 1,
  row_low: widths.line,
  row_high: widths.line,
})

/** What chooses the weight of a row of PEs, a cycle before it is at work. */
export const selectPorts = ({ layers, widths }: RowEngine): Ports => ({
  set: 1,
  ...some(layers.some(hasKernelColumns), { kernel_x: widths.kernelColumn }),
})

/** What says which rows and tiles are at work, and with which rows of a high kernel. */
export const workPorts = ({ layers, widths, tiles }: RowEngine): Ports => ({
  ...some(layers.some(partial), { depth: widths.chain }),
  ...some(layers.some(kernelFolded), { kernel_fold: widths.kernelFold }),
  ...some(tiles.length > 1, { tile: tiles.length }),
})

/** What the accumulators at the chains' ends must know of a product. */
export const sumPorts = ({ layers, widths }: RowEngine): Ports => ({
  column: widths.accumulatorAddress,
  first: 1,
  buffer: 1,
  ...some(layers.some(hasKernelColumns), { kernel_first: 1, kernel_last: 1 }),
})

/** A weight word on its way to the PEs. */
export const loadPorts = ({ layers, widths, tiles }: RowEngine): Ports => ({
  set: 1,
  ...some(layers.some(hasKernelColumns), { kernel_x: widths.kernelColumn }),
  ...some(layers.some(hasSides), { side: widths.side }),
  ...some(tiles.length > 1, { tile: tiles.length }),
})

const when = (present: boolean, ...names: string[]): readonly string[] => (present ? names : [])

/** Fields of the program that the drain follows. */
export const drainFields = ({ layers }: RowEngine): readonly string[] => [
  'chains_last',
  'slot_last',
  'columns_last',
  ...when(layers.some(hasPieces), 'pieces_last'),
  ...when(layers.some(hasInterval), 'interval_last'),
  ...when(layers.some(hasWideWindow), 'window_x_last'),
]

/** Those that the parameter memory follows. */
export const parameterFields: readonly string[] = ['sides', 'parameter_first', 'parameter_end']

/** Those of the columns: post-processing settings of the layer that runs. */
export const postFields = ({ layers }: RowEngine): readonly string[] => [
  'low',
  'high',
  'output_signed',
  ...when(layers.some(hasAverage), 'average', 'pool_shift'),
]

/** Those of the writer. */
export const writerFields = ({ layers, shifts, rotation }: RowEngine): readonly string[] => [
  'geometry',
  'sides',
  'parameter_first',
  'parameter_last',
  'output_columns_last',
  'route_base',
  ...when(layers.some(hasPieces), 'pieces_last'),
  ...when(layers.some(hasSides), 'sides_last'),
  ...when(rotation !== undefined, 'column_words'),
  ...shifts.flatMap((shift, index) => when(shift !== 0, `shift_${index}`)),
]

/** All that stations other than the sequencer follow. */
export const stationFields = (plan: RowEngine): readonly string[] => [
  ...new Set([...drainFields(plan), ...parameterFields, ...postFields(plan), ...writerFields(plan)]),
]

/** Columns that a pooling window spans at most. */
export const tallest = ({ layers }: Pick<RowEngine, 'layers'>): number =>
  Math.max(...layers.map(({ window }) => window[0]))

/** The heights of the layers' pooling windows. */
export const windowHeights = ({ layers }: Pick<RowEngine, 'layers'>): readonly number[] => [
  ...new Set(layers.map(({ window }) => window[0])),
]

/** Bits of a sum over a pooling window. */
export const windowBits = ({ layers, widths }: Pick<RowEngine, 'layers' | 'widths'>): number =>
  widths.code + 1 + Math.max(...layers.map(({ poolShift }) => poolShift))

/** Codes of a vector that the writer holds, and those that it stores in a cycle. */
export const heldLanes = ({ layers }: Pick<RowEngine, 'layers'>): number =>
  Math.max(...layers.map(({ sides, lanes }) => sides * lanes))
export const storedLanes = ({ layers }: Pick<RowEngine, 'layers'>): number =>
  Math.max(...layers.map(({ lanes }) => lanes))
