import type { MomentShape } from '../arith/moments.ts'
import { indexBits } from '../base/integers.ts'
import type { Moment } from '../quant/curve.ts'
import type { Plan, PlanLayer, PlanMoments } from './plan.ts'

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

/** The unit that a layer's moments come from: of the layer that fills the banks, and of the one that reads them. */
export const unitOf = ({ fills, readsMoments }: PlanLayer): number | undefined => fills?.unit ?? readsMoments

/** Products of a tap: one for each order of a curve. */
export const ordersOfLayer = ({ moments }: Pick<Plan, 'moments'>, { readsMoments }: PlanLayer): number =>
  readsMoments === undefined ? 1 : moments!.units[readsMoments]!.orders.length

/** By order, the widths of the operands that enter the rows: as the widest unit has them. */
export function operandBits({ units }: PlanMoments): readonly number[] {
  const orders = Math.max(...units.map((unit) => unit.orders.length))
  return Array.from({ length: orders }, (_, order) =>
    Math.max(...units.map((unit) => unit.orders[order]?.bits ?? 0)),
  )
}

/** Bits of a word of a moment bank: a place for each order, order 0 in the low bits. */
export const bankBits = (moments: PlanMoments): number =>
  operandBits(moments).reduce((sum, bits) => sum + bits)

/** Cycles from a pixel at a moment unit to the moments of the window that it completes: the column's, then the window's. */
export const momentLatency = 2

/** What the moment rows are told of a pixel, a row a cycle behind the one above; a cycle before its code comes. */
export function momentPorts({ moments }: Pick<Plan, 'moments'>) {
  const { units, depth } = moments!
  const lineWidth = Math.max(...units.map((unit) => unit.lineWidth))
  return { valid: 1, line_first: 1, whole: 1, column: indexBits(lineWidth), word: indexBits(depth) }
}

/** The module of a unit. */
export const unitName = ({ units }: PlanMoments, unit: number): string =>
  units.length === 1 ? 'moment_unit' : `moment_unit_${unit}`

/** Bits of the number of a unit; 0 where there is one. */
export const unitBits = ({ units }: PlanMoments): number => (units.length === 1 ? 0 : indexBits(units.length))

/** Width of the count of columns (axis 1), or lines, that a window still needs. */
export const momentSpanBits = ({ moments }: Pick<Plan, 'moments'>, axis: 0 | 1): number =>
  indexBits(Math.max(...moments!.units.map(({ rows, columns }) => (axis === 0 ? rows : columns))))

/** Width of the program's stride on an axis. */
export const momentStrideBits = ({ layers }: Pick<Plan, 'layers'>, axis: 0 | 1): number =>
  indexBits(Math.max(...layers.map(({ fills }) => fills?.stride[axis] ?? 1)))
