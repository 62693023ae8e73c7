// The words of a job: src/kernels/elementwise.ts, in its order.
const first: usize = 0
const second: usize = 4
const output: usize = 8
const count: usize = 12
const firstSigned: usize = 16
const secondSigned: usize = 20
const firstMultiplier: usize = 24
const secondMultiplier: usize = 28
const shift: usize = 32
const low: usize = 36
const high: usize = 40
const pieceCodes: usize = 44

/**
 * A part of clamp(floor((x0 * m0 + x1 * m1 + 2^(shift-1)) / 2^shift), low, high): codes of 8 bits and multipliers below 2^16 stay
 * below 2^25, so that 32 bits hold every sum where the shift is at most 30.
 */
export function addCodes(at: usize, piece: i32, _scratch: usize): void {
  const from = piece * load<i32>(at + pieceCodes)
  const here = min(load<i32>(at + pieceCodes), load<i32>(at + count) - from)
  let a = <usize>load<u32>(at + first) + from
  let b = <usize>load<u32>(at + second) + from
  let to = <usize>load<u32>(at + output) + from
  const m0 = i32x4.splat(load<i32>(at + firstMultiplier))
  const m1 = i32x4.splat(load<i32>(at + secondMultiplier))
  const places = load<i32>(at + shift)
  const rounding = i32x4.splat(1 << (places - 1))
  const lows = i32x4.splat(load<i32>(at + low))
  const highs = i32x4.splat(load<i32>(at + high))
  const aSigned = load<i32>(at + firstSigned)
  const bSigned = load<i32>(at + secondSigned)
  for (const end = to + (here & ~7); to < end; to += 8, a += 8, b += 8) {
    const codes = eight(widen(a, aSigned), widen(b, bSigned), m0, m1, rounding, places, lows, highs)
    v128.store64_lane(to, codes, 0)
  }
  // Beyond the last whole vector inputs have slack, but the result may be somebody's.
  const rest = here & 7
  if (rest === 0) return
  const codes = eight(widen(a, aSigned), widen(b, bSigned), m0, m1, rounding, places, lows, highs)
  let bytes = i64x2.extract_lane(codes, 0)
  for (const end = to + rest; to < end; to++, bytes >>= 8) store<u8>(to, <u8>bytes)
}

function widen(from: usize, signed: i32): v128 {
  return signed ? v128.load_ext<i8>(from) : v128.load_ext<u8>(from)
}

function eight(
  a: v128,
  b: v128,
  m0: v128,
  m1: v128,
  rounding: v128,
  places: i32,
  lows: v128,
  highs: v128,
): v128 {
  let x = i32x4.add(i32x4.mul(v128.extend_low<i16>(a), m0), i32x4.mul(v128.extend_low<i16>(b), m1))
  let y = i32x4.add(i32x4.mul(v128.extend_high<i16>(a), m0), i32x4.mul(v128.extend_high<i16>(b), m1))
  x = i32x4.max_s(i32x4.min_s(i32x4.shr_s(i32x4.add(x, rounding), places), highs), lows)
  y = i32x4.max_s(i32x4.min_s(i32x4.shr_s(i32x4.add(y, rounding), places), highs), lows)
  return v128.shuffle<i8>(x, y, 0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28)
}
