import type { Comb } from '../comb/comb.ts'
import { bit, bitsOf, fromBits, gate, replicate, tree } from '../comb/derived.ts'
import { addRow, addSignedRow, type Columns } from './compressor.ts'

/** A radix-4 Booth digit d in -2..2, as control bits: |d| = 1, |d| = 2, and the sign (which may be set where d = 0). */
export interface BoothDigit<T> {
  readonly one: T
  readonly two: T
  readonly negative: T
}

/** Number of digits of a signed operand of `bits` bits: an odd one is sign-extended by one. */
export const digitCount = (bits: number): number => Math.ceil(bits / 2)

/**
 * The digits d_j = -2 b_(2j+1) + b_2j + b_(2j-1), b_(-1) = 0, of a two's complement operand: B = sum of d_j 4^j.
 * (O. L. MacSorley, "High-speed arithmetic in binary computers", 1961.)
 */
export function boothDigits<T>(c: Comb<T>, b: T): BoothDigit<T>[] {
  const bits = bitsOf(c, b)
  if (bits.length % 2 === 1) bits.push(bits.at(-1)!)
  return Array.from({ length: bits.length / 2 }, (_, j) => {
    const [high, middle] = [bits[2 * j + 1]!, bits[2 * j]!]
    const low = j === 0 ? c.constant(0, 1) : bits[2 * j - 1]!
    return {
      one: c.label(c.xor(middle, low), `digit_${j}_one`),
      two: c.label(
        c.or(c.and(high, c.not(c.or(middle, low))), c.and(c.not(high), c.and(middle, low))),
        `digit_${j}_two`,
      ),
      negative: high,
    }
  })
}

/**
 * Adds digit * x * 2^place to the columns, for a two's complement x: its bits, or those of 2x, or 0, and their negative where
 * the digit is negative.
 */
export function addBoothRow<T>(
  c: Comb<T>,
  columns: Columns<T>,
  digit: BoothDigit<T>,
  x: T,
  place: number,
): void {
  const width = c.width(x) + 1
  const single = c.and(c.label(c.signExtend(x, width), 'single'), replicate(c, digit.one, width))
  const double = c.and(c.label(c.cat(x, c.constant(0, 1)), 'doubled'), replicate(c, digit.two, width))
  addNegatedRow(c, columns, c.or(single, double), digit.negative, place)
}

/**
 * Adds x * 2^place, or where `negative` is 1 its negative: the bits of the two's complement x are inverted, and 1 is added at `place`. A number
 * and its negative have the same lowest bit, so that one is not inverted, and what the 1 carries out of it is added a place
 * higher.
 */
export function addNegatedRow<T>(c: Comb<T>, columns: Columns<T>, x: T, negative: T, place: number): void {
  const width = c.width(x)
  const magnitude = c.label(x, `row_${place}_magnitude`)
  const lowest = bit(c, magnitude, 0)
  const inverted = c.xor(c.slice(magnitude, width - 1, 1), replicate(c, negative, width - 1))
  addSignedRow(c, columns, [lowest, ...bitsOf(c, c.label(inverted, `row_${place}`))], place)
  addRow(columns, [c.and(negative, c.not(lowest))], place + 1)
}

/** An operand rounded at bit m (half up), without an adder: a two's complement x and a sign, rnd(A, m) = (-1)^sign x 2^m. */
export interface RoundedOperand<T> {
  readonly x: T
  /** undefined: never negated. */
  readonly sign: T | undefined
  readonly place: number
}

/**
 * With a = a_(m-1) and A_m = A >> m: A_m + a = (-1)^a (A_m XOR a), since -(~A_m) = A_m + 1. So a rounding costs one XOR per
 * operand bit, and one per digit for the sign. `a` is two's complement.
 */
export function roundOperand<T>(c: Comb<T>, a: T, m: number): RoundedOperand<T> {
  if (m === 0) return { x: a, sign: undefined, place: 0 }
  const kept = c.slice(a, c.width(a) - 1, m)
  const half = bit(c, a, m - 1)
  return { x: c.label(c.xor(kept, replicate(c, half, c.width(kept))), `rounded_${m}`), sign: half, place: m }
}

/**
 * An operand rounded at the bit that a mode chooses: `places[i]` where `is[i]`, one of which is 1. Bits below the place are
 * gated to 0, and so are they in all modes where they are not there at all.
 */
export function roundOperandByMode<T>(
  c: Comb<T>,
  a: T,
  places: readonly number[],
  is: readonly T[],
  name: string,
): RoundedOperand<T> {
  const [least, most] = [Math.min(...places), Math.max(...places)]
  if (least === most) return roundOperand(c, a, least)
  const anyMode = (chosen: (place: number) => boolean) =>
    anyOf(
      c,
      is.filter((_, i) => chosen(places[i]!)),
    )
  const halves = [...new Set(places)].flatMap((place) =>
    place === 0
      ? []
      : [
          c.and(
            anyMode((other) => other === place),
            bit(c, a, place - 1),
          ),
        ],
  )
  const half = c.label(
    tree(halves, (x, y) => c.or(x, y)),
    `${name}_half`,
  )
  const kept = bitsOf(c, a)
    .slice(least)
    .map((one, i) => {
      const rounded = c.xor(one, half)
      return least + i >= most
        ? rounded
        : c.and(
            rounded,
            anyMode((place) => place <= least + i),
          )
    })
  return { x: c.label(fromBits(c, kept), name), sign: half, place: least }
}

/** The digit where one of `flags` is 1, else 0. */
export function gateDigit<T>(c: Comb<T>, digit: BoothDigit<T>, flags: readonly T[]): BoothDigit<T> {
  const on = anyOf(c, flags)
  return { one: gate(c, digit.one, on), two: gate(c, digit.two, on), negative: gate(c, digit.negative, on) }
}

const anyOf = <T>(c: Comb<T>, flags: readonly T[]): T => tree(flags, (x, y) => c.or(x, y))

/** Adds digit * rounded operand * 2^place. */
export function addRoundedRow<T>(
  c: Comb<T>,
  columns: Columns<T>,
  digit: BoothDigit<T>,
  operand: RoundedOperand<T>,
  place: number,
): void {
  const signed =
    operand.sign === undefined
      ? digit
      : {
          ...digit,
          negative: c.label(c.xor(digit.negative, operand.sign), `row_${operand.place + place}_negative`),
        }
  addBoothRow(c, columns, signed, operand.x, operand.place + place)
}
