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
}

/** Rows of PEs: one for each channel, group and order. */
export const tileRows = ({ channels, groups, multipliers }: ReuseTileSpec): number =>
  channels * groups * multipliers.length

/** Cycles from a pixel to the sum of its window's first filter at the bottom of the rows. */
export const tileLatency = (spec: ReuseTileSpec): number => momentLatency + tileRows(spec)

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
