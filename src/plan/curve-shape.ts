import { divideUp } from '../base/integers.ts'
import type { QCurve } from '../quant/curve.ts'
import type { QConv } from '../quant/qgraph.ts'
import type { ArraySpec } from './array.ts'
import type { ArrayWork, Work } from './lower.ts'
import { type MomentSpec, momentSpec } from './moments.ts'

/** A layer whose weights are curves. */
export interface CurveWork extends ArrayWork {
  readonly conv: QConv & { readonly curve: QCurve }
}

export const isCurve = (work: Work): work is CurveWork =>
  work.kind === 'array' && work.conv.curve !== undefined

/** How a layer's taps are cut into groups: a kernel row, a kernel or several ones have a curve. Of a dense layer a kernel is the whole map. */
export interface CurveGroups {
  /** Curves of a kernel: its rows, or 1. */
  readonly ofKernel: number
  /** Kernel rows that a curve covers. */
  readonly rows: number
  /** Kernels that a curve is for, 1 where it is for rows of one. */
  readonly kernels: number
}

/** Undefined where groups are neither kernel rows nor whole kernels. */
export function curveGroups({ kernel, conv: { curve } }: CurveWork): CurveGroups | undefined {
  const [rows, columns] = kernel
  if (curve.length === columns) return { ofKernel: rows, rows: 1, kernels: 1 }
  const kernels = curve.length / (rows * columns)
  return Number.isInteger(kernels) ? { ofKernel: 1, rows, kernels } : undefined
}

/** The groups of a layer that is known to have some. */
export const groupsOf = (work: CurveWork): CurveGroups => curveGroups(work)!

/** Whether each row reads all channels of a map: those of a group come one after the other, and are neighbours. */
export const readsAllChannels = (work: Work): boolean =>
  isCurve(work) && (curveGroups(work)?.kernels ?? 1) > 1

/** Channels that a filter sees. */
export const channelsSeen = ({ conv, input }: ArrayWork): number => input.shape[0] / conv.groups

/** Channels of the map of moments that a filter sees: one for each kernel, or group of kernels. */
export const momentsSeen = (work: CurveWork): number => divideUp(channelsSeen(work), groupsOf(work).kernels)

/** Channels of the map of moments. */
export const momentChannels = (work: CurveWork): number => work.conv.groups * momentsSeen(work)

/** Words of a position in a moment bank. */
export const momentWords = (work: CurveWork, { rows }: ArraySpec): number =>
  divideUp(momentChannels(work), rows)

/**
 * Pixels of a padded line, and padded lines: a group of one row reads lines of the map alone, and its layer pads. A line has two pixels at least, since the
 * line buffers give a column before they take it; the window that ends at one that nobody asked for is not kept.
 */
export function rasterOf(work: CurveWork) {
  const [, height, width] = work.input.shape
  const [top, left, bottom, right] = work.conv.padding
  const whole = groupsOf(work).ofKernel === 1
  return {
    height: whole ? height + top + bottom : height,
    width: Math.max(2, left + width + right),
    padding: [whole ? top : 0, left] as const,
    stride: [
      whole ? work.conv.stride[0] : 1,
      Math.max(work.conv.stride[1], left + width + right === 1 ? 2 : 1),
    ] as const,
  }
}

/** Rows and columns of the map of moments. */
export function momentMap(work: CurveWork): readonly [height: number, width: number] {
  const { conv, input, kernel } = work
  const [height, width] = input.shape.slice(1) as [number, number]
  const count = (size: number, axis: 0 | 1) =>
    Math.floor((size + conv.padding[axis] + conv.padding[axis + 2]! - kernel[axis]) / conv.stride[axis]) + 1
  return [groupsOf(work).ofKernel === 1 ? count(height, 0) : height, count(width, 1)]
}

/** What computes the moments of a layer. */
export function momentUnitOf(work: CurveWork): MomentSpec {
  const { conv, input } = work
  const { rows, kernels } = groupsOf(work)
  const columns = work.kernel[1]
  const shape = { rows, columns, codeBits: input.bits, signed: input.signed, kernels }
  return momentSpec(shape, conv.curve.moments.orders, rasterOf(work).width)
}

/** Units of one key are one, however long the lines are that they keep. */
export const unitKey = ({ lineWidth: _, ...shape }: MomentSpec): string => JSON.stringify(shape)
