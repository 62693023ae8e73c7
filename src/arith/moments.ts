import { signedBits, unsignedBits } from '../base/integers.ts'
import type { Comb } from '../comb/comb.ts'
import { extend } from '../comb/derived.ts'
import { constantAdders, timesConstant } from './constant.ts'

/**
 * Moments S_k = sum of i^k * x_i over a window of kernel rows and columns, i = row * columns + column, kept up to date while the window
 * slides one column to the right. A column of pixels is first reduced to D_k = columns^k * (sum over its rows r of r^k * x_r); then
 * additions and subtractions alone follow the window, without a multiplier (docs/reuse.md derives them).
 */
export interface MomentShape {
  /** Kernel rows that a group covers: 1 for groups of one row. */
  readonly rows: number
  readonly columns: number
  /** Bits and sign of the pixels' codes. */
  readonly codeBits: number
  readonly signed: boolean
  /** Widths of S_0, S_1 and, of quadratic curves, S_2. */
  readonly widths: readonly number[]
}

/** Orders that a column of pixels has: one of a single row has nothing but its pixel. */
export const columnOrders = ({ rows, widths }: MomentShape): number => (rows === 1 ? 1 : widths.length)

/** Width of D_k of one column. */
export function columnWidth({ rows, columns, codeBits, signed }: MomentShape, order: number): number {
  let powers = 0
  for (let r = 0; r < rows; r++) powers += r ** order * columns ** order
  return signed
    ? signedBits(-(2 ** (codeBits - 1)) * powers, (2 ** (codeBits - 1) - 1) * powers)
    : unsignedBits((2 ** codeBits - 1) * powers)
}

/** D_k of a column, by order. `pixels` from the top. */
export function columnMoments<T>(c: Comb<T>, shape: MomentShape, pixels: readonly T[]): T[] {
  const { signed, columns } = shape
  return Array.from({ length: columnOrders(shape) }, (_, order) => {
    const width = columnWidth(shape, order)
    const terms = pixels.flatMap((pixel, r) =>
      r === 0 && order > 0 ? [] : [timesConstant(c, pixel, r ** order, signed, width)],
    )
    const sum = terms.reduce((a, b) => c.add(a, b))
    return timesConstant(c, sum, columns ** order, signed, width)
  })
}

/** Adders of `columnMoments`. */
export function columnAdders(shape: MomentShape): number {
  let adders = 0
  for (let order = 0; order < columnOrders(shape); order++) {
    const first = order > 0 ? 1 : 0
    for (let r = first; r < shape.rows; r++) adders += constantAdders(Math.max(1, r ** order))
    adders += shape.rows - first - 1 + constantAdders(shape.columns ** order)
  }
  return adders
}

/**
 * The moments of the next window, from those of this one and the D_k of the column that enters and of the one that leaves:
 * i becomes i - 1 for all columns that stay.
 */
export function slideMoments<T>(
  c: Comb<T>,
  shape: MomentShape,
  sums: readonly T[],
  entering: readonly T[],
  leaving: readonly T[],
): T[] {
  const { signed, columns, widths } = shape
  const wide = (x: T, order: number) => extend(c, x, signed, widths[order]!)
  // of a column of one row there is nothing but the pixel: then these are empty
  const column = (order: number, of: readonly T[]) => of.slice(order, order + 1).map((x) => wide(x, order))
  const s0 = sums[0]!
  const staying = c.label(c.sub(s0, wide(leaving[0]!, 0)), 'staying_0')
  const next = [c.add(staying, wide(entering[0]!, 0))]
  if (widths.length === 1) return next

  // S_1: what stays loses 1 for each pixel
  const last = columns - 1
  const scaled = (power: number, factor: number, order: number) =>
    factor === 0
      ? []
      : entering.slice(power, power + 1).map((x) => timesConstant(c, x, factor, signed, widths[order]!))
  const sum = (...terms: readonly T[][]) => terms.flat().reduce((a, b) => c.add(a, b))
  const without = (order: number) => column(order, leaving).reduce((a, b) => c.sub(a, b), sums[order]!)
  const staying1 = c.label(without(1), 'staying_1')
  const enters1 = sum(column(1, entering), scaled(0, last, 1))
  next.push(c.add(c.sub(staying1, wide(staying, 1)), enters1))
  if (widths.length === 2) return next

  // S_2: (i - 1)^2 = i^2 - 2 i + 1
  const twice = timesConstant(c, staying1, 2, signed, widths[2]!)
  const staying2 = c.label(without(2), 'staying_2')
  const enters2 = sum(column(2, entering), scaled(1, 2 * last, 2), scaled(0, last ** 2, 2))
  next.push(c.add(c.add(c.sub(staying2, twice), wide(staying, 2)), enters2))
  return next
}

/**
 * The moments of several kernels, when another one comes before those that are in `sums`: their i becomes i + A, A the taps of a kernel. `own` are the
 * moments of the kernel that comes; one of a single tap has order 0 alone.
 */
export function prependKernel<T>(
  c: Comb<T>,
  { rows, columns, signed }: MomentShape,
  sums: readonly T[],
  own: readonly T[],
): T[] {
  const area = rows * columns
  return sums.map((sum, order) => {
    const width = c.width(sum)
    const moved = (from: number, factor: number) => timesConstant(c, sums[from]!, factor, signed, width)
    const added = own.slice(order, order + 1).map((x) => extend(c, x, signed, width))
    const terms =
      order === 0 ? [] : order === 1 ? [moved(0, area)] : [moved(1, 2 * area), moved(0, area ** 2)]
    return [...terms, ...added].reduce((a, b) => c.add(a, b), sum)
  })
}

/** Adders of `prependKernel` for so many orders. */
export function prependAdders({ rows, columns, widths }: MomentShape, orders: number): number {
  const area = rows * columns
  const moved = [0, 1 + constantAdders(area), 2 + constantAdders(2 * area) + constantAdders(area ** 2)]
  return widths.length + moved.slice(0, orders).reduce((a, b) => a + b)
}

/** Adders of `slideMoments`. */
export function slideAdders(shape: MomentShape): number {
  const last = shape.columns - 1
  const whole = shape.rows > 1
  const by = (factor: number) => (factor === 0 ? undefined : constantAdders(factor))
  /** Terms that enter: one less addition than terms, and what their factors take. */
  const entering = (...terms: readonly (number | undefined)[]) => {
    const there = terms.filter((term) => term !== undefined)
    return there.length - 1 + there.reduce((sum, adders) => sum + adders, 0)
  }
  const own = whole ? 0 : undefined
  const first = 2
  const linear = (whole ? 1 : 0) + 2 + entering(own, by(last))
  const quadratic = (whole ? 1 : 0) + 3 + entering(own, whole ? by(2 * last) : undefined, by(last ** 2))
  return [first, linear, quadratic].slice(0, shape.widths.length).reduce((a, b) => a + b)
}
