// The words of the jobs: src/kernels/floats.ts, in its order.
const first: usize = 0
const second: usize = 4
const output: usize = 8
const count: usize = 12
const low: usize = 16
const high: usize = 20
const pieceValues: usize = 24

/** A part of min(high, max(low, x)) of float32 values. */
export function clampFloats(at: usize, piece: i32, _scratch: usize): void {
  const from = <usize>piece * load<u32>(at + pieceValues)
  const until = min(from + load<u32>(at + pieceValues), <usize>load<u32>(at + count))
  const lows = v128.load_splat<f32>(at + low)
  const highs = v128.load_splat<f32>(at + high)
  let x = <usize>load<u32>(at + first) + (from << 2)
  let to = <usize>load<u32>(at + output) + (from << 2)
  for (const end = to + ((until - from) << 2); to < end; to += 16, x += 16)
    storeValues(to, end, f32x4.min(highs, f32x4.max(lows, v128.load(x))))
}

/** A part of the sums of two lists of float32 values. */
export function addFloats(at: usize, piece: i32, _scratch: usize): void {
  const from = <usize>piece * load<u32>(at + pieceValues)
  const until = min(from + load<u32>(at + pieceValues), <usize>load<u32>(at + count))
  let a = <usize>load<u32>(at + first) + (from << 2)
  let b = <usize>load<u32>(at + second) + (from << 2)
  let to = <usize>load<u32>(at + output) + (from << 2)
  for (const end = to + ((until - from) << 2); to < end; to += 16, a += 16, b += 16)
    storeValues(to, end, f32x4.add(v128.load(a), v128.load(b)))
}

/** As many lanes as lie before `end`. */
function storeValues(to: usize, end: usize, lanes: v128): void {
  if (to + 16 <= end) {
    v128.store(to, lanes)
    return
  }
  store<f32>(to, f32x4.extract_lane(lanes, 0))
  if (to + 4 < end) store<f32>(to, f32x4.extract_lane(lanes, 1), 4)
  if (to + 8 < end) store<f32>(to, f32x4.extract_lane(lanes, 2), 8)
}
