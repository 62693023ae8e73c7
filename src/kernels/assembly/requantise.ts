import { roundLine, scaleLine } from './imported'
import * as job from './job'
import * as region from './region'

/** Below this, products with sums of 32 bits, and their doubles plus one, are exact in double precision. */
const mostMultiplier: i32 = 1 << 21

/**
 * Codes of `count` sums: clamp(floor(((sum + bias) * multiplier + 2^(shift-1)) / 2^shift), low, high), stored as bytes or as 16-bit
 * integers. Vectors compute them in double precision, exactly: docs/emulation.md, "Requantisation".
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
  // Within these bounds products are exact and every quotient fits 32 bits.
  const exact = multiplier < mostMultiplier && <i64>multiplier <= (<i64>1) << shift
  const whole = exact ? count & ~3 : 0
  const biases = i32x4.splat(bias)
  const unit = 1.0 / <f64>((<i64>1) << shift)
  const factors = f64x2.splat(<f64>multiplier * unit)
  const ties = f64x2.splat(0.5 * unit)
  const lows = i16x8.splat(<i16>low)
  const highs = i16x8.splat(<i16>high)
  const many = to + <usize>(whole & ~15) * sizeof<T>()
  for (; to < many; to += 16 * sizeof<T>(), from += 64) {
    const a = twoQuotients(from, biases, factors, ties)
    const b = twoQuotients(from + 32, biases, factors, ties)
    storeCodes<T>(to, clamped(a, lows, highs), clamped(b, lows, highs))
  }
  const end = to + <usize>(whole & 15) * sizeof<T>()
  for (; to < end; to += 4 * sizeof<T>(), from += 16) {
    const four = quotients(from, biases, factors, ties)
    const codes = clamped(i16x8.narrow_i32x4_s(four, four), lows, highs)
    if (sizeof<T>() === 2) v128.store64_lane(to, codes, 0)
    else v128.store32_lane(to, bytesOf(codes, codes), 0)
  }
  for (const last = end + <usize>(count - whole) * sizeof<T>(); to < last; to += sizeof<T>(), from += 4) {
    const product = <i64>(load<i32>(from) + bias) * <i64>multiplier
    const code = (product + ((<i64>1) << (shift - 1))) >> shift
    store<T>(to, <T>max<i64>(low, min<i64>(high, code)))
  }
}

/** Eight quotients, as far as 16 bits go: no code lies beyond. */
function twoQuotients(from: usize, biases: v128, factors: v128, ties: v128): v128 {
  return i16x8.narrow_i32x4_s(
    quotients(from, biases, factors, ties),
    quotients(from + 16, biases, factors, ties),
  )
}

/** Four sums over 2^shift, halves rounded up: half of the last place makes more of them than of any tie. */
function quotients(from: usize, biases: v128, factors: v128, ties: v128): v128 {
  // Behind 3 * 2^51 doubles have no fraction; their low words are the integers.
  const whole = f64x2.splat(6755399441055744.0)
  const sums = i32x4.add(v128.load(from), biases)
  const rest = v128.shuffle<i32>(sums, sums, 2, 3, 2, 3)
  const first = f64x2.add(f64x2.mul(f64x2.convert_low_i32x4_s(sums), factors), ties)
  const second = f64x2.add(f64x2.mul(f64x2.convert_low_i32x4_s(rest), factors), ties)
  return v128.shuffle<i32>(f64x2.add(first, whole), f64x2.add(second, whole), 0, 2, 4, 6)
}

function clamped(codes: v128, lows: v128, highs: v128): v128 {
  return i16x8.max_s(i16x8.min_s(codes, highs), lows)
}

function storeCodes<T>(to: usize, first: v128, second: v128): void {
  if (sizeof<T>() === 2) {
    v128.store(to, first)
    v128.store(to, second, 16)
  } else v128.store(to, bytesOf(first, second))
}

/** The low bytes of codes of either sign. */
function bytesOf(first: v128, second: v128): v128 {
  const bytes = i16x8.splat(255)
  return i8x16.narrow_i16x8_u(v128.and(first, bytes), v128.and(second, bytes))
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
