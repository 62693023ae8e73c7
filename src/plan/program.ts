import { indexBits, signedBits, unsignedBits } from '../base/integers.ts'
import { meanBy } from './merge.ts'
import { addsKernels, unitOf } from './moments.ts'
import { type Operand, operandLanes, type Plan, type PlanLayer, type PlanMerge } from './plan.ts'
import { columnsVary, layerSize, layerTop, rowsVary } from './size.ts'

/** One field of a program word. Values are taken modulo 2^width. */
export interface ProgramField {
  readonly name: string
  readonly width: number
  /** Who reads it: only the loader (and the start of a fold), or the stations that follow while a fold is streamed. */
  readonly use: 'load' | 'stream'
  readonly value: (layer: PlanLayer) => number
}

type Programmed = Pick<
  Plan,
  'layers' | 'array' | 'widths' | 'moduli' | 'merge' | 'moments' | 'grid' | 'inputUntil'
>

/**
 * The program: one word a layer, which the sequencer walks. The first field is the most significant; fields
 * for loading come before those for streaming. Loop limits are
 * stored as the last index (limit - 1), so that the hardware compares and never subtracts.
 */
export function programFields(plan: Programmed): readonly ProgramField[] {
  const { layers, array, widths } = plan
  const fixed = (name: string, width: number, value: Value) => ({ name, width, value })
  const counted = (name: string, value: Value) =>
    fixed(name, unsignedBits(Math.max(...layers.map(value))), value)
  const address = (name: string, value: Value) => fixed(name, widths.bankAddress, value)
  const coordinate = (name: string, value: Value) => fixed(name, widths.coordinate, value)
  const level = (index: number) => [
    address(`step${index}_address`, (l) => l.increments[index]!.address),
    coordinate(`step${index}_y`, (l) => l.increments[index]!.y),
    coordinate(`step${index}_x`, (l) => l.increments[index]!.x),
  ]
  const flag = (name: string, value: (layer: PlanLayer) => boolean) =>
    fixed(name, 1, (l) => (value(l) ? 1 : 0))
  /** Rows or columns of the windows of a layer that fills the moment banks. */
  const span = ({ fills }: PlanLayer, axis: 0 | 1) => {
    const unit = fills && plan.moments!.units[fills.unit]!
    return unit === undefined ? 1 : axis === 0 ? unit.rows : unit.columns
  }
  const lanes = unsignedBits(Math.max(...layers.map((l) => Math.max(l.lanes, l.lanesLast))))
  const intervals = unsignedBits(Math.max(...layers.map((l) => Math.max(l.interval, l.intervalLast) - 1)))
  const load = [
    counted('taps', (l) => l.taps),
    counted('column_folds_last', (l) => l.columnFolds - 1),
    counted('modulus_last', (l) => l.inputModulus - 1),
    counted('words_last', (l) => (l.tapWords ?? l.inputWords) - 1),
    counted('kernel_x_last', (l) => l.kernel[1] - 1),
    address('offset_carry', (l) => l.offsetCarry),
    ...(readsParts(plan)
      ? [address('pixel_carry', (l) => (l.tapWords === undefined ? 1 : l.inputWords - l.tapWords + 1))]
      : []),
    ...(stepsOverWords(plan) ? [address('tap_step', (l) => l.tapStep ?? 1)] : []),
    ...(plan.grid === undefined
      ? []
      : [
          address('pixel_carry', (l) => l.rotated?.pixelCarry ?? 0),
          address('plane', (l) => l.rotated?.plane ?? 0),
          fixed('channels_last', unsignedBits(array.rows), (l) => l.rotated?.channelsLast ?? 0),
        ]),
    ...(movesWindows(plan)
      ? [
          address('window_words', (l) => l.groups?.words ?? 0),
          counted('window_folds_last', (l) => (l.groups?.folds ?? 1) - 1),
        ]
      : []),
    counted('cycles_partial', (l) => l.cyclesPartial),
    counted('cycles_final', (l) => l.cyclesFinal),
    counted('cycles_last', (l) => l.cyclesLast),
    address('start_address', (l) => l.start.address),
    coordinate('start_y', (l) => l.start.y),
    coordinate('start_x', (l) => l.start.x),
    ...(plan.moments === undefined ? [] : [flag('loads_nothing', (l) => l.fills !== undefined)]),
    ...(rowsVary(plan)
      ? [
          fixed('rows', unsignedBits(array.rows), (l) => layerSize(plan, l).rows),
          fixed('row_first', indexBits(array.rows), (l) => layerTop(plan, l) - (l.loadDelay ?? 0)),
        ]
      : []),
  ]
  const stream = [
    ...(rowsVary(plan) ? [fixed('row_top', indexBits(array.rows), (l) => layerTop(plan, l))] : []),
    ...(columnsVary(plan)
      ? [fixed('columns', unsignedBits(array.columns), (l) => layerSize(plan, l).columns)]
      : []),
    fixed('columns_last', unsignedBits(array.columns), (l) => l.columnsLast),
    fixed('interval_limit', intervals, (l) => l.interval - 1),
    fixed('interval_limit_last', intervals, (l) => l.intervalLast - 1),
    counted('positions_last', (l) => l.positions - 1),
    counted('window_x_last', (l) => l.window[1] - 1),
    counted('window_y_last', (l) => l.window[0] - 1),
    counted('pool_x_last', (l) => l.outputShape[2] - 1),
    coordinate('height', (l) => l.inputSize[0]),
    coordinate('width', (l) => l.inputSize[1]),
    ...[0, 1, 2, 3].flatMap(level),
    fixed('low', 9, (l) => l.low),
    fixed('high', 9, (l) => l.high),
    ...(plan.merge === undefined
      ? [
          fixed('output_signed', 1, (l) => (l.outputSigned ? 1 : 0)),
          fixed('average', 1, (l) => (l.average ? 1 : 0)),
          counted('pool_shift', (l) => l.poolShift),
        ]
      : mergeFields({ ...plan, merge: plan.merge }, fixed, counted, address)),
    ...(releaseLayer(plan) > 1
      ? [fixed('input_until', 1, (l) => (layers.indexOf(l) === releaseLayer(plan) ? 1 : 0))]
      : []),
    ...(plan.moments === undefined
      ? []
      : [
          flag('fills', (l) => l.fills !== undefined),
          flag('reads_moments', (l) => l.readsMoments !== undefined),
          ...(plan.moments.units.length === 1 ? [] : [counted('moment_unit', (l) => unitOf(l) ?? 0)]),
          counted('span_y_last', (l) => span(l, 0) - 1),
          counted('span_x_last', (l) => span(l, 1) - 1),
          counted('line_last', (l) => l.fills?.lastColumn ?? 0),
          counted('stride_y_last', (l) => (l.fills?.stride[0] ?? 1) - 1),
          counted('stride_x_last', (l) => (l.fills?.stride[1] ?? 1) - 1),
          address('moment_words', (l) => l.fills?.words ?? 0),
          ...(addsKernels(plan.moments) ? [counted('folds_begun', (l) => l.fills?.begun ?? 0)] : []),
        ]),
    ...(plan.grid === undefined ? [] : [flag('waits', (l) => l.grid !== undefined)]),
    address('output_base', (l) => l.outputBase),
    ...(plan.grid === undefined
      ? [address('output_words', (l) => l.outputWords)]
      : [
          address('output_plane', (l) => l.rotated?.output.plane ?? 0),
          address('output_column', (l) => l.rotated?.output.column ?? 0),
          address('output_row', (l) => l.rotated?.output.row ?? 0),
        ]),
    fixed('lanes', lanes, (l) => l.lanes),
    fixed('lanes_last', lanes, (l) => l.lanesLast),
    ...(plan.grid === undefined
      ? [fixed('modulus', indexBits(plan.moduli.length), (l) => plan.moduli.indexOf(l.outputModulus))]
      : []),
  ]
  return [
    ...load.map((field) => ({ ...field, use: 'load' as const })),
    ...stream.map((field) => ({ ...field, use: 'stream' as const })),
  ]
}

type Value = (layer: PlanLayer) => number
type Field = { readonly name: string; readonly width: number; readonly value: Value }

/** What the map reader and the merge columns must know of a layer. */
function mergeFields(
  plan: { readonly merge: PlanMerge; readonly layers: readonly PlanLayer[] },
  fixed: (name: string, width: number, value: Value) => Field,
  counted: (name: string, value: Value) => Field,
  address: (name: string, value: Value) => Field,
): readonly Field[] {
  const { sets, moduli, reciprocal } = plan.merge
  const flag = (name: string, value: (layer: PlanLayer) => boolean) =>
    fixed(name, 1, (l) => (value(l) ? 1 : 0))
  const operand =
    (value: (operand: Operand) => number): Value =>
    (l) =>
      l.merge!.operand === undefined ? 0 : value(l.merge!.operand)
  return [
    flag('code_signed', (l) => l.merge!.codeSigned),
    flag('average', (l) => l.average),
    ...(meanBy(plan) === 'shift' ? [counted('pool_shift', (l) => l.poolShift)] : []),
    ...(reciprocal === undefined
      ? []
      : [
          fixed('reciprocal', reciprocal.bits, (l) => l.merge!.reciprocal),
          counted('average_offset', (l) => l.merge!.offset),
        ]),
    ...(sets === 1
      ? []
      : [
          flag('products', (l) => l.does === undefined),
          fixed('code_multiplier', 16, (l) => l.merge!.multipliers[0]),
          fixed('operand_multiplier', 16, (l) => l.merge!.multipliers[1]),
          fixed('merge_shift', 6, (l) => l.merge!.shift),
          fixed('merge_low', 9, (l) => l.merge!.low),
          fixed('merge_high', 9, (l) => l.merge!.high),
          flag('operand', (l) => l.merge!.operand !== undefined),
          fixed(
            'operand_signed',
            1,
            operand(({ signed }) => (signed ? 1 : 0)),
          ),
          address(
            'operand_start',
            operand(({ start }) => start),
          ),
          ...[0, 1, 2, 3].map((level) =>
            address(
              `operand_step${level}`,
              operand(({ increments }) => increments[level]!),
            ),
          ),
          counted('operand_lanes', (l) => operandLanes(l, 0)),
          counted('operand_lanes_last', (l) => operandLanes(l, l.columnFolds - 1)),
          fixed(
            'operand_modulus',
            indexBits(moduli.length),
            operand(({ modulus }) => moduli.indexOf(modulus)),
          ),
          fixed('read_set', 1, (l) => l.merge!.readSet),
          fixed('store_sets', 2, (l) => l.merge!.storeSets),
        ]),
  ]
}

/** The layer at whose start the input map has been read. */
export const releaseLayer = ({ layers, inputUntil }: Pick<Plan, 'layers' | 'inputUntil'>): number =>
  inputUntil ?? Math.min(1, layers.length)

/** Whether some layer has no products. */
export const hasMaps = ({ layers }: Pick<Plan, 'layers'>): boolean =>
  layers.some(({ does }) => does !== undefined)

/** Whether some layer's taps read only a part of each pixel's words. */
export const readsParts = ({ layers }: Pick<Plan, 'layers'>): boolean =>
  layers.some(({ tapWords }) => tapWords !== undefined)

/** Whether some layer's taps are not neighbours in a pixel's words. */
export const stepsOverWords = ({ layers }: Pick<Plan, 'layers'>): boolean =>
  layers.some(({ tapStep }) => tapStep !== undefined)

/** Whether some layer's column folds see different channels. */
export const movesWindows = ({ layers }: Pick<Plan, 'layers'>): boolean =>
  layers.some(({ groups, columnFolds }) => groups !== undefined && groups.words > 0 && columnFolds > 1)

export function programBits(fields: readonly ProgramField[]): number {
  return fields.reduce((sum, field) => sum + field.width, 0)
}

/** Widths of the parts of a pass word, the lowest first: one bit a tile, where there are several; the mode, where it comes with the pass; 1 in the last pass of a column fold. */
export function passFields({ tiles, modes }: Pick<Plan, 'tiles' | 'modes'>) {
  return {
    tiles: tiles.length > 1 ? tiles.length : 0,
    mode: modes?.from === 'pass' ? modes.bits : 0,
    last: 1,
  }
}

export function passBits(plan: Pick<Plan, 'tiles' | 'modes'>): number {
  const { tiles, mode, last } = passFields(plan)
  return tiles + mode + last
}

/** The words of the pass memory, in the order of use. None where a pass has nothing to say. */
export function passWords(plan: Pick<Plan, 'layers' | 'tiles' | 'modes'>): readonly number[] {
  const fields = passFields(plan)
  if (fields.tiles + fields.mode === 0) return []
  return plan.layers.flatMap(({ passes, modes }) =>
    passes.flatMap((list, g) =>
      list.map((tiles, pass) => {
        const mask = fields.tiles === 0 ? 0 : tiles.reduce((bits, tile) => bits + 2 ** tile, 0)
        const mode = fields.mode === 0 ? 0 : modes![g]![pass]! * 2 ** fields.tiles
        return mask + mode + (pass === list.length - 1 ? 2 ** (fields.tiles + fields.mode) : 0)
      }),
    ),
  )
}

/** The program word of a layer. */
export function programWord(fields: readonly ProgramField[], layer: PlanLayer): bigint {
  return fields.reduce(
    (word, field) => (word << BigInt(field.width)) | BigInt.asUintN(field.width, BigInt(field.value(layer))),
    0n,
  )
}

/** Signed bits for map coordinates: y + ky and x + kx over all positions, compared without wrapping. */
export function coordinateBits(layers: readonly PlanLayer[]): number {
  let low = 0
  let high = 1
  for (const layer of layers) {
    const last = (axis: 0 | 1) => {
      const count = layer.outputShape[axis + 1]!
      const [window, stride] = [layer.window[axis], layer.stride[axis]]
      // windows of a map lie `stride` apart; of a convolution the positions do
      const position =
        layer.does === undefined ? (count * window - 1) * stride : (count - 1) * stride + window - 1
      return position - layer.padding[axis] + layer.kernel[axis] - 1
    }
    const [lastY, lastX] = [last(0), last(1)]
    low = Math.min(low, -layer.padding[0], -layer.padding[1])
    high = Math.max(high, lastY, lastX, layer.inputSize[0], layer.inputSize[1])
  }
  return signedBits(low, high)
}
