import { scaleOne } from './imported'

// The words of a job: src/kernels/elementwise.ts, in its order.
const input: usize = 0
const output: usize = 4
const maps: usize = 8
const height: usize = 12
const width: usize = 16
const rows: usize = 20
const columns: usize = 24
const windowHeight: usize = 28
const windowWidth: usize = 32
const strideY: usize = 36
const strideX: usize = 40
const top: usize = 44
const left: usize = 48
const bottom: usize = 52
const right: usize = 56
/** 0: the maximum; 1: the mean, halves up; 2: away from zero; 3: by a factor; 4: of real values (src/kernels/elementwise.ts, `Mean`). */
const mode: usize = 60
/** 1 where an average counts the padding. */
const outer: usize = 64
const signed: usize = 68
const pieceMaps: usize = 72
const zero: usize = 76
const multiplier: usize = 80
const exponent: usize = 84
const outputZero: usize = 88
const low: usize = 92
const high: usize = 96
/** Of real values: one for each byte; the scale as float32; bounds of its codes. */
const reals: usize = 100
const scale: usize = 104
const least: usize = 108
const most: usize = 112

/** Some maps of a pooling layer: the maximum of a window's codes, or their mean. */
export function poolCodes(at: usize, piece: i32, _scratch: usize): void {
  const first = piece * load<i32>(at + pieceMaps)
  const end = min(load<i32>(at + maps), first + load<i32>(at + pieceMaps))
  const plane = load<i32>(at + height) * load<i32>(at + width)
  const size = load<i32>(at + rows) * load<i32>(at + columns)
  for (let map = first; map < end; map++) {
    const from = <usize>load<u32>(at + input) + <usize>map * plane
    const to = <usize>load<u32>(at + output) + <usize>map * size
    if (load<i32>(at + signed)) poolMap<i8>(at, from, to)
    else poolMap<u8>(at, from, to)
  }
}

function poolMap<T>(at: usize, from: usize, to: usize): void {
  const h = load<i32>(at + height)
  const w = load<i32>(at + width)
  const kh = load<i32>(at + windowHeight)
  const kw = load<i32>(at + windowWidth)
  const means = load<i32>(at + mode)
  const counted = load<i32>(at + outer)
  for (let oy = 0; oy < load<i32>(at + rows); oy++) {
    const y = oy * load<i32>(at + strideY) - load<i32>(at + top)
    const y0 = max(0, y)
    const y1 = min(h, y + kh)
    const tall = counted ? min(kh, h + load<i32>(at + bottom) - y) : y1 - y0
    for (let ox = 0; ox < load<i32>(at + columns); ox++, to++) {
      const x = ox * load<i32>(at + strideX) - load<i32>(at + left)
      const x0 = max(0, x)
      const x1 = min(w, x + kw)
      let row = from + y0 * w
      if (means) {
        const area = tall * (counted ? min(kw, w + load<i32>(at + right) - x) : x1 - x0)
        if (means === 4) {
          store<u8>(to, <u8>realMean(at, row + x0, w, y1 - y0, x1 - x0, area))
          continue
        }
        let sum = 0
        for (let i = y0; i < y1; i++, row += w) {
          for (let j = x0; j < x1; j++) sum += <i32>load<T>(row + j)
        }
        store<u8>(to, <u8>mean(at, sum, area))
      } else {
        let largest = -128
        for (let i = y0; i < y1; i++, row += w) {
          for (let j = x0; j < x1; j++) largest = max(largest, <i32>load<T>(row + j))
        }
        store<u8>(to, <u8>largest)
      }
    }
  }
}

function mean(at: usize, sum: i32, area: i32): i32 {
  const kind = load<i32>(at + mode)
  if (kind === 1) return floorDivide(sum + (area >> 1), area)
  const origin = load<i32>(at + zero)
  const above = sum - area * origin
  if (kind === 2) return origin + (above > 0 ? (above + (area >> 1)) / area : -(((area >> 1) - above) / area))
  const scaled = scaleOne(above, load<i32>(at + multiplier), load<i32>(at + exponent))
  return <i32>(
    max<i64>(load<i32>(at + low), min<i64>(load<i32>(at + high), scaled + <i64>load<i32>(at + outputZero)))
  )
}

/** The code of the mean of real values, row by row: their sum in double precision, the quotients in float32, halves to even. */
function realMean(at: usize, row: usize, pitch: i32, tall: i32, wide: i32, area: i32): i32 {
  const values = <usize>load<u32>(at + reals)
  let sum: f64 = 0
  for (let i = 0; i < tall; i++, row += pitch) {
    for (let j = 0; j < wide; j++) sum += <f64>load<f32>(values + ((<usize>load<u8>(row + j)) << 2))
  }
  const quotient = <f64>nearest<f32>(<f32>(sum / <f64>area) / load<f32>(at + scale))
  let code = within(quotient + <f64>load<i32>(at + zero), at + least, at + most)
  if (F64.isNaN(quotient)) code = 0
  return <i32>within(code + <f64>load<i32>(at + outputZero), at + low, at + high)
}

function within(x: f64, lowAt: usize, highAt: usize): f64 {
  return max<f64>(<f64>load<i32>(lowAt), min<f64>(<f64>load<i32>(highAt), x))
}

function floorDivide(a: i32, b: i32): i32 {
  return a >= 0 ? a / b : -((b - 1 - a) / b)
}
