import * as job from './job'
import { gatherWide, placePlane } from './planes'
import * as region from './region'
import { finishLine } from './requantise'
import { lanes, lineBytes, rowOf, taps } from './sweep'

/** Channels whose planes are kept. */
const planes: i32 = 16

/**
 * One piece of a convolution by the rows themselves, one product at a time: where few filters share an activation, or few positions
 * a weight, a table would take longer to make than to use. Scratch: eight lines, the planes, a line of sums for each filter.
 */
export function convolveRows(at: usize, piece: i32, scratch: usize): void {
  region.select(at, piece)
  const planeBytes = <usize>job.word(at, job.planeBytes)
  const planesAt = scratch + taps * lineBytes
  const sums = planesAt + <usize>planes * planeBytes
  const pitch = ((<usize>region.positions) << 2) + 64
  memory.fill(sums, 0, <usize>region.filters * pitch)
  const channels = job.word(at, job.channels) / job.word(at, job.groups)
  const kernelWidth = job.word(at, job.kernelWidth)
  const area = job.word(at, job.kernelHeight) * kernelWidth
  const count = channels * area
  let placed = 0
  for (let first = 0; first < count; first += taps) {
    const here = min(taps, count - first)
    for (; placed <= (first + here - 1) / area; placed++)
      placePlane(
        at,
        region.group * channels + placed,
        planesAt + <usize>(placed & (planes - 1)) * planeBytes,
        0,
        1,
      )
    for (let j = 0; j < here; j++) {
      const channel = (first + j) / area
      const place = first + j - channel * area
      gatherWide(
        at,
        planesAt + <usize>(channel & (planes - 1)) * planeBytes,
        place / kernelWidth,
        place % kernelWidth,
        scratch + <usize>j * lineBytes,
      )
    }
    for (let f = 0; f < region.filters; f++)
      addTaps(at, region.filter0 + f, first, here, count, scratch, sums + <usize>f * pitch)
  }
  for (let f = 0; f < region.filters; f++) finishLine(at, region.filter0 + f, sums + <usize>f * pitch)
}

function addTaps(at: usize, filter: i32, first: i32, here: i32, count: i32, lines: usize, sums: usize): void {
  const perGroup = job.word(at, job.filters) / job.word(at, job.groups)
  const inGroup = filter - region.group * perGroup
  const block = region.group * ((perGroup + lanes - 1) / lanes) + inGroup / lanes
  const bases = <usize>job.word(at, job.lookup)
  const rowBytes = (<usize>job.word(at, job.codes)) << 1
  let index =
    <usize>job.word(at, job.factors) +
    ((<usize>(block * count + first)) << 4) +
    ((<usize>(inGroup % lanes)) << 1)
  let j = 0
  for (; j + 4 <= here; j += 4, index += 64, lines += 4 * lineBytes)
    addFour(
      rowOf(load<u16>(index), bases, rowBytes),
      rowOf(load<u16>(index, 16), bases, rowBytes),
      rowOf(load<u16>(index, 32), bases, rowBytes),
      rowOf(load<u16>(index, 48), bases, rowBytes),
      lines,
      sums,
    )
  for (; j < here; j++, index += 16, lines += lineBytes)
    addOne(rowOf(load<u16>(index), bases, rowBytes), lines, sums)
}

function addFour(r0: usize, r1: usize, r2: usize, r3: usize, lines: usize, sums: usize): void {
  for (const end = sums + ((<usize>region.positions) << 2); sums < end; sums += 4, lines += 4) {
    const a = <i32>load<i16>(r0 + load<u32>(lines)) + <i32>load<i16>(r1 + load<u32>(lines, lineBytes))
    const b =
      <i32>load<i16>(r2 + load<u32>(lines, 2 * lineBytes)) +
      <i32>load<i16>(r3 + load<u32>(lines, 3 * lineBytes))
    store<i32>(sums, load<i32>(sums) + a + b)
  }
}

function addOne(row: usize, line: usize, sums: usize): void {
  for (const end = sums + ((<usize>region.positions) << 2); sums < end; sums += 4, line += 4)
    store<i32>(sums, load<i32>(sums) + <i32>load<i16>(row + load<u32>(line)))
}
