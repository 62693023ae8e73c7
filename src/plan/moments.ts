import type { MomentShape } from '../arith/moments.ts'
import type { Moment } from '../quant/curve.ts'

/** What a moment unit computes: the operands T_k of the windows that slide along the lines of a map (docs/reuse.md). */
export interface MomentSpec extends MomentShape {
  /** By order: cut, shift, width of the operand. */
  readonly orders: readonly Moment[]
  /** Pixels of the longest line, padding included, at least 2: words of the line buffers. */
  readonly lineWidth: number
}

/** The spec of groups of `rows` x `columns` taps. */
export function momentSpec(
  { rows, columns, codeBits, signed }: Pick<MomentShape, 'rows' | 'columns' | 'codeBits' | 'signed'>,
  orders: readonly Moment[],
  lineWidth: number,
): MomentSpec {
  const widths = orders.map(({ wholeBits }) => wholeBits)
  return { rows, columns, codeBits, signed, widths, orders, lineWidth: Math.max(2, lineWidth) }
}

/** Cycles from a pixel at a moment unit to the moments of the window that it completes: the column's, then the window's. */
export const momentLatency = 2
