import * as job from './job'
import * as region from './region'

/**
 * A channel of the input as a padded plane [image][row][column] of 32-bit places in a table, code * 2^scale + base: what a
 * sweep loads products from. Planes, like lines, may be written up to a vector too far: the next row, or slack, lies there.
 */
export function placePlane(at: usize, channel: i32, to: usize, base: u32, scale: i32): void {
  const mask = job.word(at, job.mask)
  const fill = i32x4.splat(((job.word(at, job.padding) & mask) << scale) + <i32>base)
  const masks = i8x16.splat(<i8>mask)
  const bases = i32x4.splat(<i32>base)
  const height = job.word(at, job.height)
  const width = job.word(at, job.width)
  const y0 = region.row0 * job.word(at, job.strideY) - job.word(at, job.top)
  const x0 = region.column0 * job.word(at, job.strideX) - job.word(at, job.left)
  const left = min(region.planeColumns, max(0, -x0))
  const inside = max(0, min(region.planeColumns, width - x0) - left)
  const line = (<usize>region.planeColumns) << 2
  for (let image = 0; image < region.images; image++) {
    const from = planeOf(at, image, channel)
    for (let y = y0; y < y0 + region.planeRows; y++) {
      const end = to + line
      if (y < 0 || y >= height || inside === 0) {
        fillLine(to, end, fill)
        to = end
        continue
      }
      const start = to + ((<usize>left) << 2)
      const stop = start + ((<usize>inside) << 2)
      fillLine(to, start, fill)
      let s = from + y * width + x0 + left
      for (let p = start; p < stop; p += 64, s += 16) {
        const codes = v128.and(v128.load(s), masks)
        const low = v128.extend_low<u8>(codes)
        const high = v128.extend_high<u8>(codes)
        v128.store(p, i32x4.add(i32x4.shl(v128.extend_low<u16>(low), scale), bases))
        if (p + 16 < stop) v128.store(p, i32x4.add(i32x4.shl(v128.extend_high<u16>(low), scale), bases), 16)
        if (p + 32 < stop) v128.store(p, i32x4.add(i32x4.shl(v128.extend_low<u16>(high), scale), bases), 32)
        if (p + 48 < stop) v128.store(p, i32x4.add(i32x4.shl(v128.extend_high<u16>(high), scale), bases), 48)
      }
      fillLine(stop, end, fill)
      to = end
    }
  }
}

/** A padded plane of int16 values: the codes themselves, or what a term of a factorisation makes of them. */
export function placePlaneShort(at: usize, channel: i32, term: i32, to: usize): void {
  const lookup = <usize>job.word(at, job.lookup)
  const values = lookup + ((<usize>term) << 9)
  const mask = job.word(at, job.mask)
  const padding = job.word(at, job.padding)
  const offset = job.word(at, job.valueOffset)
  const kept = job.word(at, job.valueMask)
  const fill = i16x8.splat(
    lookup === 0 ? <i16>((padding + offset) & kept) : load<i16>(values + ((<usize>(padding & mask)) << 1)),
  )
  const offsets = i16x8.splat(<i16>offset)
  const masks = i16x8.splat(<i16>kept)
  const signed = job.word(at, job.signed)
  const height = job.word(at, job.height)
  const width = job.word(at, job.width)
  const y0 = region.row0 * job.word(at, job.strideY) - job.word(at, job.top)
  const x0 = region.column0 * job.word(at, job.strideX) - job.word(at, job.left)
  const left = min(region.planeColumns, max(0, -x0))
  const inside = max(0, min(region.planeColumns, width - x0) - left)
  const line = (<usize>region.planeColumns) << 1
  for (let image = 0; image < region.images; image++) {
    const from = planeOf(at, image, channel)
    for (let y = y0; y < y0 + region.planeRows; y++) {
      const end = to + line
      if (y < 0 || y >= height || inside === 0) {
        fillLine(to, end, fill)
        to = end
        continue
      }
      const start = to + ((<usize>left) << 1)
      const stop = start + ((<usize>inside) << 1)
      fillLine(to, start, fill)
      let s = from + y * width + x0 + left
      if (lookup !== 0) {
        for (let p = start; p < stop; p += 2, s++)
          store<i16>(p, load<i16>(values + ((<usize>(load<u8>(s) & mask)) << 1)))
      } else if (signed) {
        for (let p = start; p < stop; p += 16, s += 8)
          v128.store(p, v128.and(i16x8.add(v128.load_ext<i8>(s), offsets), masks))
      } else {
        for (let p = start; p < stop; p += 16, s += 8)
          v128.store(p, v128.and(i16x8.add(v128.load_ext<u8>(s), offsets), masks))
      }
      fillLine(stop, end, fill)
      to = end
    }
  }
}

function planeOf(at: usize, image: i32, channel: i32): usize {
  const plane = (region.image0 + image) * job.word(at, job.channels) + channel
  return <usize>job.word(at, job.input) + <usize>plane * (job.word(at, job.height) * job.word(at, job.width))
}

/** Up to a vector too far. */
export function fillLine(from: usize, end: usize, value: v128): void {
  for (; from < end; from += 16) v128.store(from, value)
}

/** The codes that one tap meets at all positions, in their order, from a padded plane of 32-bit elements. */
export function gatherWide(at: usize, plane: usize, ky: i32, kx: i32, to: usize): void {
  const strideX = job.word(at, job.strideX)
  const line = (<usize>region.planeColumns) << 2
  const step = line * job.word(at, job.strideY)
  const image = line * region.planeRows
  const count = (<usize>region.columns) << 2
  let first =
    plane +
    <usize>(ky * job.word(at, job.dilationY)) * line +
    <usize>((kx * job.word(at, job.dilationX)) << 2)
  for (let i = 0; i < region.images; i++, first += image) {
    let from = first
    for (let y = 0; y < region.rows; y++, from += step) {
      const end = to + count
      if (strideX === 1) {
        for (let s = from; to < end; to += 16, s += 16) v128.store(to, v128.load(s))
      } else if (strideX === 2) {
        for (let s = from; to < end; to += 16, s += 32)
          v128.store(to, v128.shuffle<i32>(v128.load(s), v128.load(s, 16), 0, 2, 4, 6))
      } else {
        for (let s = from; to < end; to += 4, s += strideX << 2) store<u32>(to, load<u32>(s))
      }
      to = end
    }
  }
}

/** The same for a plane of 16-bit elements, from the first window's on. */
export function gatherShort(at: usize, first: usize, to: usize): void {
  const strideX = job.word(at, job.strideX)
  const line = (<usize>region.planeColumns) << 1
  const step = line * job.word(at, job.strideY)
  const image = line * region.planeRows
  const count = (<usize>region.columns) << 1
  for (let i = 0; i < region.images; i++, first += image) {
    let from = first
    for (let y = 0; y < region.rows; y++, from += step) {
      const end = to + count
      if (strideX === 1) {
        for (let s = from; to < end; to += 16, s += 16) v128.store(to, v128.load(s))
      } else if (strideX === 2) {
        for (let s = from; to < end; to += 16, s += 32)
          v128.store(to, v128.shuffle<i16>(v128.load(s), v128.load(s, 16), 0, 2, 4, 6, 8, 10, 12, 14))
      } else {
        for (let s = from; to < end; to += 2, s += strideX << 1) store<u16>(to, load<u16>(s))
      }
      to = end
    }
  }
}
