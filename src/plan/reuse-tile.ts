import { coefficientBounds } from '../approx/accumulator.ts'
import type { Multiplier } from '../arith/multiplier.ts'
import { signedBits } from '../base/integers.ts'
import type { Moment } from '../quant/curve.ts'
import { type MomentSpec, momentLatency } from './moments.ts'

/**
 * A tile that streams: pixels of `channels` channels come in, one of each a cycle, and the sums of `filters` filters over all windows leave,
 * one position a cycle. What coefficient reuse is compared by (docs/reuse.md).
 */
export interface ReuseTileSpec {
  readonly moments: MomentSpec
  /** Groups of a channel's kernel: 1 where a group is the kernel, its rows where a group is a row. */
  readonly groups: number
  readonly channels: number
  readonly filters: number
  /** By order. */
  readonly multipliers: readonly Multiplier[]
  readonly accumulatorBits: number
  /** Positions whose sums wait for further channels. */
  readonly positions: number
  /**
   * Present where equal coefficients are computed once: for each channel and group the class of each filter, counted from 0 in the order of
   * the filters. Filters of a class have the same coefficients and share the products.
   */
  readonly shared?: readonly (readonly number[])[]
}

/** The classes of filters with equal coefficients: `coefficients(row, filter)` are those of a channel's group. */
export function sharedClasses(
  rows: number,
  filters: number,
  coefficients: (row: number, filter: number) => readonly number[],
): readonly (readonly number[])[] {
  return Array.from({ length: rows }, (_, row) => {
    const classes = new Map<string, number>()
    return Array.from({ length: filters }, (_filter, filter) => {
      const key = coefficients(row, filter).join(' ')
      if (!classes.has(key)) classes.set(key, classes.size)
      return classes.get(key)!
    })
  })
}

/** Classes of a channel's group. */
export const classCount = (classes: readonly number[]): number => Math.max(...classes) + 1

/** Rows of a group: one for each order, or one for all of them where products are shared. */
export const groupRows = ({ multipliers, shared }: ReuseTileSpec): number =>
  shared === undefined ? multipliers.length : 1

/** Rows of PEs. */
export const tileRows = (spec: ReuseTileSpec): number => spec.channels * spec.groups * groupRows(spec)

/** Cycles from a pixel to the sum of its window's first filter at the bottom of the rows. */
export const tileLatency = (spec: ReuseTileSpec): number =>
  momentLatency + tileRows(spec) + (spec.shared === undefined ? 0 : 1)

/** Bits that hold the sum of so many groups, whatever their coefficients. */
export function tileSumBits(
  multipliers: readonly Multiplier[],
  orders: readonly Moment[],
  groups: number,
): number {
  const bounds = orders.map(({ range, shift }, order) => {
    const multiplier = multipliers[order]!
    const most = 2 ** (multiplier.domain.nB - 1) - 1
    const ends = [-most, most].flatMap((coefficient) => [
      ...coefficientBounds(multiplier, range, coefficient),
    ])
    return [Math.min(0, ...ends) * 2 ** shift, Math.max(0, ...ends) * 2 ** shift] as const
  })
  const bits = signedBits(
    groups * bounds.reduce((sum, [low]) => sum + low, 0),
    groups * bounds.reduce((sum, [, high]) => sum + high, 0),
  )
  return Math.max(bits, termBits(multipliers, orders))
}

/** Bits of the widest term, whatever its operands: a sum holds a whole one. */
export const termBits = (multipliers: readonly Multiplier[], orders: readonly Moment[]): number =>
  Math.max(
    ...multipliers.map(
      ({ productBits, productSigned }, order) => productBits + (productSigned ? 0 : 1) + orders[order]!.shift,
    ),
  )

/** The tile of plain weights that gives the same sums in the same time. */
export interface StationaryTileSpec
  extends Pick<ReuseTileSpec, 'channels' | 'filters' | 'accumulatorBits' | 'positions'> {
  /** Taps of a kernel, and of a kernel row. */
  readonly taps: number
  readonly kernelColumns: number
  readonly multiplier: Multiplier
}
