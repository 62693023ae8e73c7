import { indexBits, unsignedBits } from '../../base/integers.ts'
import { planeWords, type Rotation } from '../rotation.ts'
import type { RowEngine, RowLayer } from './plan.ts'

/** One field of a program word. Values are taken modulo 2^width. */
export interface RowField {
  readonly name: string
  readonly width: number
  readonly value: (layer: RowLayer, index: number) => number
}

type Programmed = Pick<RowEngine, 'layers' | 'widths' | 'shifts' | 'tiles' | 'memories' | 'rotation'>

/**
 * The program: one word a layer. The first field is the most significant. Loop limits are stored as the last index, and durations as cycles - 1, so that
 * the hardware compares and never subtracts. A field that only some networks need is absent from the others.
 */
export function rowFields(plan: Programmed): readonly RowField[] {
  const { layers, widths } = plan
  type Value = (layer: RowLayer) => number
  const fixed = (name: string, width: number, value: RowField['value']): RowField => ({ name, width, value })
  const counted = (name: string, value: Value) =>
    fixed(name, unsignedBits(Math.max(...layers.map(value))), value)
  const address = (name: string, value: Value) => fixed(name, widths.bankAddress, value)
  const some = (test: (layer: RowLayer) => boolean, ...fields: RowField[]) =>
    layers.some(test) ? fields : []
  return [
    fixed('last_layer', 1, (_, index) => (index === layers.length - 1 ? 1 : 0)),
    fixed('geometry', indexBits(geometryCount(plan)), (l) => l.geometry),
    counted('cycles_fill', (l) => l.cyclesFill - 1),
    counted('cycles_partial', (l) => l.cyclesPartial - 1),
    counted('cycles_final', (l) => l.cyclesFinal - 1),
    counted('cycles_drain', (l) => l.cyclesDrain - 1),
    counted('row_folds_last', (l) => l.rowFolds - 1),
    counted('groups_last', (l) => l.groups - 1),
    counted('filter_folds_last', (l) => l.filterFolds - 1),
    counted('channel_folds_last', (l) => l.channelFolds - 1),
    ...some(
      kernelFolded,
      counted('kernel_folds_last', (l) => l.kernelFolds - 1),
    ),
    counted('columns_last', (l) => l.positions[1] - 1),
    ...some(
      hasKernelColumns,
      counted('kernel_x_last', (l) => l.kernel[1] - 1),
    ),
    ...some(
      hasSides,
      counted('sides_last', (l) => l.sides - 1),
    ),
    counted('sides', (l) => l.sides),
    ...(plan.rotation === undefined
      ? [
          address('start_address', (l) => l.layout.base - l.padding[1]),
          address('word_step', (l) => l.layout.blocks * l.layout.width),
          address('row_step', (l) => l.layout.width),
          address('column_step', columnStep),
        ]
      : sharedFields(plan.rotation, address, fixed)),
    fixed('start_x', widths.coordinate, (l) => -l.padding[1]),
    fixed('column_step_x', widths.coordinate, columnStep),
    fixed('width', widths.coordinate, (l) => l.layout.width),
    fixed('row_low', widths.line, (l) => l.layout.top),
    fixed('row_high', widths.line, (l) => l.layout.top + l.layout.height),
    fixed('row_period', widths.line, (l) => l.layout.period),
    ...some(
      partial,
      fixed('chain', widths.chain, (l) => l.chain),
      fixed('chain_last', widths.chain, (l) => l.chainLast),
    ),
    fixed('weight_base', widths.weightAddress, (l) => l.weightBase),
    ...(plan.tiles.length > 1 ? [fixed('pass_base', widths.passAddress, (l) => l.passBase)] : []),
    counted('chains_last', (l) => l.chains - 1),
    ...some(
      hasPieces,
      counted('pieces_last', (l) => l.pieces - 1),
    ),
    counted('slot_last', (l) => l.slot - 1),
    ...some(
      hasInterval,
      counted('interval_last', (l) => l.interval - 1),
    ),
    ...some(
      hasWideWindow,
      counted('window_x_last', (l) => l.window[1] - 1),
    ),
    fixed('low', 9, (l) => l.low),
    fixed('high', 9, (l) => l.high),
    fixed('output_signed', 1, (l) => (l.outputSigned ? 1 : 0)),
    ...some(
      hasAverage,
      fixed('average', 1, (l) => (l.average ? 1 : 0)),
      counted('pool_shift', (l) => l.poolShift),
    ),
    fixed('parameter_first', widths.parameterAddress, (l) => l.parameterBase),
    fixed('parameter_last', widths.parameterAddress, (l) => l.parameterBase + l.parameterWords - l.sides),
    fixed('parameter_end', widths.parameterAddress, (l) => l.parameterBase + l.parameterWords - 1),
    counted('output_columns_last', (l) => l.outputShape[2] - 1),
    fixed('route_base', widths.routeAddress, (l) => l.routeBase),
    ...plan.shifts.flatMap((shift, index) =>
      shift === 0 ? [] : [address(`shift_${index}`, (l) => shift * l.output.width)],
    ),
  ]
}

/** Where a layer's lines lie in shared banks: words run down the columns, and a row turns the banks by one. */
function sharedFields(
  { banks }: Rotation,
  address: (name: string, value: (layer: RowLayer) => number) => RowField,
  fixed: (name: string, width: number, value: RowField['value']) => RowField,
): readonly RowField[] {
  const rows = ({ layout }: RowLayer) => layout.height
  const bank = indexBits(banks)
  return [
    address('start_address', (l) => l.layout.base - l.padding[1] * rows(l) - l.layout.top),
    fixed('start_rotation', bank, (l) => -l.layout.top),
    address('word_step', (l) => planeWords(l.layout)),
    address('row_step', (l) => l.layout.period),
    fixed('row_rotation', bank, (l) => l.layout.period),
    address('kernel_step', rows),
    address('column_step', (l) => columnStep(l) * rows(l)),
    address('column_words', (l) => l.output.height),
  ]
}

/** From the last kernel column of a position to the first one of the next. */
const columnStep = ({ stride, kernel }: RowLayer) => stride[1] - (kernel[1] - 1)

/** What only some networks need of the hardware. */
export const kernelFolded = (layer: RowLayer) => layer.kernelFolds > 1
export const hasKernelColumns = (layer: RowLayer) => layer.kernel[1] > 1
export const hasSides = (layer: RowLayer) => layer.sides > 1
export const hasPieces = (layer: RowLayer) => layer.pieces > 1
export const hasInterval = (layer: RowLayer) => layer.interval > 1
export const hasWideWindow = (layer: RowLayer) => layer.window[1] > 1
export const hasTallWindow = (layer: RowLayer) => layer.window[0] > 1
export const hasAverage = (layer: RowLayer) => layer.average
/** Some PEs of a chain have no work in its last fold. */
export const partial = (layer: RowLayer) => layer.chainLast < layer.chain

export const geometryCount = ({ layers }: Pick<RowEngine, 'layers'>): number =>
  Math.max(...layers.map((layer) => layer.geometry)) + 1

/** A layer of each geometry. */
export const geometries = ({ layers }: Pick<RowEngine, 'layers'>): readonly RowLayer[] =>
  Array.from({ length: geometryCount({ layers }) }, (_, i) => layers.find(({ geometry }) => geometry === i)!)

export const rowProgramBits = (fields: readonly RowField[]): number =>
  fields.reduce((sum, field) => sum + field.width, 0)

/** The program word of a layer. */
export const rowProgramWord = (fields: readonly RowField[], layer: RowLayer, index: number): bigint =>
  fields.reduce(
    (word, { width, value }) => (word << BigInt(width)) | BigInt.asUintN(width, BigInt(value(layer, index))),
    0n,
  )

/** A pass word {last pass of its sums, a bit for each tile}. None where there is one tile. */
export const rowPassBits = ({ tiles }: Pick<RowEngine, 'tiles'>): number =>
  tiles.length > 1 ? tiles.length + 1 : 0

export function rowPassWords({ layers, tiles }: Pick<RowEngine, 'layers' | 'tiles'>): readonly number[] {
  if (tiles.length === 1) return []
  return layers.flatMap(({ passes }) =>
    passes.flatMap((list) =>
      list.map((tile, at) => 2 ** tile + (at === list.length - 1 ? 2 ** tiles.length : 0)),
    ),
  )
}

type Routed = Pick<RowEngine, 'widths' | 'shifts'>

/** A route word {pattern, rows, a bit for each shift, address}. */
export const routeBits = ({ widths, shifts }: Routed): number =>
  widths.pattern + widths.lane + shifts.length + widths.bankAddress

export function routeWords(plan: Routed & Pick<RowEngine, 'routes'>): readonly bigint[] {
  const { widths, shifts, routes } = plan
  return routes.map(({ pattern, rows, address, enabled }) => {
    const flags = enabled.reduce((bits, on, index) => bits + (on ? 2 ** index : 0), 0)
    const high = (BigInt(pattern) << BigInt(widths.lane)) | BigInt(rows)
    const middle = (high << BigInt(shifts.length)) | BigInt(flags)
    return (middle << BigInt(widths.bankAddress)) | BigInt.asUintN(widths.bankAddress, BigInt(address))
  })
}

/** A channel word {exists, channel, address}. */
export const channelBits = ({ widths }: Pick<RowEngine, 'widths'>): number =>
  1 + widths.channel + widths.bankAddress

export function channelWords({
  widths,
  channels,
}: Pick<RowEngine, 'widths' | 'channels'>): readonly bigint[] {
  return channels.map(({ exists, channel, address }) => {
    const high = (BigInt(exists ? 1 : 0) << BigInt(widths.channel)) | BigInt(channel)
    return (high << BigInt(widths.bankAddress)) | BigInt(address)
  })
}

/** The file of a memory's contents: of a grid beside an array, whose memories have files of the same names, with what it is. */
export const memoryFile = ({ rotation }: Pick<RowEngine, 'rotation'>, name: string): string =>
  `${rotation === undefined ? '' : 'grid_'}${name}.hex`
