import { invariant } from '../base/errors.ts'
import { divideUp } from '../base/integers.ts'
import type { QTensor } from '../quant/qgraph.ts'
import { codeRange } from '../quant/rules.ts'
import type { ArraySpec, Size } from './array.ts'
import { averageOffset, reciprocalOf } from './average.ts'
import { channelSlots } from './banking.ts'
import { type ArrayWork, isPassed, type MapWork, type Work } from './lower.ts'
import type { FoldMix } from './mix.ts'
import type { Latency, Operand, PlanLayer, Point } from './plan.ts'
import { smaller } from './size.ts'
import { channelWindow } from './windows.ts'

/** Where the codes of a layer lie in the banks. */
export interface Place {
  /** Word of the first pixel's first channel. */
  readonly base: number
  readonly modulus: number
  /** Words of a pixel of the stored map. */
  readonly words: number
}

/** Where a layer's maps lie in the banks, and on which tiles it runs. */
export interface Placement {
  readonly mix: FoldMix
  /** Cycles that the layer's first weights wait. */
  readonly loadDelay: number
  /** The program says the mode of each pass. */
  readonly modesByPass: boolean
  readonly input: Place
  readonly output: Place
  readonly operand: Place | undefined
  /** Present where the plan has merge columns. */
  readonly merge: MergePlacement | undefined
  readonly weightBase: number
  readonly parameterBase: number
  readonly accumulatorBits: number
}

export interface MergePlacement {
  readonly readSet: number
  readonly storeSets: number
  /** Of averages by a reciprocal; undefined where they are shifted. */
  readonly reciprocalShift: number | undefined
}

/** Loops over windows and the positions of a window, in steps of the map that is read. */
interface Walk {
  /** Rows and columns of a map, and words of its pixels. */
  readonly width: number
  readonly words: number
  readonly window: Pair
  /** Columns of the output map. */
  readonly columns: number
  /** From a position of a window to the next, and from a window to the next. */
  readonly inner: Pair
  readonly outer: Pair
}

type Pair = readonly [vertical: number, horizontal: number]

/** The increments of the four loops: window x, window y, pool x, pool y. */
function increments({ width, words, window, columns, inner, outer }: Walk): PlanLayer['increments'] {
  // + 0 makes a plain 0 of -0, which a written plan would not keep
  const point = (dy: number, dx: number): Point => ({
    address: (dy * width + dx) * words + 0,
    y: dy + 0,
    x: dx + 0,
  })
  const [backY, backX] = [(window[0] - 1) * inner[0], (window[1] - 1) * inner[1]]
  return [
    point(0, inner[1]),
    point(inner[0], -backX),
    point(-backY, outer[1] - backX),
    point(outer[0] - backY, -(columns - 1) * outer[1] - backX),
  ]
}

/** How often positions may come, and how long the steps are. */
interface Pace {
  readonly positions: number
  readonly area: number
  readonly size: Size
  /** Words that the writer stores for a vector, and that the map reader reads for a position; of the last column fold too. */
  readonly lanes: number
  readonly lanesLast: number
  readonly read: number
  readonly readLast: number
  readonly columnsLast: number
  readonly aligned: number
}

function paceOf({ positions, area, size, lanes, lanesLast, read, readLast, columnsLast, aligned }: Pace) {
  // The writer takes one cycle a lane and gets a vector every `area * interval` cycles.
  const interval = Math.max(divideUp(lanes, area), read)
  const intervalLast = Math.max(divideUp(lanesLast, area), readLast)
  const cyclesPartial = Math.max(positions, minimumStep)
  // The last column fold may come at a shorter interval: its first vector must not meet the last one of the fold before in the writer.
  const stored = (positions - 1) * interval + lanes + read - readLast - (area - 1) * intervalLast
  const cyclesFinal = Math.max(positions * interval + parameterHold, size.columns, stored)
  // aligned, copied to the writer, and stored lane by lane
  const drained = (positions - 1) * intervalLast + aligned + readLast - 1 + 1 + lanesLast
  return {
    interval,
    intervalLast,
    cyclesPartial,
    cyclesFinal,
    cyclesLast: Math.max(drained, columnsLast),
  }
}

/** A layer's column folds, and the words of its maps that they take. */
function foldsOf(filters: number, { columns }: Size, output: Place, operand: Place | undefined) {
  const columnFolds = divideUp(filters, columns)
  const columnsLast = filters - (columnFolds - 1) * columns
  const words = (count: number, place: Place | undefined) =>
    place === undefined ? 1 : divideUp(count, place.modulus)
  return {
    columnFolds,
    columnsLast,
    lanes: words(columns, output),
    lanesLast: words(columnsLast, output),
    read: words(columns, operand),
    readLast: words(columnsLast, operand),
  }
}

export function mapLayer(array: ArraySpec, layer: Work, placement: Placement): PlanLayer {
  return layer.kind === 'array' ? arrayLayer(array, layer, placement) : windowLayer(array, layer, placement)
}

function arrayLayer(array: ArraySpec, layer: ArrayWork, placement: Placement): PlanLayer {
  const { conv, pool, kernel } = layer
  const { mix, input, output } = placement
  const { size } = mix
  const [channels, height, width] = layer.input.shape
  const [filters, outputHeight, outputWidth] = layer.output.shape
  const window = pool?.window ?? ([1, 1] as const)
  const stride = conv.dense ? ([1, 1] as const) : conv.stride
  const [top, left] = conv.dense ? [0, 0] : conv.padding
  const area = window[0] * window[1]
  const positions = outputHeight * outputWidth * area

  const seen = channelWindow(conv, channels, size.columns)
  const slots = seen?.channels ?? channelSlots(channels, input.modulus)
  const taps = kernel[0] * kernel[1] * slots
  const tapWords = slots / input.modulus
  const folds = foldsOf(filters, size, output, placement.operand)
  const latency = latencyOf({ rows: size.rows, columns: array.columns }, placement.merge !== undefined)
  const pace = paceOf({ positions, area, size, ...folds, aligned: latency.aligned })
  const average = pool?.mode === 'average'
  return {
    name: conv.name,
    ...passesOf(placement),
    ...smaller(array, size),
    ...(placement.loadDelay > 0 ? { loadDelay: placement.loadDelay } : {}),
    ...(mix.order.every((filter, position) => filter === position) ? {} : { order: mix.order }),
    ...(seen === undefined
      ? {}
      : {
          groups: {
            count: conv.groups,
            channels: channels / conv.groups,
            words: seen.step / input.modulus,
            folds: seen.folds,
          },
        }),
    channels: slots,
    filler: seen === undefined ? slots - channels : 0,
    kernel,
    stride,
    padding: [top, left],
    inputSize: [height, width],
    window,
    average,
    outputShape: layer.output.shape,
    outputSigned: layer.output.signed,
    macs: isPassed(conv) ? 0 : convolutionMacs(layer),
    ...(isPassed(conv) ? { passed: true as const } : {}),
    positions,
    taps,
    filters,
    rowFolds: divideUp(taps, size.rows),
    columnFolds: folds.columnFolds,
    columnsLast: folds.columnsLast,
    ...pace,
    inputBase: input.base,
    inputModulus: input.modulus,
    inputWords: input.words,
    ...(tapWords === input.words ? {} : { tapWords }),
    outputBase: output.base,
    outputModulus: output.modulus,
    outputWords: output.words,
    lanes: folds.lanes,
    lanesLast: folds.lanesLast,
    start: { address: input.base - (top * width + left) * input.words, y: 0 - top, x: 0 - left },
    increments: increments({
      width,
      words: input.words,
      window,
      columns: outputWidth,
      inner: stride,
      outer: [window[0] * stride[0], window[1] * stride[1]],
    }),
    offsetCarry: (width - kernel[1]) * input.words + (input.words - tapWords) + 1,
    low: conv.low,
    high: conv.high,
    poolShift: poolShiftOf(placement, average, area),
    ...(placement.merge === undefined
      ? {}
      : { merge: { ...sumOf(layer, folds, placement), ...mergeOf(placement.merge, average, area) } }),
    weightBase: placement.weightBase,
    parameterBase: placement.parameterBase,
    accumulatorBits: placement.accumulatorBits,
    cycles: 0,
  }
}

/** The passes of the layer, with their modes where they come with them. */
const passesOf = ({ mix, modesByPass }: Placement) => ({
  passes: mix.passes.map((list) => list.map(({ tiles }) => tiles)),
  ...(modesByPass ? { modes: mix.passes.map((list) => list.map(({ modes }) => modes[0] ?? 0)) } : {}),
})

/** What a layer without products is: its positions read a map, whose codes go through the merge columns alone. */
function windowLayer(array: ArraySpec, layer: MapWork, placement: Placement): PlanLayer {
  const { input, output, mix, merge } = placement
  const { window, stride, padding, average } = layer
  const [filters, outputHeight, outputWidth] = layer.output.shape
  const [height, width] = layer.input.shape.slice(1) as [number, number]
  const area = window[0] * window[1]
  const positions = outputHeight * outputWidth * area
  const folds = foldsOf(filters, mix.size, output, input)
  const { aligned } = latencyOf(array, true)
  const walk = { width, window, columns: outputWidth, inner: [1, 1], outer: stride } as const
  const steps = increments({ ...walk, words: input.words })
  const start = input.base - (padding[0] * width + padding[1]) * input.words
  const { low, high } = codes(layer.output)
  return {
    name: layer.name,
    ...passesOf(placement),
    does: layer.does,
    channels: layer.input.shape[0],
    filler: 0,
    kernel: [1, 1],
    stride,
    padding,
    // zeros come from outside of a map
    inputSize: layer.reads === undefined ? [0, 0] : [height, width],
    window,
    average,
    outputShape: layer.output.shape,
    outputSigned: layer.output.signed,
    macs: 0,
    positions,
    taps: 0,
    filters,
    rowFolds: 1,
    columnFolds: folds.columnFolds,
    columnsLast: folds.columnsLast,
    ...paceOf({ positions, area, size: mix.size, ...folds, aligned }),
    inputBase: input.base,
    inputModulus: input.modulus,
    inputWords: input.words,
    outputBase: output.base,
    outputModulus: output.modulus,
    outputWords: output.words,
    lanes: folds.lanes,
    lanesLast: folds.lanesLast,
    start: { address: 0, y: 0 - padding[0], x: 0 - padding[1] },
    increments: steps.map((point) => ({ ...point, address: 0 })) as unknown as PlanLayer['increments'],
    offsetCarry: 1,
    low: 0,
    high: 0,
    poolShift: poolShiftOf(placement, average, area),
    merge: {
      codeSigned: false,
      operand: {
        signed: layer.input.signed,
        modulus: input.modulus,
        start: start + 0,
        increments: steps.map(({ address }) => address) as unknown as Operand['increments'],
        lanes: folds.read,
        lanesLast: folds.readLast,
      },
      ...unchanged(1),
      low,
      high,
      ...mergeOf(merge!, average, area),
    },
    weightBase: placement.weightBase,
    parameterBase: placement.parameterBase,
    accumulatorBits: placement.accumulatorBits,
    cycles: 0,
  }
}

/** Multipliers and shift that leave one of two operands as it is: the array's code (0), or the map's (1). */
const unchanged = (operand: 0 | 1) => ({
  multipliers: operand === 0 ? ([2 ** 15, 0] as const) : ([0, 2 ** 15] as const),
  shift: 15,
})

const codes = ({ bits, signed }: QTensor) => {
  const [low, high] = codeRange(bits, signed)
  return { low, high }
}

/** The addition that is fused into a layer, or none. */
function sumOf(layer: ArrayWork, folds: ReturnType<typeof foldsOf>, { operand }: Placement) {
  const { addend, pool, code } = layer
  const [, outputHeight, outputWidth] = layer.output.shape
  if (addend === undefined || operand === undefined)
    return { codeSigned: code.signed, ...unchanged(0), ...codes(code) }
  const window = pool?.window ?? ([1, 1] as const)
  const steps = increments({
    width: addend.tensor.shape[2],
    words: operand.words,
    window,
    columns: outputWidth,
    inner: [1, 1],
    outer: window,
  })
  invariant(
    outputHeight * window[0] <= addend.tensor.shape[1],
    `the operand of "${addend.add.name}" is too small`,
  )
  return {
    codeSigned: code.signed,
    operand: {
      signed: addend.tensor.signed,
      modulus: operand.modulus,
      start: operand.base,
      increments: steps.map(({ address }) => address) as unknown as Operand['increments'],
      lanes: folds.read,
      lanesLast: folds.readLast,
    },
    multipliers: addend.multipliers,
    shift: addend.add.shift,
    low: addend.add.low,
    high: addend.add.high,
  }
}

const poolShiftOf = ({ merge }: Placement, average: boolean, area: number): number =>
  average && merge?.reciprocalShift === undefined ? Math.log2(area) : 0

function mergeOf({ readSet, storeSets, reciprocalShift }: MergePlacement, average: boolean, area: number) {
  const multiplies = average && reciprocalShift !== undefined
  return {
    readSet,
    storeSets,
    reciprocal: multiplies ? reciprocalOf(area, reciprocalShift) : 0,
    offset: multiplies ? averageOffset(area) : 0,
  }
}

/** An accumulator word written in one step may be read one cycle later at the earliest. */
const minimumStep = 2
/** A column's parameters stay this long behind the last position of a column fold: multiplier and shift are used later than the bias. */
const parameterHold = 2

/** Depth of the pipeline between its stations, in registers. Merge columns stand behind the alignment, and have four registers for the pooling's one. */
export function latencyOf({ rows, columns }: Size, merges: boolean): Latency {
  const feeder = 2
  const post = merges ? 4 : 5
  const merged = merges ? 4 : 0
  return { feeder, accumulator: feeder + rows, post, aligned: feeder + rows + post + columns - 1 + merged }
}

/** Multiply-accumulates before pooling, over all output positions that the network defines (dropped edges included). */
export function convolutionMacs({
  conv,
  kernel,
  input,
}: Pick<ArrayWork, 'conv' | 'kernel' | 'input'>): number {
  const [channels, height, width] = input.shape
  const filters = conv.bias.length
  const taps = (channels / conv.groups) * kernel[0] * kernel[1]
  if (conv.dense) return filters * taps
  const [top, left, bottom, right] = conv.padding
  const rows = Math.floor((height + top + bottom - kernel[0]) / conv.stride[0]) + 1
  const columns = Math.floor((width + left + right - kernel[1]) / conv.stride[1]) + 1
  return filters * taps * rows * columns
}
