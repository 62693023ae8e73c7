/**
 * The loop of simulators with a table, as native/loops.cpp has it: columns of one image, then eight sums side by side. No SIMD: it has no
 * gathers. Addresses in bytes; the job's words are written by ../webassembly.ts.
 */
const input: usize = 0
const weights: usize = 4
const table: usize = 8
const output: usize = 12
const channels: usize = 16
const height: usize = 20
const width: usize = 24
const filters: usize = 28
const kernel: usize = 32
const stride: usize = 36
const padding: usize = 40
const rows: usize = 44
const columns: usize = 48

/** Convolves images `first` to `until`; `unfolded` has room for the windows of one, and `padded` for one with its padding. */
export function convolve(job: usize, first: i32, until: i32, unfolded: usize, padded: usize): void {
  const size = load<i32>(job, channels) * load<i32>(job, height) * load<i32>(job, width)
  const sums = load<i32>(job, filters) * load<i32>(job, rows) * load<i32>(job, columns)
  for (let i = first; i < until; i++) {
    pad(job, load<u32>(job, input) + i * size, padded)
    unfold(job, padded, unfolded)
    products(job, unfolded, load<u32>(job, output) + ((i * sums) << 2))
  }
}

/** The time of `count` multiplications that wait for one another tells the clock. */
export function chain(count: i32, factor: i32): i32 {
  let product = factor
  for (let i = 0; i < count; i += 8) {
    product *= factor
    product *= product
    product *= factor
    product *= product
    product *= factor
    product *= product
    product *= factor
    product *= product
  }
  return product
}

/** One image with its padding: padded[channel][y][x]. */
function pad(job: usize, image: usize, to: usize): void {
  const edge = load<i32>(job, padding)
  const line = <usize>load<i32>(job, width)
  const lines = load<i32>(job, height)
  const paddedLine = line + 2 * edge
  const plane = paddedLine * (lines + 2 * edge)
  memory.fill(to, 0, plane * load<i32>(job, channels))
  for (let c = 0; c < load<i32>(job, channels); c++, to += plane) {
    for (let y = 0; y < lines; y++, image += line)
      memory.copy(to + <usize>(y + edge) * paddedLine + edge, image, line)
  }
}

function unfold(job: usize, padded: usize, to: usize): void {
  const edge = load<i32>(job, padding)
  const line = <usize>(load<i32>(job, width) + 2 * edge)
  const plane = line * (load<i32>(job, height) + 2 * edge)
  const size = load<i32>(job, kernel)
  const step = load<i32>(job, stride)
  for (let y = 0; y < load<i32>(job, rows); y++) {
    for (let x = 0; x < load<i32>(job, columns); x++) {
      let window = padded + <usize>(y * step) * line + x * step
      for (let c = 0; c < load<i32>(job, channels); c++, window += plane) {
        for (let ky = 0; ky < size; ky++) {
          const from = window + <usize>ky * line
          for (let kx = 0; kx < size; kx++) store<i8>(to++, load<i8>(from + kx))
        }
      }
    }
  }
}

function products(job: usize, unfolded: usize, sums: usize): void {
  const taps = load<i32>(job, channels) * load<i32>(job, kernel) * load<i32>(job, kernel)
  const positions = load<i32>(job, rows) * load<i32>(job, columns)
  const lut = <usize>load<u32>(job, table)
  const whole = taps & ~7
  let w = <usize>load<u32>(job, weights)
  for (let n = 0; n < load<i32>(job, filters); n++, w += taps) {
    let a = unfolded
    for (let j = 0; j < positions; j++, a += taps) {
      let s0 = 0
      let s1 = 0
      let s2 = 0
      let s3 = 0
      let s4 = 0
      let s5 = 0
      let s6 = 0
      let s7 = 0
      for (let k: usize = 0; k < <usize>whole; k += 8) {
        s0 += product(lut, load<u8>(w + k), load<u8>(a + k))
        s1 += product(lut, load<u8>(w + k, 1), load<u8>(a + k, 1))
        s2 += product(lut, load<u8>(w + k, 2), load<u8>(a + k, 2))
        s3 += product(lut, load<u8>(w + k, 3), load<u8>(a + k, 3))
        s4 += product(lut, load<u8>(w + k, 4), load<u8>(a + k, 4))
        s5 += product(lut, load<u8>(w + k, 5), load<u8>(a + k, 5))
        s6 += product(lut, load<u8>(w + k, 6), load<u8>(a + k, 6))
        s7 += product(lut, load<u8>(w + k, 7), load<u8>(a + k, 7))
      }
      let sum = s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7
      for (let k: usize = whole; k < <usize>taps; k++) sum += product(lut, load<u8>(w + k), load<u8>(a + k))
      store<i32>(sums, sum)
      sums += 4
    }
  }
}

function product(lut: usize, w: u8, a: u8): i32 {
  return load<i16>(lut + (((<usize>w) << 9) | ((<usize>a) << 1)))
}
