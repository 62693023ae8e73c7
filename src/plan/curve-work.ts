import { usageError } from '../base/errors.ts'
import type { ArraySpec } from './array.ts'
import {
  type CurveWork,
  channelsSeen,
  curveGroups,
  groupsOf,
  isCurve,
  momentChannels,
  momentMap,
  momentUnitOf,
  momentWords,
  rasterOf,
  unitKey,
} from './curve-shape.ts'
import { convolutionMacs, mapLayer, type Placement } from './layer.ts'
import type { ArrayWork, Work } from './lower.ts'
import type { MomentSpec } from './moments.ts'
import type { PlanLayer, PlanMoments } from './plan.ts'
import { channelWindow } from './windows.ts'

/** The moment units of all layers with curves, one for those of a shape, in the order of first use. What the hardware cannot do is refused. */
export function momentsOfWorks(array: ArraySpec, works: readonly Work[]): PlanMoments | undefined {
  const curved = works.filter(isCurve)
  if (curved.length === 0) return undefined
  const units = new Map<string, MomentSpec>()
  for (const work of curved) {
    checkCurve(array, work)
    const unit = momentUnitOf(work)
    const lineWidth = Math.max(unit.lineWidth, units.get(unitKey(unit))?.lineWidth ?? 0)
    units.set(unitKey(unit), { ...unit, lineWidth })
  }
  const depth = Math.max(
    2,
    ...curved.map((work) => momentMap(work).reduce((a, b) => a * b) * momentWords(work, array)),
  )
  return { units: [...units.values()], depth }
}

function checkCurve(array: ArraySpec, work: CurveWork): void {
  const { conv, kernel } = work
  const refuse = (why: string, hint: string) =>
    usageError(`"${conv.name}" ${why}: the accelerator cannot run it`, { where: conv.name, hint })
  const plain = `Or give the layer plain weights: --set weights.layers.${conv.name}.curve=none.`
  const { length, bits, degree } = conv.curve
  const groups = curveGroups(work)
  if (groups === undefined)
    throw refuse(
      `has groups of ${length} taps, which are neither a kernel row (${kernel[1]}) nor whole kernels (${kernel[0] * kernel[1]})`,
      `Choose another weights.group. ${plain}`,
    )
  const seen = channelsSeen(work)
  if (conv.groups > 1 && seen > groups.kernels && seen % groups.kernels !== 0)
    throw refuse(
      `has curves over ${groups.kernels} kernels, which do not divide the ${seen} channels of its groups`,
      `Choose another weights.group. ${plain}`,
    )
  if (bits * (degree + 1) > 32)
    throw refuse(
      `has ${degree + 1} coefficients of ${bits} bits, more than the 32 bits that a PE keeps`,
      `Choose weights.bits: ${Math.floor(32 / (degree + 1))} or fewer.`,
    )
  if (array.tiles !== undefined)
    throw refuse('has curves for weights', 'Tiles of several sizes (array.tiles) have plain weights only.')
}

/**
 * A layer with curves as several of the plan's: those before the last fill the moment banks, each row those of its channels, and the last is a convolution
 * over that map, whose taps are (row of the kernel, channel). Its channels count on to a multiple of the rows, with moments and coefficients of 0.
 */
export function curveLayers(
  array: ArraySpec,
  work: CurveWork,
  { units }: PlanMoments,
  placement: Placement,
): readonly PlanLayer[] {
  const key = unitKey(momentUnitOf(work))
  const unit = units.findIndex((one) => unitKey(one) === key)
  const input = { ...placement.input }
  return [
    ...fillLayers(array, work, unit, { ...placement, input }),
    { ...productLayer(array, work, placement), readsMoments: unit },
  ]
}

function productLayer(array: ArraySpec, work: CurveWork, placement: Placement): PlanLayer {
  const words = momentWords(work, array)
  const slots = array.rows * words
  const input = { base: 0, modulus: array.rows, words }
  const columns = placement.mix.size.columns
  const windows = hasWindows(work, array.rows, columns)
  const layer = mapLayer(array, overMoments(work, slots, windows), { ...placement, input })
  const { groups } = work.conv
  const channels = momentChannels(work)
  return {
    ...layer,
    ...(groups === 1 || windows
      ? {}
      : { groups: { count: groups, channels: channels / groups, words: 0, folds: 1 } }),
    filler: windows ? 0 : slots - channels,
    macs: convolutionMacs(work),
  }
}

/** Whether a column fold of a grouped layer may see the channels of its groups alone: they are whole words of the moment banks. */
function hasWindows(work: CurveWork, rows: number, columns: number): boolean {
  const window = channelWindow(work.conv, momentChannels(work), columns)
  return window !== undefined && window.channels % rows === 0 && window.step % rows === 0
}

/** The convolution over the map of moments. Without windows all filters see all channels, with coefficients of 0 for those that are not of their group. */
function overMoments(work: CurveWork, slots: number, windows: boolean): ArrayWork {
  const { conv, input } = work
  const { ofKernel } = groupsOf(work)
  const [height, width] = momentMap(work)
  const kernel = [ofKernel, 1] as const
  const whole = ofKernel === 1
  return {
    ...work,
    kernel,
    conv: {
      ...conv,
      dense: false,
      kernel,
      stride: [whole ? 1 : conv.stride[0], 1],
      padding: whole ? [0, 0, 0, 0] : [conv.padding[0], 0, conv.padding[2], 0],
      groups: windows ? conv.groups : 1,
    },
    input: { ...input, shape: [slots, height, width] },
  }
}

/**
 * The layers that fill the moment banks: one for each kernel of a group, from the last to the first, since the sums of those behind move up where another
 * kernel comes before them. A group that is shorter than others begins later.
 */
function fillLayers(
  array: ArraySpec,
  work: CurveWork,
  unit: number,
  placement: Placement,
): readonly PlanLayer[] {
  const { kernels } = groupsOf(work)
  const seen = channelsSeen(work)
  const step = Math.min(kernels, seen)
  const layers: PlanLayer[] = []
  for (let kernel = step - 1; kernel >= 0; kernel--) {
    const channels =
      work.conv.groups === 1 ? Math.floor((seen - 1 - kernel) / kernels) + 1 : momentChannels(work)
    const begun = layers.at(-1)?.rowFolds ?? 0
    layers.push(fillLayer(array, work, placement, { unit, kernel, begun, channels, step }))
  }
  return layers
}

/** One kernel of all groups: its channels stand `step` words apart where a group has several. */
interface KernelFill {
  readonly unit: number
  readonly kernel: number
  readonly begun: number
  readonly channels: number
  readonly step: number
}

function fillLayer(
  array: ArraySpec,
  work: CurveWork,
  placement: Placement,
  { unit, kernel, begun, channels, step }: KernelFill,
): PlanLayer {
  const { conv, input } = work
  const several = groupsOf(work).kernels > 1
  const raster = rasterOf(work)
  const [, height, width] = input.shape
  const pixels: ArrayWork = {
    ...work,
    pool: undefined,
    addend: undefined,
    kernel: [1, 1],
    conv: {
      ...conv,
      dense: false,
      kernel: [1, 1],
      stride: [1, 1],
      padding: [...raster.padding, 0, 0],
      groups: 1,
    },
    input: several ? { ...input, shape: [channels, height, width] } : input,
    output: { ...input, shape: [1, raster.height, raster.width] },
  }
  const idle = { order: [0], passes: [[{ tiles: [], modes: [] }]], size: placement.mix.size }
  const {
    order: _order,
    tapWords,
    merge,
    ...layer
  } = mapLayer(array, pixels, {
    ...placement,
    input: { ...placement.input, base: placement.input.base + kernel },
    mix: idle,
    operand: undefined,
    output: { base: 0, modulus: placement.output.modulus, words: 1 },
    accumulatorBits: 1,
  })
  return {
    ...layer,
    ...(merge === undefined ? {} : { merge }),
    name: several ? `${conv.name}.moments.${kernel}` : `${conv.name}.moments`,
    macs: 0,
    inputBase: placement.input.base,
    // the counter of taps does not come to the end of a pixel's words where they stand apart
    ...(tapWords === undefined || several ? {} : { tapWords }),
    ...(step > 1 ? { tapStep: step } : {}),
    interval: 1,
    intervalLast: 1,
    cyclesFinal: layer.positions,
    // the last pixel's moments are in the last row's bank
    cyclesLast: layer.positions + array.rows + fillDrain,
    fills: {
      unit,
      lastColumn: raster.width - 1,
      stride: raster.stride,
      words: momentWords(work, array),
      kernel,
      begun,
    },
  }
}

/** Cycles from a pixel's issue to the end of the cycle in which row 0 stores its window's moments, and a few in which nothing is under way. */
const fillDrain = 8
