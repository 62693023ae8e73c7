import type { MomentShape } from '../arith/moments.ts'
import { indexBits, unsignedBits } from '../base/integers.ts'
import { type Moment, momentsOf } from '../quant/curve.ts'
import type { Plan, PlanLayer, PlanMoments } from './plan.ts'

/** What a moment unit computes: the operands T_k of the windows that slide along the lines of a map (docs/reuse.md). */
export interface MomentSpec extends MomentShape {
  /** By order: cut, shift, width of the operand. */
  readonly orders: readonly Moment[]
  /** Pixels of the longest line, padding included, at least 2: words of the line buffers. */
  readonly lineWidth: number
  /** Kernels of a group: with several, `widths` are those of the moments of one of them, and `orders` are the group's. */
  readonly kernels: number
}

/** The spec of groups of `rows` x `columns` taps, or of several such kernels. */
export function momentSpec(
  {
    rows,
    columns,
    codeBits,
    signed,
    kernels = 1,
  }: Pick<MomentShape, 'rows' | 'columns' | 'codeBits' | 'signed'> & { readonly kernels?: number },
  orders: readonly Moment[],
  lineWidth: number,
): MomentSpec {
  const area = rows * columns
  const ofKernel =
    kernels === 1 ? orders : momentsOf(orders.length === 3 ? 2 : 1, area, codeBits, signed).orders
  // a kernel of one tap has nothing but its pixel: its i is 0; sums of an order are subtracted from those of the next one, which hold them
  const whole = ofKernel.slice(0, area === 1 ? 1 : orders.length).map(({ wholeBits }) => wholeBits)
  const widths = whole.map((_, order) => Math.max(...whole.slice(0, order + 1)))
  return { rows, columns, codeBits, signed, widths, orders, lineWidth: Math.max(2, lineWidth), kernels }
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

/** Whether the groups of some layer have several kernels: a bank then has sums to which others are added. */
export const addsKernels = ({ units }: PlanMoments): boolean => units.some(({ kernels }) => kernels > 1)

/** Low bits that a moment loses between the bank and the rows: a bank has operands, but whole sums where kernels are added. */
export const cutWhenRead = ({ kernels, orders }: MomentSpec, order: number): number =>
  kernels > 1 ? orders[order]!.cut : 0

/** By order, the widths of the places in a word of a moment bank, order 0 in the low bits. */
export const bankPlaces = (moments: PlanMoments): readonly number[] =>
  operandBits(moments).map((bits, order) =>
    Math.max(
      bits,
      ...moments.units.map((unit) => (unit.kernels > 1 ? (unit.orders[order]?.wholeBits ?? 0) : 0)),
    ),
  )

/** Bits of a word of a moment bank. */
export const bankBits = (moments: PlanMoments): number =>
  bankPlaces(moments).reduce((sum, bits) => sum + bits)

/** Cycles from a pixel at a moment unit to the moments of the window that it completes: the column's, then the window's. */
export const momentLatency = 2

/** What the moment rows are told of a pixel, a row a cycle behind the one above; a cycle before its code comes. */
export function momentPorts({ moments }: Pick<Plan, 'moments'>) {
  const { units, depth } = moments!
  const lineWidth = Math.max(...units.map((unit) => unit.lineWidth))
  const adds = addsKernels(moments!) ? { adds: 1 } : {}
  return { valid: 1, line_first: 1, whole: 1, ...adds, column: indexBits(lineWidth), word: indexBits(depth) }
}

/** The module of a unit. */
export const unitName = ({ units }: PlanMoments, unit: number): string =>
  units.length === 1 ? 'moment_unit' : `moment_unit_${unit}`

/** The module that adds the moments of a kernel to those of the kernels behind it in its group. */
export const kernelAdderName = (moments: PlanMoments, unit: number): string =>
  `${unitName(moments, unit)}_adder`

/** Bits of the number of a unit; 0 where there is one. */
export const unitBits = ({ units }: PlanMoments): number => (units.length === 1 ? 0 : indexBits(units.length))

/** Width of the count of columns (axis 1), or lines, that a window still needs. */
export const momentSpanBits = ({ moments }: Pick<Plan, 'moments'>, axis: 0 | 1): number =>
  indexBits(Math.max(...moments!.units.map(({ rows, columns }) => (axis === 0 ? rows : columns))))

/** Width of the program's stride on an axis. */
export const momentStrideBits = ({ layers }: Pick<Plan, 'layers'>, axis: 0 | 1): number =>
  indexBits(Math.max(...layers.map(({ fills }) => fills?.stride[axis] ?? 1)))

/** Width of the number of row folds whose words have moments of other kernels. */
export const momentFoldBits = ({ layers }: Pick<Plan, 'layers'>): number =>
  unsignedBits(Math.max(...layers.map(({ fills }) => fills?.begun ?? 0)))
