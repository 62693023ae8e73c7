import * as job from './job'
import { gatherShort, placePlaneShort } from './planes'
import * as region from './region'
import { finishLine } from './requantise'
import { filtersOfTile, multiplyPanels, panelStepOf, positionsOfPanel } from './tile'

/**
 * Products as sums of int16 products: exact ones, and those of families with factors, where each tap has one value for every
 * term. Lines of values are packed as panels [8 positions][pairs][8][2]; a tile multiplies a panel by four filters.
 */

/** Channels whose planes are kept; more than the four taps that are packed at once can meet. */
const planes: i32 = 8

/** One piece of a convolution by dot products. Scratch: planes of each term, four lines, panels, four lines of sums. */
export function convolveDot(at: usize, piece: i32, scratch: usize): void {
  region.select(at, piece)
  const terms = job.word(at, job.terms)
  const planeBytes = <usize>job.word(at, job.planeBytes)
  const channels = job.word(at, job.channels) / job.word(at, job.groups)
  const area = job.word(at, job.kernelHeight) * job.word(at, job.kernelWidth)
  const count = channels * area * terms
  const pairs = ((count + 3) / 4) * 2
  const panelCount = (region.positions + positionsOfPanel - 1) / positionsOfPanel
  const lineBytes = ((<usize>panelCount) << 4) + 64
  const lines = scratch + <usize>(planes * terms) * planeBytes
  const panels = lines + 4 * lineBytes
  const panelBytes = panelStepOf((<usize>pairs) << 5)
  pack(at, scratch, lines, lineBytes, panels, panelBytes, panelCount, count)

  const sums = panels + <usize>panelCount * panelBytes
  const sumsBytes = (<usize>panelCount) << 5
  const perGroup = job.word(at, job.filters) / job.word(at, job.groups)
  const tiles = (perGroup + filtersOfTile - 1) / filtersOfTile
  const first = region.group * tiles + (region.filter0 - region.group * perGroup) / filtersOfTile
  for (let f = 0; f < region.filters; f += filtersOfTile) {
    const weights =
      <usize>job.word(at, job.factors) + <usize>(first + f / filtersOfTile) * ((<usize>pairs) << 4)
    const here = min(filtersOfTile, region.filters - f)
    if (here === 1) {
      for (let p = 0; p < panelCount; p++)
        tileOfOne(panels + <usize>p * panelBytes, weights, pairs, sums + ((<usize>p) << 5))
    } else multiplyPanels(panels, panelBytes, panelCount, pairs, weights, 0, sums, 32, sumsBytes)
    for (let n = 0; n < here; n++) finishLine(at, region.filter0 + f + n, sums + <usize>n * sumsBytes)
  }
}

function pack(
  at: usize,
  scratch: usize,
  lines: usize,
  lineBytes: usize,
  panels: usize,
  panelBytes: usize,
  panelCount: i32,
  count: i32,
): void {
  const terms = job.word(at, job.terms)
  const planeBytes = <usize>job.word(at, job.planeBytes)
  const channels = job.word(at, job.channels) / job.word(at, job.groups)
  const kernelWidth = job.word(at, job.kernelWidth)
  const area = job.word(at, job.kernelHeight) * kernelWidth
  const direct = job.word(at, job.strideX) === 1 && (region.columns & 7) === 0
  let placed = 0
  for (let first = 0; first < count; first += 4) {
    const here = min(4, count - first)
    for (; placed <= (first + here - 1) / terms / area; placed++) {
      for (let t = 0; t < terms; t++)
        placePlaneShort(
          at,
          region.group * channels + placed,
          t,
          scratch + <usize>((placed & (planes - 1)) * terms + t) * planeBytes,
        )
    }
    const to = panels + ((<usize>first) << 4)
    if (here === 4 && direct) {
      packWindows(
        at,
        windowOf(at, scratch, first),
        windowOf(at, scratch, first + 1),
        windowOf(at, scratch, first + 2),
        windowOf(at, scratch, first + 3),
        to,
        panelBytes,
      )
      continue
    }
    for (let j = 0; j < here; j++)
      gatherShort(at, windowOf(at, scratch, first + j), lines + <usize>j * lineBytes)
    // Their weights are 0.
    for (let j = here; j < 4; j++) memory.fill(lines + <usize>j * lineBytes, 0, (<usize>panelCount) << 4)
    interleave(lines, lineBytes, to, panelBytes, panelCount)
  }
}

/** Where the first window's value of a tap and term lies in its plane. */
function windowOf(at: usize, scratch: usize, value: i32): usize {
  const terms = job.word(at, job.terms)
  const kernelWidth = job.word(at, job.kernelWidth)
  const area = job.word(at, job.kernelHeight) * kernelWidth
  const tap = value / terms
  const channel = tap / area
  const place = tap - channel * area
  const plane = <usize>((channel & (planes - 1)) * terms + value - tap * terms)
  const row = (place / kernelWidth) * job.word(at, job.dilationY)
  const column = (place % kernelWidth) * job.word(at, job.dilationX)
  return scratch + plane * job.word(at, job.planeBytes) + ((<usize>(row * region.planeColumns + column)) << 1)
}

/** Four values of eight neighbouring windows become two pairs of a panel: where rows are whole panels, nothing is copied before. */
function packWindows(at: usize, a: usize, b: usize, c: usize, d: usize, to: usize, panelBytes: usize): void {
  const line = (<usize>region.planeColumns) << 1
  const step = line * job.word(at, job.strideY)
  const nextImage = line * region.planeRows - step * region.rows
  const count = (<usize>region.columns) << 1
  const rows = region.rows
  for (let i = 0; i < region.images; i++) {
    for (let y = 0; y < rows; y++) {
      for (let x: usize = 0; x < count; x += 16, to += panelBytes)
        interleaveEight(v128.load(a + x), v128.load(b + x), v128.load(c + x), v128.load(d + x), to)
      a += step
      b += step
      c += step
      d += step
    }
    a += nextImage
    b += nextImage
    c += nextImage
    d += nextImage
  }
}

function interleaveEight(a: v128, b: v128, c: v128, d: v128, to: usize): void {
  v128.store(to, v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11))
  v128.store(to, v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15), 16)
  v128.store(to, v128.shuffle<i16>(c, d, 0, 8, 1, 9, 2, 10, 3, 11), 32)
  v128.store(to, v128.shuffle<i16>(c, d, 4, 12, 5, 13, 6, 14, 7, 15), 48)
}

/** Four lines become two pairs of every panel. */
function interleave(lines: usize, lineBytes: usize, to: usize, panelBytes: usize, panelCount: i32): void {
  const l1 = lines + lineBytes
  const l2 = l1 + lineBytes
  const l3 = l2 + lineBytes
  for (let p: usize = 0; p < (<usize>panelCount) << 4; p += 16, to += panelBytes) {
    interleaveEight(v128.load(lines + p), v128.load(l1 + p), v128.load(l2 + p), v128.load(l3 + p), to)
  }
}

/** A panel by the first filter alone: depthwise layers have no other. `pairs` is even. */
function tileOfOne(panel: usize, weights: usize, pairs: i32, sums: usize): void {
  let a0 = i32x4.splat(0)
  let a1 = a0
  for (const end = panel + ((<usize>pairs) << 5); panel < end; panel += 32, weights += 16) {
    const w = v128.load_splat<i32>(weights)
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(v128.load(panel), w))
    a1 = i32x4.add(a1, i32x4.dot_i16x8_s(v128.load(panel, 16), w))
  }
  v128.store(sums, a0)
  v128.store(sums, a1, 16)
}
