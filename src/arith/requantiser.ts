import type { Comb } from '../comb/comb.ts'
import { maxSigned, minSigned } from '../comb/derived.ts'

// From an accumulator to an output code, in the four steps that the hardware puts registers between:
// y = clamp(floor(((acc + bias) * multiplier + 2^(shift-1)) / 2^shift), low, high)   (docs/numerics.md)

/** 32 bits signed + 32 bits signed: 33 bits signed. */
export function addBias<T>(c: Comb<T>, accumulator: T, bias: T): T {
  return c.label(c.add(c.signExtend(accumulator, 33), c.signExtend(bias, 33)), 'biased')
}

/** 33 bits signed * 16 bits unsigned: 50 bits signed. */
export function scale<T>(c: Comb<T>, sum: T, multiplier: T): T {
  return c.label(c.mulSigned(sum, c.zeroExtend(multiplier, 17)), 'scaled')
}

/** floor((product + 2^(shift-1)) / 2^shift), 50 bits signed; `shift` has 6 bits and is 1..47. */
export function roundShift<T>(c: Comb<T>, product: T, shift: T): T {
  // floor((p + 2^(s-1)) / 2^s) = floor((floor(p / 2^(s-1)) + 1) / 2): one shifter does both.
  const doubled = c.shiftRightArithmetic(product, c.sub(shift, c.constant(1, 6)))
  const up = c.add(c.signExtend(c.label(doubled, 'doubled'), 51), c.constant(1, 51))
  return c.label(c.slice(up, 50, 1), 'rounded')
}

/** A 50-bit signed value within the 9-bit signed bounds low..high, as an 8-bit code. */
export function clamp<T>(c: Comb<T>, value: T, low: T, high: T): T {
  return c.slice(bounded(c, value, low, high), 7, 0)
}

/** The same as a 9-bit signed value. */
export function clampSigned<T>(c: Comb<T>, value: T, low: T, high: T): T {
  return c.slice(bounded(c, value, low, high), 8, 0)
}

function bounded<T>(c: Comb<T>, value: T, low: T, high: T): T {
  const within = minSigned(c, maxSigned(c, value, c.signExtend(low, 50)), c.signExtend(high, 50))
  return c.label(within, 'bounded')
}
