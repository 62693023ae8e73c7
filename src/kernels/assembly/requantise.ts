import { roundLine, scaleLine } from './imported'
import * as job from './job'
import * as region from './region'

/**
 * Codes of `count` sums: clamp(floor(((sum + bias) * multiplier + 2^(shift-1)) / 2^shift), low, high), the products in 64 bits.
 * Codes are stored as bytes or as 16-bit integers.
 */
export function requantiseLine<T>(
  from: usize,
  to: usize,
  count: i32,
  bias: i32,
  multiplier: i32,
  shift: i32,
  low: i32,
  high: i32,
): void {
  // Within this bound every quotient fits 32 bits.
  const whole = <i64>multiplier <= (<i64>1) << shift ? count & ~3 : 0
  const end = to + <usize>whole * sizeof<T>()
  const biases = i32x4.splat(bias)
  const factors = i32x4.splat(multiplier)
  const lows = i32x4.splat(low)
  const highs = i32x4.splat(high)
  // There is no fast arithmetic shift of 64 bits: 2^62 makes the products positive, and 2^(62-shift) comes off afterwards.
  const rounding = i64x2.splat(((<i64>1) << 62) + ((<i64>1) << (shift - 1)))
  const excess = i32x4.splat(shift > 30 ? <i32>((<i64>1) << (62 - shift)) : 0)
  for (; to < end; to += 4 * sizeof<T>(), from += 16) {
    const sums = i32x4.add(v128.load(from), biases)
    const first = i64x2.shr_u(i64x2.add(i64x2.extmul_low_i32x4_s(sums, factors), rounding), shift)
    const second = i64x2.shr_u(i64x2.add(i64x2.extmul_high_i32x4_s(sums, factors), rounding), shift)
    const codes = i32x4.sub(v128.shuffle<i32>(first, second, 0, 2, 4, 6), excess)
    const clamped = i32x4.max_s(i32x4.min_s(codes, highs), lows)
    if (sizeof<T>() === 2) v128.store64_lane(to, i16x8.narrow_i32x4_s(clamped, clamped), 0)
    else
      store<u32>(
        to,
        i32x4.extract_lane(
          v128.shuffle<i8>(clamped, clamped, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12),
          0,
        ),
      )
  }
  for (const last = end + <usize>(count - whole) * sizeof<T>(); to < last; to += sizeof<T>(), from += 4) {
    const product = <i64>(load<i32>(from) + bias) * <i64>multiplier
    const code = (product + ((<i64>1) << (shift - 1))) >> shift
    store<T>(to, <T>max<i64>(low, min<i64>(high, code)))
  }
}

/** Sums of one filter, in the order of the region's positions, to their places in the result. */
export function finishLine(at: usize, filter: i32, sums: usize): void {
  const pitch = (<usize>region.columns) << 2
  const bias = ofFilter(at, job.bias, filter)
  finishLines(at, filter, bias, sums, pitch, <usize>region.rows * pitch)
}

/** The same for sums whose rows and images lie `pitch` and `imagePitch` bytes apart. */
export function finishLines(
  at: usize,
  filter: i32,
  bias: i32,
  sums: usize,
  pitch: usize,
  imagePitch: usize,
): void {
  const columns = job.word(at, job.columns)
  const whole = region.columns === columns && pitch === (<usize>columns) << 2
  const runs = whole ? 1 : region.rows
  const run = whole ? region.rows * columns : region.columns
  const plane = job.word(at, job.rows) * columns
  for (let i = 0; i < region.images; i++, sums += imagePitch) {
    const first =
      <usize>((region.image0 + i) * job.word(at, job.filters) + filter) * <usize>plane +
      <usize>(region.row0 * columns + region.column0)
    for (let r = 0; r < runs; r++)
      finishRun(at, filter, bias, sums + <usize>r * pitch, first + <usize>r * columns, run)
  }
}

/** `count` sums to the result's elements from `index` on. */
function finishRun(at: usize, filter: i32, bias: i32, sums: usize, index: usize, count: i32): void {
  const kind = job.word(at, job.finish)
  const output = <usize>job.word(at, job.output)
  if (kind === 1) {
    storeSums(sums, output + (index << 2), count, bias)
    return
  }
  if (kind === 4) {
    storeFloats(sums, output + (index << 2), count, reinterpret<f32>(bias))
    return
  }
  const to = output + index
  const low = job.word(at, job.low)
  const high = job.word(at, job.high)
  const zero = job.word(at, job.zeroPoint)
  if (kind === 3) {
    const factor = load<f32>(<usize>job.word(at, job.multiplier) + ((<usize>filter) << 2))
    roundLine(sums, to, count, bias, factor, zero, low, high)
    return
  }
  const multiplier = ofFilter(at, job.multiplier, filter)
  const shift = ofFilter(at, job.shift, filter)
  if (kind === 2) scaleLine(sums, to, count, bias, multiplier, shift, zero, low, high)
  else if (kind === 5)
    requantiseLine<i16>(sums, output + (index << 1), count, bias, multiplier, shift, low, high)
  else requantiseLine<u8>(sums, to, count, bias, multiplier, shift, low, high)
}

/** A filter's word of a list. */
function ofFilter(at: usize, list: usize, filter: i32): i32 {
  return load<i32>(<usize>job.word(at, list) + ((<usize>filter) << 2))
}

function storeSums(from: usize, to: usize, count: i32, bias: i32): void {
  const biases = i32x4.splat(bias)
  const end = to + ((<usize>count) << 2)
  for (; to + 16 <= end; to += 16, from += 16) v128.store(to, i32x4.add(v128.load(from), biases))
  for (; to < end; to += 4, from += 4) store<i32>(to, load<i32>(from) + bias)
}

function storeFloats(from: usize, to: usize, count: i32, bias: f32): void {
  const biases = f32x4.splat(bias)
  const end = to + ((<usize>count) << 2)
  for (; to + 16 <= end; to += 16, from += 16) v128.store(to, f32x4.add(v128.load(from), biases))
  for (; to < end; to += 4, from += 4) store<f32>(to, load<f32>(from) + bias)
}
