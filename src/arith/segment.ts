import { indexBits } from '../base/integers.ts'
import type { Comb } from '../comb/comb.ts'
import { reduceOr, resize, shiftLeftBy } from '../comb/derived.ts'
import { prefixAdd } from './adder.ts'
import { unsignedProduct } from './array.ts'
import type { Domain } from './domain.ts'
import type { Parameter } from './family.ts'
import { leadingPlace } from './leading-one.ts'

/** A few bits of an unsigned operand and the place where they stood: the operand is about bits * 2^shift. */
export interface Segment<T> {
  readonly bits: T
  readonly shift: Shift<T>
}

/** How far a segment stood above the lowest place. */
export type Shift<T> =
  /** Any distance up to `most`. */
  | { readonly kind: 'binary'; readonly amount: T; readonly most: number }
  /** The sum of the distances whose condition is 1. */
  | { readonly kind: 'steps'; readonly steps: readonly { readonly on: T; readonly places: number }[] }

/** The `m` bits from the leading one on; all bits of an operand below 2^m. */
export function leadingSegment<T>(c: Comb<T>, x: T, m: number, name: string): Segment<T> {
  const width = c.width(x)
  if (width <= m) return { bits: x, shift: { kind: 'steps', steps: [] } }
  const amount = c.label(leadingPlace(c, c.slice(x, width - 1, m - 1)), `${name}_shift`)
  const bits = c.label(c.slice(c.shiftRight(x, amount), m - 1, 0), `${name}_segment`)
  return { bits, shift: { kind: 'binary', amount, most: width - m } }
}

/** The `m` bits from the lowest of the places on that leaves no 1 above them. `places` rise from 0; the last leaves no bit out. */
export function placedSegment<T>(
  c: Comb<T>,
  x: T,
  m: number,
  places: readonly number[],
  name: string,
): Segment<T> {
  const width = c.width(x)
  if (width <= m) return { bits: x, shift: { kind: 'steps', steps: [] } }
  // one condition for each place but the first: whether there is a 1 above the segment of the place before
  const steps = places.slice(1).map((place, i) => ({
    on: c.label(reduceOr(c, c.slice(x, width - 1, places[i]! + m)), `${name}_above_${places[i]! + m}`),
    places: place - places[i]!,
  }))
  const bits = places
    .map((place) => c.slice(x, place + m - 1, place))
    .reduce((below, segment, i) => c.mux(steps[i - 1]!.on, segment, below))
  return { bits: c.label(bits, `${name}_segment`), shift: { kind: 'steps', steps } }
}

/** The exact product of two segments, moved to its place: width(x) + width(y) bits for the operands x and y that they are of. */
export function segmentProduct<T>(c: Comb<T>, a: Segment<T>, b: Segment<T>, width: number): T {
  const core = c.label(unsignedProduct(c, a.bits, b.bits), 'segment_product')
  const product = resize(c, core, false, width)
  const [one, other] = [a.shift, b.shift]
  if (one.kind === 'binary' && other.kind === 'binary') {
    const bits = indexBits(one.most + other.most + 1)
    const shift = prefixAdd(c, resize(c, one.amount, false, bits), resize(c, other.amount, false, bits))
    return c.shiftLeft(product, c.label(shift, 'shift'))
  }
  return shifted(c, shifted(c, product, one), other)
}

function shifted<T>(c: Comb<T>, x: T, shift: Shift<T>): T {
  if (shift.kind === 'binary') return c.shiftLeft(x, shift.amount)
  return shift.steps.reduce((moved, { on, places }) => c.mux(on, shiftLeftBy(c, moved, places), moved), x)
}

/** Number of bits of a positive number's leading one. */
export const leadingPlaceOf = (x: number): number => Math.floor(Math.log2(x))

/** A parameter that is the width of a segment: up to the wider operand. */
export const segmentParameter = (name: string, low: (domain: Domain) => number): Parameter => ({
  kind: 'integer',
  name,
  summary: 'bits kept of each operand',
  range: (domain) => [low(domain), Math.max(domain.nA, domain.nB)],
})
