import { indexBits } from '../base/integers.ts'
import type { Comb } from '../comb/comb.ts'
import { bit, bitsOf, fromBits, tree } from '../comb/derived.ts'

/** OR of the first i + 1 values, for each i, in least depth (Sklansky's tree). */
export function prefixOr<T>(c: Comb<T>, bits: readonly T[]): T[] {
  const or = [...bits]
  for (let span = 1; span < or.length; span *= 2) {
    for (let i = 0; i < or.length; i++) {
      if (Math.floor(i / span) % 2 === 1) or[i] = c.or(or[i]!, or[Math.floor(i / span) * span - 1]!)
    }
  }
  return or
}

/** 1 in the bit of the leading one and in all below it. */
export const smear = <T>(c: Comb<T>, x: T): T => fromBits(c, prefixOr(c, bitsOf(c, x).reverse()).reverse())

/** Place of the leading one, and 0 where there is none: a tree of multiplexers, indexBits(width) bits. */
export function leadingPlace<T>(c: Comb<T>, x: T): T {
  const width = c.width(x)
  return width === 1 ? c.constant(0, 1) : fromBits(c, placeOf(c, bitsOf(c, x)).place)
}

function placeOf<T>(c: Comb<T>, bits: readonly T[]): { readonly any: T; readonly place: readonly T[] } {
  if (bits.length === 1) return { any: bits[0]!, place: [] }
  const half = 2 ** (indexBits(bits.length) - 1)
  const [low, high] = [placeOf(c, bits.slice(0, half)), placeOf(c, bits.slice(half))]
  const place = low.place.map((below, i) =>
    i < high.place.length ? c.mux(high.any, high.place[i]!, below) : c.and(below, c.not(high.any)),
  )
  return { any: c.or(low.any, high.any), place: [...place, high.any] }
}

/** The number of the bit that is 1 in a one-hot value, 0 where none is; indexBits(width) bits. */
export function encodeOneHot<T>(c: Comb<T>, oneHot: T): T {
  const width = c.width(oneHot)
  return fromBits(
    c,
    Array.from({ length: indexBits(width) }, (_, i) => {
      const lines = bitsOf(c, oneHot).filter((_, place) => (place >> i) % 2 === 1)
      return lines.length === 0 ? c.constant(0, 1) : tree(lines, (x, y) => c.or(x, y))
    }),
  )
}

/** An operand as 2^place * (1 + fraction), fraction in [0, 1). */
export interface Normalised<T> {
  /** The place of the leading one, counted so that the top bit's is all ones: 2^bits - 1 less the zeros above it. */
  readonly place: T
  /** Below the leading one, left-aligned: width(x) - 1 bits. */
  readonly fraction: T
  /** 0 where the operand is 0; place and fraction mean nothing then. */
  readonly nonZero: T
}

/** Shifts the leading one to the top. `placeBits` hold at least the operand's places. */
export function normalise<T>(c: Comb<T>, x: T, placeBits: number, name: string): Normalised<T> {
  const width = c.width(x)
  const padding = 2 ** placeBits - width
  const padded = padding === 0 ? x : c.cat(x, c.constant(0, padding))
  const place = c.label(leadingPlace(c, padded), `${name}_place`)
  const shifted = c.label(c.shiftLeft(x, c.not(place)), `${name}_normalised`)
  return {
    place,
    fraction: c.slice(shifted, width - 2, 0),
    nonZero: bit(c, shifted, width - 1),
  }
}
