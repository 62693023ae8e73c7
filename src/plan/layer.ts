import { divideUp } from '../base/integers.ts'
import type { ArraySpec, Size } from './array.ts'
import { channelSlots } from './banking.ts'
import type { FusedLayer } from './fuse.ts'
import type { LayerMix } from './mix.ts'
import type { Latency, PlanLayer, Point } from './plan.ts'
import { smaller } from './size.ts'

/** Where a layer's maps lie in the banks, and on which tiles it runs. */
export interface Placement {
  readonly mix: LayerMix
  /** Cycles that the layer's first weights wait. */
  readonly loadDelay: number
  /** The program says the mode of each pass. */
  readonly modesByPass: boolean
  readonly inputBase: number
  readonly inputModulus: number
  readonly outputBase: number
  readonly outputModulus: number
  readonly weightBase: number
  readonly parameterBase: number
  readonly accumulatorBits: number
}

export function mapLayer(array: ArraySpec, layer: FusedLayer, placement: Placement): PlanLayer {
  const { conv, pool, kernel } = layer
  const { size } = placement.mix
  const [channels, height, width] = layer.input.shape
  const [filters, outputHeight, outputWidth] = layer.output.shape
  const window = pool?.window ?? ([1, 1] as const)
  const stride = conv.dense ? ([1, 1] as const) : conv.stride
  const [top, left] = conv.dense ? [0, 0] : conv.padding
  const area = window[0] * window[1]

  const positions = outputHeight * outputWidth * area
  const { inputModulus, outputModulus } = placement
  const slots = channelSlots(channels, inputModulus)
  const taps = kernel[0] * kernel[1] * slots
  const rowFolds = divideUp(taps, size.rows)
  const columnFolds = divideUp(filters, size.columns)
  const columnsLast = filters - (columnFolds - 1) * size.columns

  const inputWords = slots / inputModulus
  const outputWords = divideUp(filters, outputModulus)
  const lanes = divideUp(size.columns, outputModulus)
  const lanesLast = divideUp(columnsLast, outputModulus)

  // The writer takes one cycle a lane and gets a vector every `area * interval` cycles.
  const interval = divideUp(lanes, area)
  const intervalLast = divideUp(lanesLast, area)
  const cyclesPartial = Math.max(positions, minimumStep)
  // The last column fold may come at a shorter interval: its first vector must not meet the last one of the fold before in the writer.
  const stored = (positions - 1) * interval + lanes - (area - 1) * intervalLast
  const cyclesFinal = Math.max(positions * interval + parameterHold, size.columns, stored)
  // aligned, copied to the writer, and stored lane by lane
  const drained =
    (positions - 1) * intervalLast +
    latencyOf({ rows: size.rows, columns: array.columns }).aligned +
    1 +
    lanesLast

  // + 0 makes a plain 0 of -0, which a written plan would not keep
  const point = (dy: number, dx: number): Point => ({
    address: (dy * width + dx) * inputWords,
    y: dy + 0,
    x: dx + 0,
  })
  const acrossWindow = -(window[1] - 1) * stride[1]
  const lastColumn = outputWidth * window[1] - 1
  return {
    name: conv.name,
    passes: placement.mix.passes.map((list) => list.map(({ tiles }) => tiles)),
    ...(placement.modesByPass
      ? { modes: placement.mix.passes.map((list) => list.map(({ modes }) => modes[0] ?? 0)) }
      : {}),
    ...smaller(array, size),
    ...(placement.loadDelay > 0 ? { loadDelay: placement.loadDelay } : {}),
    ...(placement.mix.order.every((filter, position) => filter === position)
      ? {}
      : { order: placement.mix.order }),
    channels: slots,
    filler: slots - channels,
    kernel,
    stride,
    padding: [top, left],
    inputSize: [height, width],
    window,
    average: pool?.mode === 'average',
    outputShape: layer.output.shape,
    outputSigned: layer.output.signed,
    macs: convolutionMacs(layer),
    positions,
    taps,
    filters,
    rowFolds,
    columnFolds,
    columnsLast,
    interval,
    intervalLast,
    cyclesPartial,
    cyclesFinal,
    cyclesLast: Math.max(drained, columnsLast),
    inputBase: placement.inputBase,
    inputModulus,
    inputWords,
    outputBase: placement.outputBase,
    outputModulus,
    outputWords,
    lanes,
    lanesLast,
    start: { address: placement.inputBase - (top * width + left) * inputWords, y: 0 - top, x: 0 - left },
    increments: [
      point(0, stride[1]),
      point(stride[0], acrossWindow),
      point(-(window[0] - 1) * stride[0], stride[1]),
      point(stride[0], -lastColumn * stride[1]),
    ],
    offsetCarry: (width - kernel[1]) * inputWords + 1,
    low: conv.low,
    high: conv.high,
    poolShift: pool?.mode === 'average' ? Math.log2(area) : 0,
    weightBase: placement.weightBase,
    parameterBase: placement.parameterBase,
    accumulatorBits: placement.accumulatorBits,
    cycles: 0,
  }
}

/** An accumulator word written in one step may be read one cycle later at the earliest. */
const minimumStep = 2
/** A column's parameters stay this long behind the last position of a column fold: multiplier and shift are used later than the bias. */
const parameterHold = 2

/** Depth of the pipeline between its stations, in registers. */
export function latencyOf({ rows, columns }: Size): Latency {
  const feeder = 2
  const post = 5
  return { feeder, accumulator: feeder + rows, post, aligned: feeder + rows + post + columns - 1 }
}

/** Multiply-accumulates before pooling, over all output positions that the network defines (dropped edges included). */
function convolutionMacs({ conv, kernel, input }: FusedLayer): number {
  const [channels, height, width] = input.shape
  const filters = conv.bias.length
  const taps = channels * kernel[0] * kernel[1]
  if (conv.dense) return filters * taps
  const [top, left, bottom, right] = conv.padding
  const rows = Math.floor((height + top + bottom - kernel[0]) / conv.stride[0]) + 1
  const columns = Math.floor((width + left + right - kernel[1]) / conv.stride[1]) + 1
  return filters * taps * rows * columns
}
