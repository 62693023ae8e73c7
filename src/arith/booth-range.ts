import { type Domain, operandRange } from './domain.ts'

/** The three bits b_(2j+1), b_2j, b_(2j-1) of a Booth digit. */
export type DigitBits = readonly [top: number, middle: number, below: number]

/**
 * Exact range of a sum of rows, one for each of the given Booth digits (rising): for each A the smallest and the largest sum over all
 * B, digit by digit from the lowest. Neighbouring digits share a bit of B, so there is one pair of extremes for each value
 * of that bit.
 */
export function digitwiseRange(
  { nA, signedA, nB }: Domain,
  digits: readonly number[],
  row: (a: number, digit: number, bits: DigitBits) => number,
): readonly [number, number] {
  const [lowA, highA] = operandRange(nA, signedA)
  const first = digits[0]!
  let [lowest, highest] = [0, 0]
  for (let a = lowA; a <= highA; a++) {
    let low = [0, first === 0 ? Number.POSITIVE_INFINITY : 0]
    let high = [0, first === 0 ? Number.NEGATIVE_INFINITY : 0]
    for (const j of digits) {
      const nextLow = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
      const nextHigh = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]
      for (let bits = 0; bits < 8; bits++) {
        const [top, middle, below] = [bits >> 2, (bits >> 1) & 1, bits & 1]
        // The top digit of an odd operand repeats the sign.
        if (2 * j + 1 >= nB && top !== middle) continue
        const term = row(a, j, [top, middle, below])
        nextLow[top] = Math.min(nextLow[top]!, low[below]! + term)
        nextHigh[top] = Math.max(nextHigh[top]!, high[below]! + term)
      }
      low = nextLow
      high = nextHigh
    }
    lowest = Math.min(lowest, ...low)
    highest = Math.max(highest, ...high)
  }
  return [lowest, highest]
}
