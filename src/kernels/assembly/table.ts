import * as job from './job'
import { gatherWide, placePlane } from './planes'
import * as region from './region'
import { finishLines } from './requantise'
import {
  buildTable,
  lanes,
  lineBytes,
  sweepFours,
  sweepPairs,
  sweepRest,
  sweepRestFours,
  sweepSingles,
  tableBytes,
  taps,
} from './sweep'
import { wideFours, widePairs, wideRest, wideRestFours, wideSingles } from './sweep-wide'

/** Channels whose planes are kept: more than eight taps can meet, and a power of two. */
const planes: i32 = 16
/** Of the scratch memory: eight tables, eight lines, the planes, the sums of the piece's filters, eight lines of sums. */
const linesAt: usize = 8 * 4096
const planesAt: usize = linesAt + 8 * (4096 * 4 + 192)

/** One piece of a convolution by product-row tables. `scratch` is this thread's own memory. */
export function convolveTable(at: usize, piece: i32, scratch: usize): void {
  region.select(at, piece)
  const planeBytes = <usize>job.word(at, job.planeBytes)
  const sums = scratch + planesAt + <usize>planes * planeBytes
  const blocks = (region.filters + lanes - 1) / lanes
  const blockBytes = (<usize>region.positions) << 5
  memory.fill(sums, 0, <usize>blocks * blockBytes)
  const perGroup = job.word(at, job.filters) / job.word(at, job.groups)
  const firstBlock =
    region.group * ((perGroup + lanes - 1) / lanes) + (region.filter0 - region.group * perGroup) / lanes
  const channels = job.word(at, job.channels) / job.word(at, job.groups)
  const area = job.word(at, job.kernelHeight) * job.word(at, job.kernelWidth)
  const count = channels * area
  const octets = (count + taps - 1) / taps
  const rowBytes = (<usize>job.word(at, job.codes)) << 1
  const codes = job.word(at, job.tableCodes)
  const bases = <usize>job.word(at, job.lookup)
  // Tables of so many blocks lie side by side: for 128 codes two of them fit where one of 256 does.
  const most = codes <= 128 && blocks > 1 ? 2 : 1
  let placed = 0
  for (let octet = 0; octet < octets; octet++) {
    const first = octet * taps
    const here = min(taps, count - first)
    for (; placed <= (first + here - 1) / area; placed++)
      placePlane(
        at,
        region.group * channels + placed,
        scratch + planesAt + <usize>(placed & (planes - 1)) * planeBytes,
        <u32>scratch,
        3 + most,
      )
    for (let j = 0; j < here; j++) {
      const tap = first + j
      const channel = tap / area
      const place = tap - channel * area
      const kernelWidth = job.word(at, job.kernelWidth)
      gatherWide(
        at,
        scratch + planesAt + <usize>(channel & (planes - 1)) * planeBytes,
        place / kernelWidth,
        place % kernelWidth,
        scratch + linesAt + <usize>j * lineBytes,
      )
    }
    // Taps that do not exist have tables of zeros, at places of the first tap.
    const used = here > 4 ? taps : 4
    for (let j = here; j < used; j++) {
      memory.fill(scratch + <usize>j * tableBytes, 0, ((<usize>codes) << 3) << most)
      memory.copy(scratch + linesAt + <usize>j * lineBytes, scratch + linesAt, (<usize>region.positions) << 2)
    }
    for (let block = 0; block < blocks; ) {
      const together = min(most, blocks - block)
      let variant: u8 = 4
      for (let b = 0; b < together; b++) {
        const index = firstBlock + block + b
        const indices = <usize>job.word(at, job.factors) + ((<usize>index * count + first) << 4)
        for (let j = 0; j < here; j++)
          buildTable(
            indices + ((<usize>j) << 4),
            bases,
            rowBytes,
            codes,
            scratch + <usize>j * tableBytes + ((<usize>b) << 4),
            (<usize>most) << 4,
          )
        variant = min(variant, load<u8>(<usize>job.word(at, job.variants) + <usize>index * octets + octet))
      }
      const to = sums + <usize>block * blockBytes
      if (together === 2) sweepWide(to, scratch + linesAt, used, variant)
      else sweep(to, scratch + linesAt, used, variant)
      block += together
    }
  }
  finishBlocks(at, sums, blocks, blockBytes, most)
}

function sweep(sums: usize, lines: usize, used: i32, variant: u8): void {
  if (used === 4) {
    if (variant === 4) sweepRestFours(sums, lines, region.positions)
    else sweepRest(sums, lines, region.positions)
  } else if (variant === 4) sweepFours(sums, lines, region.positions)
  else if (variant === 2) sweepPairs(sums, lines, region.positions)
  else sweepSingles(sums, lines, region.positions)
}

function sweepWide(sums: usize, lines: usize, used: i32, variant: u8): void {
  if (used === 4) {
    if (variant === 4) wideRestFours(sums, lines, region.positions)
    else wideRest(sums, lines, region.positions)
  } else if (variant === 4) wideFours(sums, lines, region.positions)
  else if (variant === 2) widePairs(sums, lines, region.positions)
  else wideSingles(sums, lines, region.positions)
}

/** Sums of filters side by side become lines: those of the result where they are wanted themselves, or ones to be finished. */
function finishBlocks(at: usize, sums: usize, blocks: i32, blockBytes: usize, most: i32): void {
  const columns = job.word(at, job.columns)
  const here = region.rows * region.columns
  const direct = job.word(at, job.finish) === 1 && region.columns === columns && (here & 3) === 0
  const lines = sums + <usize>blocks * blockBytes
  for (let block = 0; block < blocks; ) {
    const together = min(most, blocks - block)
    const step = (<usize>together) << 5
    for (let b = 0; b < together; b++) {
      const from = sums + ((<usize>b) << 5)
      const f = (block + b) * lanes
      const filters = min(lanes, region.filters - f)
      if (direct && filters === lanes) takeSums(at, from, step, region.filter0 + f)
      else takeLines(at, from, step, region.filter0 + f, filters, lines)
    }
    sums += <usize>together * blockBytes
    block += together
  }
}

/** The sums of eight filters from one on are the result. */
function takeSums(at: usize, from: usize, step: usize, filter: i32): void {
  const pitch = (<usize>(job.word(at, job.rows) * job.word(at, job.columns))) << 2
  const here = region.rows * region.columns
  const biases = <usize>job.word(at, job.bias) + ((<usize>filter) << 2)
  for (let i = 0; i < region.images; i++, from += <usize>here * step)
    takeLanes(from, step, region.placeOf(at, i, filter), pitch, here, biases)
}

/** The sums of at most eight filters as lines, which are finished. */
function takeLines(at: usize, from: usize, step: usize, filter: i32, filters: i32, lines: usize): void {
  const pitch = ((<usize>region.positions) << 2) + 64
  const run = (<usize>region.columns) << 2
  takeLanes(
    from,
    step,
    lines,
    pitch,
    region.positions,
    <usize>job.word(at, job.bias) + ((<usize>filter) << 2),
  )
  for (let lane = 0; lane < filters; lane++)
    finishLines(at, filter + lane, 0, lines + <usize>lane * pitch, run, <usize>region.rows * run)
}

/** Eight sums of each position, with their biases, as lines, four positions at a time: lines have slack for the last ones. */
function takeLanes(from: usize, step: usize, to: usize, pitch: usize, positions: i32, biases: usize): void {
  const low = v128.load(biases)
  const high = v128.load(biases, 16)
  for (const end = to + ((<usize>positions) << 2); to < end; to += 16, from += 4 * step) {
    takeFour(from, step, to, pitch, low)
    takeFour(from + 16, step, to + 4 * pitch, pitch, high)
  }
}

/** A 4x4 transpose: four lanes of four positions. */
function takeFour(from: usize, step: usize, to: usize, pitch: usize, biases: v128): void {
  const a = i32x4.add(v128.load(from), biases)
  const b = i32x4.add(v128.load(from + step), biases)
  const c = i32x4.add(v128.load(from + 2 * step), biases)
  const d = i32x4.add(v128.load(from + 3 * step), biases)
  const e = v128.shuffle<i32>(a, b, 0, 4, 1, 5)
  const f = v128.shuffle<i32>(c, d, 0, 4, 1, 5)
  const g = v128.shuffle<i32>(a, b, 2, 6, 3, 7)
  const h = v128.shuffle<i32>(c, d, 2, 6, 3, 7)
  v128.store(to, v128.shuffle<i64>(e, f, 0, 2))
  v128.store(to + pitch, v128.shuffle<i64>(e, f, 1, 3))
  v128.store(to + 2 * pitch, v128.shuffle<i64>(g, h, 0, 2))
  v128.store(to + 3 * pitch, v128.shuffle<i64>(g, h, 1, 3))
}
