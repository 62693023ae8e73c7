import { indexBits } from '../base/integers.ts'
import type { Comb } from '../comb/comb.ts'
import { bitsOf, gate, scaleUp } from '../comb/derived.ts'
import { type Normalised, normalise } from './leading-one.ts'

/** Two unsigned operands by their logarithms: an operand is 2^k * (1 + x), its logarithm about k + x (J. N. Mitchell, 1962). */
export interface Logarithms<T> {
  /** The places k of the leading ones and the fractions x, all fractions of `fractionBits` bits. */
  readonly a: Normalised<T>
  readonly b: Normalised<T>
  readonly fractionBits: number
  /** Bits of the operands together: no product of them has more. */
  readonly bits: number
}

/** The logarithms of both operands, their fractions left-aligned to the width of the wider operand less one. */
export function logarithms<T>(c: Comb<T>, x: T, y: T): Logarithms<T> {
  const width = Math.max(c.width(x), c.width(y))
  const of = (operand: T, name: string): Normalised<T> => {
    const { place, fraction, nonZero } = normalise(c, operand, indexBits(width), name)
    return { place, fraction: scaleUp(c, fraction, width - c.width(operand)), nonZero }
  }
  return { a: of(x, 'a'), b: of(y, 'b'), fractionBits: width - 1, bits: c.width(x) + c.width(y) }
}

/**
 * The mantissa at the top of a word of the operands' bits and `extraBits` more, shifted down by the zeros above the leading ones, and 0
 * where an operand is 0. `places` is the sum of both places and a carry: all ones, and the shift 0, where leading ones are at
 * the top and the carry is 1.
 */
export function scaleDown<T>(
  c: Comb<T>,
  mantissa: T,
  places: T,
  { a, b, bits }: Logarithms<T>,
  extraBits = 0,
): T {
  const width = bits + extraBits
  const room = Math.max(width, c.width(mantissa))
  const aligned = scaleUp(c, c.label(mantissa, 'mantissa'), room - c.width(mantissa))
  const scaled = c.slice(c.shiftRight(aligned, c.label(c.not(places), 'zeros_above')), room - 1, room - width)
  return gate(c, scaled, c.label(c.and(a.nonZero, b.nonZero), 'operands_not_zero'))
}

/** The first `bits` bits of a fraction, lowest first; zeros where it has fewer. */
export function fractionHead<T>(c: Comb<T>, fraction: T, bits: number): T[] {
  const all = bitsOf(c, fraction)
  return Array.from({ length: bits }, (_, i) => all[all.length - bits + i] ?? c.constant(0, 1))
}
