import { signedBits, unsignedBits } from '../base/integers.ts'
import { codeRange } from './rules.ts'

/** Degree of a curve: 1 for w_i = a*i + b, 2 for w_i = a*i^2 + b*i + c. */
export type Degree = 1 | 2

/**
 * The weights of a layer as curves: a filter's taps (channel, kernel row, kernel column; the last is fastest) are cut into groups of
 * `length`, and tap i of a group has the weight sum over k of coefficient[k] * (i / 2^spread)^k. So a sum of products needs the
 * moments S_k = sum over i of i^k * x_i, which are the same for all filters, and one product for each order k
 * (after Tolba et al., IEEE Access 2022; docs/numerics.md).
 */
export interface QCurve {
  readonly degree: Degree
  /** Taps of a group; a filter's last group may have fewer. */
  readonly length: number
  /** Bits of a coefficient, signed and symmetric. */
  readonly bits: number
  /** [filter][group][order], order 0 first. */
  readonly coefficients: Int16Array
  readonly moments: Moments
}

/** How the moments of a group are numbered as integers. Follows from degree, length and the activations' type alone. */
export interface Moments {
  /** i / 2^spread is in [0, 1). */
  readonly spread: number
  /** The accumulator counts in 2^-fraction of activation scale times coefficient scale. */
  readonly fraction: number
  /** By order. */
  readonly orders: readonly Moment[]
}

/** One order: operand = floor(S_k / 2^cut), term = M(operand, coefficient) * 2^shift. */
export interface Moment {
  readonly cut: number
  readonly shift: number
  /** The operand's width and sign, and its range over all activation codes. */
  readonly bits: number
  readonly signed: boolean
  readonly range: readonly [low: number, high: number]
  /** Width of S_k itself, of the operand's sign. */
  readonly wholeBits: number
}

/** Most bits of an operand: what multiplier families take. */
const operandBits = 16
/** Bits of an accumulator behind the point: finer moments are cut, since activations are no finer than that. */
const guardBits = 4

/** The moments of groups of `length` activations of `bits` bits. */
export function momentsOf(degree: Degree, length: number, bits: number, signed: boolean): Moments {
  const spread = Math.ceil(Math.log2(length))
  const [least, most] = codeRange(bits, signed)
  const whole = Array.from({ length: degree + 1 }, (_, order) => {
    const sum = powerSum(length, order)
    const [low, high] = [least * sum + 0, most * sum]
    const wholeBits = signed ? signedBits(low, high) : unsignedBits(high)
    const cut = Math.max(0, order * spread - guardBits, wholeBits - operandBits)
    const range = [Math.floor(low / 2 ** cut), Math.floor(high / 2 ** cut)] as const
    return { cut, wholeBits, range, signed, bits: Math.max(2, wholeBits - cut) }
  })
  const fraction = Math.max(...whole.map(({ cut }, order) => order * spread - cut))
  const orders = whole.map((moment, order) => ({
    ...moment,
    shift: fraction - order * spread + moment.cut,
  }))
  return { spread, fraction, orders }
}

/** Sum of i^order over 0 <= i < length. */
function powerSum(length: number, order: number): number {
  let sum = 0
  for (let i = 0; i < length; i++) sum += i ** order
  return sum
}

/** Groups of a filter of so many taps. */
export const groupsOf = (curve: Pick<QCurve, 'length'>, taps: number): number =>
  Math.ceil(taps / curve.length)

/** The operand that moment `order` of some activations is. */
export function momentOperand({ orders }: Moments, order: number, codes: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < codes.length; i++) sum += i ** order * codes[i]!
  return Math.floor(sum / 2 ** orders[order]!.cut)
}
