import { usageError } from '../base/errors.ts'
import { divideUp } from '../base/integers.ts'
import type { QCurve } from '../quant/curve.ts'
import type { QConv } from '../quant/qgraph.ts'
import type { ArraySpec } from './array.ts'
import { convolutionMacs, mapLayer, type Placement } from './layer.ts'
import type { ArrayWork, Work } from './lower.ts'
import { type MomentSpec, momentSpec } from './moments.ts'
import type { PlanLayer, PlanMoments } from './plan.ts'

/** A layer whose weights are curves. */
export interface CurveWork extends ArrayWork {
  readonly conv: QConv & { readonly curve: QCurve }
}

export const isCurve = (work: Work): work is CurveWork =>
  work.kind === 'array' && work.conv.curve !== undefined

/** Rows of kernels that have a curve of their own, and kernel rows that a curve covers: one of the two is 1. */
function groupsOf({ conv: { curve, kernel } }: CurveWork) {
  const covered = curve.length / kernel[1]
  return { groups: kernel[0] / covered, covered }
}

/** Pixels of a padded line, and padded lines: a group of one row reads lines of the map alone, and its layer pads. */
function rasterOf(work: CurveWork) {
  const [, height, width] = work.input.shape
  const [top, left, bottom, right] = work.conv.padding
  const whole = groupsOf(work).groups === 1
  return {
    height: whole ? height + top + bottom : height,
    width: Math.max(2, left + width + right),
    padding: [whole ? top : 0, left] as const,
  }
}

/** Rows and columns of the map of moments. */
function momentMap(work: CurveWork): readonly [height: number, width: number] {
  const { conv, input } = work
  const { groups } = groupsOf(work)
  const [height, width] = input.shape.slice(1) as [number, number]
  const count = (size: number, axis: 0 | 1) =>
    Math.floor(
      (size + conv.padding[axis] + conv.padding[axis + 2]! - conv.kernel[axis]) / conv.stride[axis],
    ) + 1
  return [groups === 1 ? count(height, 0) : height, count(width, 1)]
}

/** Words of a position in a moment bank. */
const momentWords = ({ input }: CurveWork, { rows }: ArraySpec) => divideUp(input.shape[0], rows)

/** The moment units of all layers with curves, one for those of a shape, in the order of first use. What the PEs cannot do is refused. */
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

/** What computes the moments of a layer. */
function momentUnitOf(work: CurveWork): MomentSpec {
  const { conv, input } = work
  const shape = {
    rows: groupsOf(work).covered,
    columns: conv.kernel[1],
    codeBits: input.bits,
    signed: input.signed,
  }
  return momentSpec(shape, conv.curve.moments.orders, rasterOf(work).width)
}

/** Units of one key are one, however long the lines are that they keep. */
const unitKey = ({ lineWidth: _, ...shape }: MomentSpec) => JSON.stringify(shape)

function checkCurve(array: ArraySpec, work: CurveWork): void {
  const { conv } = work
  const refuse = (why: string, hint: string) => {
    throw usageError(`"${conv.name}" ${why}: the accelerator cannot run it`, { where: conv.name, hint })
  }
  const plain = `Or give the layer plain weights: --set weights.layers.${conv.name}.curve=none.`
  if (conv.dense) refuse('is a dense layer with curves for weights', plain)
  if (conv.groups !== 1) refuse('is a grouped convolution with curves for weights', plain)
  const { length, bits, degree } = conv.curve
  if (length !== conv.kernel[1] && length !== conv.kernel[0] * conv.kernel[1])
    refuse(
      `has groups of ${length} taps, which are neither a kernel row nor a kernel`,
      `Choose weights.group: row or kernel. ${plain}`,
    )
  if (bits * (degree + 1) > 32)
    refuse(
      `has ${degree + 1} coefficients of ${bits} bits, more than the 32 bits that a PE keeps`,
      `Choose weights.bits: ${Math.floor(32 / (degree + 1))} or fewer.`,
    )
  if (array.tiles !== undefined)
    refuse('has curves for weights', 'Tiles of several sizes (array.tiles) have plain weights only.')
}

/**
 * A layer with curves as two of the plan's: the first fills the moment banks, each row those of its channels, and the second is a convolution over that
 * map, whose taps are (row of the kernel, channel). Channels count on to a multiple of the rows, with moments and coefficients of 0.
 */
export function curveLayers(
  array: ArraySpec,
  work: CurveWork,
  { units }: PlanMoments,
  placement: Placement,
): readonly [fill: PlanLayer, layer: PlanLayer] {
  const words = momentWords(work, array)
  const key = unitKey(momentUnitOf(work))
  const unit = units.findIndex((one) => unitKey(one) === key)
  const place = { base: 0, modulus: array.rows, words }
  const input = { ...placement.input }
  const layer = mapLayer(array, overMoments(work, array.rows * words), { ...placement, input: place })
  return [
    fillLayer(array, work, unit, { ...placement, input }),
    {
      ...layer,
      filler: array.rows * words - work.input.shape[0],
      macs: convolutionMacs(work),
      readsMoments: unit,
    },
  ]
}

/** The convolution over the map of moments. */
export function overMoments(work: CurveWork, slots: number): ArrayWork {
  const { conv, input } = work
  const { groups } = groupsOf(work)
  const [height, width] = momentMap(work)
  const kernel = [groups, 1] as const
  const whole = groups === 1
  return {
    ...work,
    kernel,
    conv: {
      ...conv,
      kernel,
      stride: [whole ? 1 : conv.stride[0], 1],
      padding: whole ? [0, 0, 0, 0] : [conv.padding[0], 0, conv.padding[2], 0],
    },
    input: { ...input, shape: [slots, height, width] },
  }
}

function fillLayer(array: ArraySpec, work: CurveWork, unit: number, placement: Placement): PlanLayer {
  const { conv, input } = work
  const { groups } = groupsOf(work)
  const raster = rasterOf(work)
  const pixels: ArrayWork = {
    ...work,
    pool: undefined,
    addend: undefined,
    kernel: [1, 1],
    conv: { ...conv, dense: false, kernel: [1, 1], stride: [1, 1], padding: [...raster.padding, 0, 0] },
    output: { ...input, shape: [1, raster.height, raster.width] },
  }
  const idle = { order: [0], passes: [[{ tiles: [], modes: [] }]], size: placement.mix.size }
  const {
    order: _order,
    merge,
    ...layer
  } = mapLayer(array, pixels, {
    ...placement,
    mix: idle,
    operand: undefined,
    output: { base: 0, modulus: placement.output.modulus, words: 1 },
    accumulatorBits: 1,
  })
  return {
    ...layer,
    ...(merge === undefined ? {} : { merge }),
    name: `${conv.name}.moments`,
    macs: 0,
    interval: 1,
    intervalLast: 1,
    cyclesFinal: layer.positions,
    // the last pixel's moments are in the last row's bank
    cyclesLast: layer.positions + array.rows + fillDrain,
    fills: {
      unit,
      lastColumn: raster.width - 1,
      stride: [groups === 1 ? conv.stride[0] : 1, conv.stride[1]],
      words: momentWords(work, array),
    },
  }
}

/** Cycles from a pixel's issue to the end of the cycle in which row 0 stores its window's moments, and a few in which nothing is under way. */
const fillDrain = 8
