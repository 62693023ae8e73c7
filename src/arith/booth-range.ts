import { type Domain, operandRange } from './domain.ts'

/** The three bits b_(2j+1), b_2j, b_(2j-1) of a Booth digit. */
export type DigitBits = readonly [top: number, middle: number, below: number]

/** By the three bits as a number 0..7. */
const digitBits: readonly DigitBits[] = Array.from({ length: 8 }, (_, bits) => [
  bits >> 2,
  (bits >> 1) & 1,
  bits & 1,
])

/** The value of a digit's bits. */
export const digitValue = ([top, middle, below]: DigitBits): number => middle + below - 2 * top

/** Rows of Booth digits, one for each of the given digits (rising). */
export interface DigitRows {
  readonly digits: readonly number[]
  /** What the row of a digit adds to the product. */
  readonly row: (a: number, digit: number, bits: DigitBits) => number
  /** A bound, over all A, on how far that is from `digitValue * a * 4^digit`. */
  readonly error: (digit: number) => number
}

/**
 * Exact range of a sum of rows: for each A the smallest and the largest sum over all B, digit by digit from the lowest. Neighbouring digits share a
 * bit of B, so there is one pair of extremes for each value of that bit. Rows without errors add up to A times one of a range
 * of numbers; an A for which that, with all errors, reaches beyond neither end of the range known so far is passed over, and A with the
 * largest magnitudes come first.
 */
export function digitwiseRange(
  { nA, signedA, nB }: Domain,
  { digits, row, error }: DigitRows,
): readonly [number, number] {
  const linear = rangeOfSum(digits, nB, (digit, bits) => digitValue(bits) * 4 ** digit)
  const errors = digits.reduce((sum, digit) => sum + error(digit), 0)
  let [lowest, highest] = [0, 0]
  for (const a of outermostFirst(operandRange(nA, signedA))) {
    const products = linear.map((b) => a * b)
    if (Math.min(...products) - errors >= lowest && Math.max(...products) + errors <= highest) continue
    const [low, high] = rangeOfSum(digits, nB, (digit, bits) => row(a, digit, bits))
    lowest = Math.min(lowest, low)
    highest = Math.max(highest, high)
  }
  return [lowest, highest]
}

function* outermostFirst([low, high]: readonly [number, number]): Generator<number> {
  for (let [down, up] = [low, high]; down <= up; ) yield -down > up ? down++ : up--
}

/** The smallest and the largest sum of a term a digit, over all operands B of `nB` bits. */
function rangeOfSum(
  digits: readonly number[],
  nB: number,
  term: (digit: number, bits: DigitBits) => number,
): readonly [number, number] {
  const first = digits[0]!
  let low = [0, first === 0 ? Number.POSITIVE_INFINITY : 0]
  let high = [0, first === 0 ? Number.NEGATIVE_INFINITY : 0]
  for (const j of digits) {
    const nextLow = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
    const nextHigh = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]
    for (const bits of digitBits) {
      const [top, middle, below] = bits
      // The top digit of an odd operand repeats the sign.
      if (2 * j + 1 >= nB && top !== middle) continue
      const value = term(j, bits)
      nextLow[top] = Math.min(nextLow[top]!, low[below]! + value)
      nextHigh[top] = Math.max(nextHigh[top]!, high[below]! + value)
    }
    low = nextLow
    high = nextHigh
  }
  return [Math.min(...low), Math.max(...high)]
}
