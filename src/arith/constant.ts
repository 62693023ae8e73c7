import type { Comb } from '../comb/comb.ts'
import { resize, shiftLeftBy } from '../comb/derived.ts'

/** A digit of a canonical signed-digit number: sign * 2^place. */
export interface SignedDigit {
  readonly place: number
  readonly negative: boolean
}

/** A positive integer with the fewest digits of -1 and 1, lowest first: 7 = 8 - 1. */
export function signedDigits(value: number): readonly SignedDigit[] {
  const digits: SignedDigit[] = []
  for (let rest = value, place = 0; rest > 0; place++) {
    if (rest % 2 === 1) {
      const negative = rest % 4 === 3
      digits.push({ place, negative })
      rest += negative ? 1 : -1
    }
    rest /= 2
  }
  return digits
}

/** Adders of a multiplication by a positive constant. */
export const constantAdders = (value: number): number => signedDigits(value).length - 1

/** x times a positive constant, modulo 2^width, by shifts and additions. `signed` says how x is extended. */
export function timesConstant<T>(c: Comb<T>, x: T, value: number, signed: boolean, width: number): T {
  const wide = resize(c, x, signed, width)
  // the highest digit is positive: the chain begins with it and needs no negation
  const [highest, ...others] = [...signedDigits(value)].reverse()
  const shifted = (digit: SignedDigit) => shiftLeftBy(c, wide, digit.place)
  return others.reduce(
    (sum, digit) => (digit.negative ? c.sub(sum, shifted(digit)) : c.add(sum, shifted(digit))),
    shifted(highest!),
  )
}
