import * as job from './job'
import { fillLine, gatherWide } from './planes'
import * as region from './region'
import { finishLine } from './requantise'

/** Filters and positions whose sums stay in registers. */
const filtersOfTile: i32 = 4
const positionsOfTile: i32 = 8

/**
 * One piece of a convolution in float32. Each sum adds its taps one after the other in the order channel, row, column, and the bias
 * last, whatever is computed beside it. Scratch: a plane, a line of values for each tap, a line of sums for each filter of a tile.
 */
export function convolveFloat(at: usize, piece: i32, scratch: usize): void {
  region.select(at, piece)
  const perGroup = job.word(at, job.filters) / job.word(at, job.groups)
  const channels = job.word(at, job.channels) / job.word(at, job.groups)
  const kernelWidth = job.word(at, job.kernelWidth)
  const area = job.word(at, job.kernelHeight) * kernelWidth
  const pitch = ((<usize>region.positions) << 2) + 64
  const lines = scratch + job.word(at, job.planeBytes)
  let line = lines
  for (let channel = 0; channel < channels; channel++) {
    placePlane(at, region.group * channels + channel, scratch)
    for (let tap = 0; tap < area; tap++, line += pitch)
      gatherWide(at, scratch, tap / kernelWidth, tap % kernelWidth, line)
  }
  const count = channels * area
  const tiles = (perGroup + filtersOfTile - 1) / filtersOfTile
  const first = region.group * tiles + (region.filter0 - region.group * perGroup) / filtersOfTile
  for (let f = 0; f < region.filters; f += filtersOfTile) {
    const weights = <usize>job.word(at, job.factors) + <usize>((first + f / filtersOfTile) * count * 16)
    const here = min(filtersOfTile, region.filters - f)
    for (let p = 0; p < region.positions; p += positionsOfTile) {
      const values = lines + ((<usize>p) << 2)
      if (here === 1) tileOfOne(values, pitch, weights, count, line + ((<usize>p) << 2))
      else tile(values, pitch, weights, count, line + ((<usize>p) << 2))
    }
    for (let n = 0; n < here; n++) finishLine(at, region.filter0 + f + n, line + <usize>n * pitch)
  }
}

/** sums[4 filters][8 positions], lines of both `pitch` apart. */
function tile(values: usize, pitch: usize, weights: usize, count: i32, sums: usize): void {
  let a0 = f32x4.splat(0)
  let a1 = a0
  let b0 = a0
  let b1 = a0
  let c0 = a0
  let c1 = a0
  let d0 = a0
  let d1 = a0
  for (const end = weights + ((<usize>count) << 4); weights < end; weights += 16, values += pitch) {
    const x0 = v128.load(values)
    const x1 = v128.load(values, 16)
    let w = v128.load_splat<f32>(weights)
    a0 = f32x4.add(a0, f32x4.mul(x0, w))
    a1 = f32x4.add(a1, f32x4.mul(x1, w))
    w = v128.load_splat<f32>(weights, 4)
    b0 = f32x4.add(b0, f32x4.mul(x0, w))
    b1 = f32x4.add(b1, f32x4.mul(x1, w))
    w = v128.load_splat<f32>(weights, 8)
    c0 = f32x4.add(c0, f32x4.mul(x0, w))
    c1 = f32x4.add(c1, f32x4.mul(x1, w))
    w = v128.load_splat<f32>(weights, 12)
    d0 = f32x4.add(d0, f32x4.mul(x0, w))
    d1 = f32x4.add(d1, f32x4.mul(x1, w))
  }
  v128.store(sums, a0)
  v128.store(sums, a1, 16)
  sums += pitch
  v128.store(sums, b0)
  v128.store(sums, b1, 16)
  sums += pitch
  v128.store(sums, c0)
  v128.store(sums, c1, 16)
  sums += pitch
  v128.store(sums, d0)
  v128.store(sums, d1, 16)
}

/** The same for the first filter alone: depthwise layers have no other. */
function tileOfOne(values: usize, pitch: usize, weights: usize, count: i32, sums: usize): void {
  let a0 = f32x4.splat(0)
  let a1 = a0
  for (const end = weights + ((<usize>count) << 4); weights < end; weights += 16, values += pitch) {
    const w = v128.load_splat<f32>(weights)
    a0 = f32x4.add(a0, f32x4.mul(v128.load(values), w))
    a1 = f32x4.add(a1, f32x4.mul(v128.load(values, 16), w))
  }
  v128.store(sums, a0)
  v128.store(sums, a1, 16)
}

/** A channel of the input as a plane [image][row][column] with zeros around it. */
function placePlane(at: usize, channel: i32, to: usize): void {
  const height = job.word(at, job.height)
  const width = job.word(at, job.width)
  const y0 = region.row0 * job.word(at, job.strideY) - job.word(at, job.top)
  const x0 = region.column0 * job.word(at, job.strideX) - job.word(at, job.left)
  const left = min(region.planeColumns, max(0, -x0))
  const inside = max(0, min(region.planeColumns, width - x0) - left)
  const zeros = f32x4.splat(0)
  for (let image = 0; image < region.images; image++) {
    const plane = (region.image0 + image) * job.word(at, job.channels) + channel
    const from = <usize>job.word(at, job.input) + ((<usize>plane * (height * width)) << 2)
    for (let y = y0; y < y0 + region.planeRows; y++) {
      const end = to + ((<usize>region.planeColumns) << 2)
      const some = y >= 0 && y < height && inside > 0
      const start = some ? to + ((<usize>left) << 2) : end
      const stop = some ? start + ((<usize>inside) << 2) : end
      fillLine(to, start, zeros)
      let s = from + ((<usize>(y * width + x0 + left)) << 2)
      for (let p = start; p < stop; p += 16, s += 16) v128.store(p, v128.load(s))
      fillLine(stop, end, zeros)
      to = end
    }
  }
}
