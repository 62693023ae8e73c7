/** How the sums of imported networks become codes (docs/numerics.md, "Rules of imported networks"). Lines of int32 in, bytes out. */

/**
 * TensorFlow Lite's two roundings: h = floor(((sum + bias) << e) * multiplier + 2^30) / 2^31) for an exponent e > 0, else without the
 * shift; then h / 2^-e, halves away from zero; then the zero point and the clamp. The shift to the left keeps the low 32 bits.
 */
export function scaleLine(
  from: usize,
  to: usize,
  count: i32,
  bias: i32,
  multiplier: i32,
  exponent: i32,
  zero: i32,
  low: i32,
  high: i32,
): void {
  const biases = i32x4.splat(bias)
  const factors = i32x4.splat(multiplier)
  const up = max(exponent, 0)
  const down = max(-exponent, 0)
  const mask = <i32>(((<u32>1) << down) - 1)
  // clamped before the zero point is added, so that the sum of both fits
  const lows = i32x4.splat(low - zero)
  const highs = i32x4.splat(high - zero)
  const zeros = i32x4.splat(zero)
  const end = to + count
  for (; to < end; to += 4, from += 16) {
    const product = doublingHigh(i32x4.shl(i32x4.add(v128.load(from), biases), up), factors)
    const code = i32x4.max_s(i32x4.min_s(roundingShift(product, down, mask), highs), lows)
    storeBytes(to, end, i32x4.add(code, zeros))
  }
}

/** The same of one number, without a bias, a zero point and a clamp. */
export function scaleOne(x: i32, multiplier: i32, exponent: i32): i64 {
  const up = max(exponent, 0)
  const down = max(-exponent, 0)
  const mask = <i32>(((<u32>1) << down) - 1)
  const product = doublingHigh(i32x4.splat(x << up), i32x4.splat(multiplier))
  return i32x4.extract_lane(roundingShift(product, down, mask), 0)
}

/** (sum + bias) * factor, both factors and their product in float32, rounded half to even; then the zero point and the clamp. */
export function roundLine(
  from: usize,
  to: usize,
  count: i32,
  bias: i32,
  factor: f32,
  zero: i32,
  low: i32,
  high: i32,
): void {
  const biases = i32x4.splat(bias)
  const factors = f32x4.splat(factor)
  const lows = f32x4.splat(<f32>(low - zero))
  const highs = f32x4.splat(<f32>(high - zero))
  const zeros = i32x4.splat(zero)
  const end = to + count
  for (; to < end; to += 4, from += 16) {
    const sums = f32x4.convert_i32x4_s(i32x4.add(v128.load(from), biases))
    const codes = f32x4.max(f32x4.min(f32x4.nearest(f32x4.mul(sums, factors)), highs), lows)
    storeBytes(to, end, i32x4.add(i32x4.trunc_sat_f32x4_s(codes), zeros))
  }
}

/** floor((x * factor + 2^30) / 2^31) of factors that are not negative. */
function doublingHigh(x: v128, factors: v128): v128 {
  // There is no fast arithmetic shift of 64 bits: 2^62 makes the products positive; behind the shift it is the sign bit.
  const rounding = i64x2.splat(((<i64>1) << 62) + ((<i64>1) << 30))
  const first = i64x2.shr_u(i64x2.add(i64x2.extmul_low_i32x4_s(x, factors), rounding), 31)
  const second = i64x2.shr_u(i64x2.add(i64x2.extmul_high_i32x4_s(x, factors), rounding), 31)
  return v128.xor(v128.shuffle<i32>(first, second, 0, 2, 4, 6), i32x4.splat(i32.MIN_VALUE))
}

/** x / 2^places, halves away from zero; `mask` has as many ones. */
function roundingShift(x: v128, places: i32, mask: i32): v128 {
  const rest = v128.and(x, i32x4.splat(mask))
  const half = i32x4.sub(i32x4.splat(mask >>> 1), i32x4.lt_s(x, i32x4.splat(0)))
  return i32x4.sub(i32x4.shr_s(x, places), i32x4.gt_s(rest, half))
}

/** The low bytes of four lanes, as many as lie before `end`. */
function storeBytes(to: usize, end: usize, lanes: v128): void {
  let bytes = <u32>(
    i32x4.extract_lane(v128.shuffle<i8>(lanes, lanes, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12), 0)
  )
  if (to + 4 <= end) store<u32>(to, bytes)
  else for (; to < end; to++, bytes >>= 8) store<u8>(to, <u8>bytes)
}
