import { doublingHighProduct, roundingShift, type ScaleFactor, scaleFactor } from './imported-rules.ts'

/**
 * TensorFlow Lite's int8 softmax in fixed point: exponentials of differences to the largest code as Q5.26, their sum as Q12.19, a
 * reciprocal by Newton's method, results as codes of scale 1/256 that count from the smallest code.
 */
export interface SoftmaxRule {
  /** Code differences to Q5.26. */
  readonly factor: ScaleFactor
  /** Differences below it count as exp(-infinity). */
  readonly least: number
}

const inputIntegerBits = 5
const sumIntegerBits = 12

/** `beta` times the input's scale is what a difference of one code counts. Undefined where that is below 2^-26: no code counts. */
export function softmaxRule(beta: number, scale: number): SoftmaxRule | undefined {
  const real = Math.min(beta * scale * 2 ** (31 - inputIntegerBits), 2 ** 31 - 1)
  if (!(real > 1)) return undefined
  const factor = scaleFactor(real)
  const largest = ((2 ** inputIntegerBits - 1) * 2 ** (31 - inputIntegerBits)) / 2 ** factor.exponent
  return { factor, least: -Math.floor(largest) }
}

/** The codes of one row, from `first` on; `smallest` is the smallest code of their type. */
export function softmaxCodes(
  { factor, least }: SoftmaxRule,
  codes: Int8Array | Uint8Array,
  first: number,
  length: number,
  result: Int8Array | Uint8Array,
  smallest = -128,
): void {
  let largest = smallest
  for (let i = first; i < first + length; i++) largest = Math.max(largest, codes[i]!)
  const exponential = (code: number) => {
    const difference = code - largest
    if (difference < least) return undefined
    return expOfNegative(doublingHighProduct((difference * 2 ** factor.exponent) | 0, factor.multiplier))
  }
  let sum = 0
  for (let i = first; i < first + length; i++)
    sum = (sum + roundingShift(exponential(codes[i]!) ?? 0, sumIntegerBits)) | 0
  const headroom = Math.clz32(sum)
  const reciprocal = reciprocalOfOnePlus(((sum << headroom) >>> 0) - 2 ** 31)
  const places = sumIntegerBits - headroom + 31 - 8
  for (let i = first; i < first + length; i++) {
    const part = exponential(codes[i]!)
    const code = part === undefined ? 0 : roundingShift(doublingHighProduct(reciprocal, part), places)
    result[i] = Math.min(255, code) + smallest
  }
}

/** exp(-2^k) in Q0.31 for k = -2 .. 4. */
const exponentials = [1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242]

/** exp(x) in Q0.31 of x <= 0 in Q5.26: a series on the last quarter, times a constant for each bit above it. */
function expOfNegative(x: number): number {
  if (x === 0) return 2 ** 31 - 1
  const quarter = 2 ** 24
  const within = (x & (quarter - 1)) - quarter
  let result = expOnQuarter(within * 2 ** inputIntegerBits)
  const rest = within - x
  for (const [i, constant] of exponentials.entries())
    if ((rest & (quarter * 2 ** i)) !== 0) result = doublingHighProduct(result, constant)
  return result
}

/** exp(x) in Q0.31 of x in [-1/4, 0) in Q0.31, by the terms of its series around -1/8. */
function expOnQuarter(x: number): number {
  const atEighth = 1895147668
  const third = 715827883
  const y = x + 2 ** 28
  const y2 = doublingHighProduct(y, y)
  const y3 = doublingHighProduct(y2, y)
  const y4 = doublingHighProduct(y2, y2)
  const higher = roundingShift(doublingHighProduct(roundingShift(y4, 2) + y3, third) + y2, 1)
  return atEighth + doublingHighProduct(atEighth, y + higher)
}

/** 1 / (1 + x) in Q0.31 of x in [0, 1) in Q0.31: three steps of Newton's method in Q2.29. */
function reciprocalOfOnePlus(x: number): number {
  const half = Math.floor((x + (2 ** 31 - 1) + 1) / 2)
  const one = 2 ** 29
  let estimate = 1515870810 + doublingHighProduct(half, -1010580540)
  for (let i = 0; i < 3; i++) {
    const rest = one - doublingHighProduct(half, estimate)
    estimate += saturated(doublingHighProduct(estimate, rest) * 4)
  }
  return saturated(estimate * 2)
}

const saturated = (x: number) => Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, x))
