import type { MomentShape } from '../arith/moments.ts'
import { indexBits } from '../base/integers.ts'
import type { Moment } from '../quant/curve.ts'
import type { Plan } from './plan.ts'

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

/** Bits of a word of moments: the operands of all orders, order 0 in the low ones. */
export const momentBits = ({ orders }: Pick<MomentSpec, 'orders'>): number =>
  orders.reduce((sum, { bits }) => sum + bits, 0)

/** Cycles from a pixel at a moment unit to the moments of the window that it completes: the column's, then the window's. */
export const momentLatency = 2

/** What the moment rows are told of a pixel, a row a cycle behind the one above; a cycle before its code comes. */
export function momentPorts({ moments }: Pick<Plan, 'moments'>) {
  const { lineWidth, depth } = moments!
  return { valid: 1, line_first: 1, whole: 1, column: indexBits(lineWidth), word: indexBits(depth) }
}

/** Width of the program's stride on an axis. */
export const momentStrideBits = ({ layers }: Pick<Plan, 'layers'>, axis: 0 | 1): number =>
  indexBits(Math.max(...layers.map(({ fills }) => fills?.stride[axis] ?? 1)))
