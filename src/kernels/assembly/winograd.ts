import * as job from './job'
import { placePlaneShort } from './planes'
import * as region from './region'
import { finishLines } from './requantise'
import { filtersOfTile, multiplyPanels, panelStepOf, positionsOfPanel } from './tile'

/**
 * Dot products by minimal filtering F(4,3) down the columns: kernels of three rows, stride 1. Six products of transformed values
 * give four rows of the result where plain sums take twelve. Values of a channel become six planes of lines, a line for four
 * rows of the result; panels [6 points][pairs][8 positions][2] are made of them. Vectors lie along rows, so that nothing is
 * transposed. The proof stands in docs/emulation.md.
 */

const points: i32 = 6
const rowsOfTile: i32 = 4
/** Products of one point: [4 filters][8 positions] of int32. */
const productBytes: usize = 128
/** Channels whose transformed planes are kept: a pair meets two at most. */
const planes: i32 = 2

/** Lines of transformed values of one piece: four rows of the result each. */
let tileRows: i32 = 0
let panelsOfLine: i32 = 0

/** One piece. Scratch: a plane, transformed planes of each term, panels, sums of two filters. */
export function convolveWinograd(at: usize, piece: i32, scratch: usize): void {
  region.select(at, piece)
  region.coverRows(rowsOfTile)
  tileRows = (region.rows + rowsOfTile - 1) / rowsOfTile
  panelsOfLine = (region.columns + positionsOfPanel - 1) / positionsOfPanel
  const terms = job.word(at, job.terms)
  const planeBytes = <usize>job.word(at, job.planeBytes)
  const values =
    (job.word(at, job.channels) / job.word(at, job.groups)) * job.word(at, job.kernelWidth) * terms
  const pairs = (values + 1) >> 1
  const panelBytes = panelStepOf((<usize>(points * pairs)) << 5)
  const products = scratch + <usize>(1 + planes * terms * points) * planeBytes
  const panels = products + <usize>points * productBytes
  pack(at, scratch, panels, panelBytes, values)
  const sums = panels + <usize>(region.images * tileRows * panelsOfLine) * panelBytes
  const perGroup = job.word(at, job.filters) / job.word(at, job.groups)
  const tiles = (perGroup + filtersOfTile - 1) / filtersOfTile
  const first = region.group * tiles + (region.filter0 - region.group * perGroup) / filtersOfTile
  for (let f = 0; f < region.filters; f += filtersOfTile) {
    const weights =
      <usize>job.word(at, job.factors) + ((<usize>((first + f / filtersOfTile) * points * pairs)) << 4)
    multiply(at, f, panels, weights, pairs, products, sums)
  }
}

/** Panels of all pairs of values. */
function pack(at: usize, scratch: usize, panels: usize, panelBytes: usize, values: i32): void {
  const terms = job.word(at, job.terms)
  const planeBytes = <usize>job.word(at, job.planeBytes)
  const channels = job.word(at, job.channels) / job.word(at, job.groups)
  const perChannel = job.word(at, job.kernelWidth) * terms
  const transformed = scratch + planeBytes
  const pointBytes = (<usize>((values + 1) >> 1)) << 5
  let placed = 0
  for (let value = 0; value < values; value += 2) {
    // Where values are odd, the last one is its own neighbour, with a weight of 0.
    const next = min(value + 1, values - 1)
    for (; placed <= next / perChannel; placed++) {
      for (let t = 0; t < terms; t++) {
        placePlaneShort(at, region.group * channels + placed, t, scratch)
        const plane = ((placed & (planes - 1)) * terms + t) * points
        transform(scratch, transformed + <usize>plane * planeBytes, planeBytes)
      }
    }
    interleave(
      windowOf(at, transformed, value),
      windowOf(at, transformed, next),
      planeBytes,
      panels + ((<usize>(value >> 1)) << 5),
      pointBytes,
      panelBytes,
    )
  }
}

/** Where the first window's value lies in the plane of point 0. */
function windowOf(at: usize, transformed: usize, value: i32): usize {
  const terms = job.word(at, job.terms)
  const kernelWidth = job.word(at, job.kernelWidth)
  const tap = value / terms
  const channel = tap / kernelWidth
  const column = (tap - channel * kernelWidth) * job.word(at, job.dilationX)
  const plane = ((channel & (planes - 1)) * terms + value - tap * terms) * points
  return transformed + <usize>plane * job.word(at, job.planeBytes) + ((<usize>column) << 1)
}

/** Six rows of a plane, beginning at every fourth, become a line of each point. */
function transform(plane: usize, to: usize, planeBytes: usize): void {
  const line = (<usize>region.planeColumns) << 1
  const to1 = to + planeBytes
  const to2 = to1 + planeBytes
  const to3 = to2 + planeBytes
  const to4 = to3 + planeBytes
  const to5 = to4 + planeBytes
  let here: usize = 0
  for (let i = 0; i < region.images; i++, plane += (<usize>region.planeRows - rowsOfTile * tileRows) * line) {
    for (let y = 0; y < tileRows; y++, plane += rowsOfTile * line, here += line) {
      // Lines are written in their order, so that what is written too far is written again.
      for (let x: usize = 0; x < line; x += 16) {
        let row = plane + x
        const d0 = v128.load(row)
        row += line
        const d1 = v128.load(row)
        row += line
        const d2 = v128.load(row)
        row += line
        const d3 = v128.load(row)
        row += line
        const d4 = v128.load(row)
        row += line
        const d5 = v128.load(row)
        const a = i16x8.sub(d4, i16x8.shl(d2, 2))
        const b = i16x8.sub(d3, i16x8.shl(d1, 2))
        const c = i16x8.sub(d4, d2)
        const d = i16x8.sub(d3, d1)
        const e = i16x8.add(d, d)
        const p = here + x
        v128.store(to + p, i16x8.add(i16x8.shl(i16x8.sub(d0, d2), 2), c))
        v128.store(to1 + p, i16x8.add(a, b))
        v128.store(to2 + p, i16x8.sub(a, b))
        v128.store(to3 + p, i16x8.add(c, e))
        v128.store(to4 + p, i16x8.sub(c, e))
        v128.store(to5 + p, i16x8.sub(i16x8.sub(d5, d3), i16x8.shl(d, 2)))
      }
    }
  }
}

/** A pair of every panel, from two windows on in the planes of the six points. */
function interleave(
  a: usize,
  b: usize,
  planeBytes: usize,
  to: usize,
  pointBytes: usize,
  panelBytes: usize,
): void {
  const lines = region.images * tileRows
  const line = (<usize>region.planeColumns) << 1
  for (let l = 0; l < lines; l++, a += line, b += line) {
    for (let p: usize = 0; p < (<usize>panelsOfLine) << 4; p += 16, to += panelBytes) {
      let first = a + p
      let second = b + p
      let pair = to
      interleaveEight(first, second, pair)
      interleaveEight((first += planeBytes), (second += planeBytes), (pair += pointBytes))
      interleaveEight((first += planeBytes), (second += planeBytes), (pair += pointBytes))
      interleaveEight((first += planeBytes), (second += planeBytes), (pair += pointBytes))
      interleaveEight((first += planeBytes), (second += planeBytes), (pair += pointBytes))
      interleaveEight(first + planeBytes, second + planeBytes, pair + pointBytes)
    }
  }
}

function interleaveEight(first: usize, second: usize, to: usize): void {
  const a = v128.load(first)
  const b = v128.load(second)
  v128.store(to, v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11))
  v128.store(to, v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15), 16)
}

/** All positions of a tile's filters: sums go to the result where its rows are whole panels, else they are finished from here. */
function multiply(
  at: usize,
  f: i32,
  panels: usize,
  weights: usize,
  pairs: i32,
  products: usize,
  sums: usize,
): void {
  const filter = region.filter0 + f
  const here = min(filtersOfTile, region.filters - f)
  const constants = <usize>job.word(at, job.bias) + ((<usize>filter) << 2)
  const panelBytes = panelStepOf((<usize>(points * pairs)) << 5)
  const columns = job.word(at, job.columns)
  const direct =
    job.word(at, job.finish) === 1 &&
    region.columns % positionsOfPanel === 0 &&
    region.rows % rowsOfTile === 0
  const pitch = direct ? (<usize>columns) << 2 : (<usize>panelsOfLine) << 5
  const plane = direct
    ? (<usize>(job.word(at, job.rows) * columns)) << 2
    : <usize>(region.images * tileRows * rowsOfTile) * pitch
  for (let i = 0; i < region.images; i++) {
    let to = direct ? region.placeOf(at, i, filter) : sums + <usize>(i * tileRows * rowsOfTile) * pitch
    for (let y = 0; y < tileRows; y++, to += rowsOfTile * pitch) {
      for (let p = 0; p < panelsOfLine; p++, panels += panelBytes) {
        multiplyPanels(
          panels,
          (<usize>pairs) << 5,
          points,
          pairs,
          weights,
          (<usize>pairs) << 4,
          products,
          productBytes,
          32,
        )
        invert(products, constants, here, to + ((<usize>p) << 5), pitch, plane)
      }
    }
  }
  if (direct) return
  for (let n = 0; n < here; n++)
    finishLines(at, filter + n, 0, sums + <usize>n * plane, pitch, <usize>(tileRows * rowsOfTile) * pitch)
}

/** Four rows of eight sums of each filter from its products at the six points. */
function invert(
  products: usize,
  constants: usize,
  filters: i32,
  to: usize,
  pitch: usize,
  plane: usize,
): void {
  const end = products + ((<usize>filters) << 5)
  for (let half: usize = 0; products < end; products += 16, half ^= 16) {
    const m1 = i32x4.add(v128.load(products, productBytes), v128.load_splat<i32>(constants))
    const m2 = v128.load(products, 2 * productBytes)
    const m3 = v128.load(products, 3 * productBytes)
    const m4 = v128.load(products, 4 * productBytes)
    const s = i32x4.add(m1, m2)
    const d = i32x4.sub(m1, m2)
    const t = i32x4.add(m3, m4)
    const e = i32x4.sub(m3, m4)
    const m0 = i32x4.sub(v128.load(products), i32x4.shl(s, 2))
    const m5 = i32x4.sub(v128.load(products, 5 * productBytes), d)
    let row = to + half
    v128.store(row, i32x4.shr_s(ofThree(i32x4.add(m0, t)), 3))
    row += pitch
    v128.store(row, i32x4.shr_s(ofThree(i32x4.sub(e, i32x4.add(d, d))), 2))
    row += pitch
    v128.store(row, i32x4.shr_s(ofThree(i32x4.sub(t, s)), 1))
    row += pitch
    v128.store(row, i32x4.shr_s(ofThree(i32x4.add(i32x4.add(e, e), m5)), 1))
    // After both halves, the next filter.
    constants += half >> 2
    to += half === 0 ? 0 : plane
  }
}

/** A third of what is a multiple of three modulo 2^32, by the inverse of 3. */
function ofThree(sums: v128): v128 {
  return i32x4.mul(sums, i32x4.splat(0xaaaaaaab))
}
