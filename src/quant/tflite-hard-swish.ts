import { scaleFactor } from './imported-rules.ts'

/**
 * TensorFlow Lite's hard-swish of 8-bit codes, x * min(6, max(0, x + 3)) / 6 in 16-bit fixed point: the value with 7 more bits, once
 * scaled to the result and once to [-1, 1] with saturation, which becomes the share in [0, 1] of the first that is left.
 */
export interface HardSwishRule {
  readonly inputZeroPoint: number
  readonly outputZeroPoint: number
  readonly output: HalfFactor
  readonly share: HalfFactor
}

/** `multiplier` * 2^(`exponent` - 15), the multiplier of 16 bits. */
interface HalfFactor {
  readonly multiplier: number
  readonly exponent: number
}

interface Quantised {
  readonly scale: number
  readonly zeroPoint: number
}

/** Undefined where the result is finer than the input's scale by 2^7 or more: the kernels have no shift for it. */
export function hardSwishRule(input: Quantised, output: Quantised): HardSwishRule | undefined {
  const fine = Math.fround(Math.fround(1 / 128) * input.scale)
  const rule = {
    inputZeroPoint: input.zeroPoint,
    outputZeroPoint: output.zeroPoint,
    output: halfFactor(Math.fround(fine / output.scale)),
    share: halfFactor(Math.fround(fine / Math.fround(3 / 32768))),
  }
  return rule.output.exponent > 0 || rule.share.exponent > 15 ? undefined : rule
}

function halfFactor(real: number): HalfFactor {
  const { multiplier, exponent } = scaleFactor(real)
  return { multiplier: Math.min(32767, Math.floor((multiplier + 0x8000) / 0x10000)), exponent }
}

/** The code of a code, not yet clamped to the type's range. */
export function hardSwishCode(rule: HardSwishRule, code: number): number {
  const value = (code - rule.inputZeroPoint) * 128
  const { multiplier, exponent } = rule.share
  let share = value
  if (exponent > 0) share = saturated(share * 2 ** (exponent - 1))
  share = halfProduct(share, multiplier)
  if (exponent > 0) share = saturated(share * 2)
  if (exponent < 0) share = shifted(share, -exponent)
  const result = halfProduct(value, rule.output.multiplier)
  // cut towards zero, against the bias of the roundings before
  const part = Math.min(32767, Math.trunc((((share + 32768) >> 1) * result) / 32768))
  return shifted(part, -rule.output.exponent) + rule.outputZeroPoint
}

const saturated = (x: number) => Math.max(-32768, Math.min(32767, x))

/** a * b / 2^15, rounded half up, of 16-bit integers. */
const halfProduct = (a: number, b: number) => Math.min(32767, Math.floor((a * b + 0x4000) / 0x8000))

/** x / 2^places, rounded half away from zero. */
const shifted = (x: number, places: number) => Math.sign(x) * Math.floor(Math.abs(x) / 2 ** places + 0.5)
