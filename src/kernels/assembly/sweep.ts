/**
 * Product-row tables: for eight filters and one tap, T[code][8] of int16 are the products of all codes with the eight weights, each
 * less the middle of its weight's products. One load at an activation's place gives eight products. A pass takes eight taps (32 KiB of
 * tables) over all positions of a piece, and adds to sums[position][8] of int32.
 */

export const lanes: i32 = 8
export const taps: i32 = 8
export const tableBytes: usize = 4096
export const mostPositions: i32 = 4096
/** Between the lines of two taps. The odd lines of a cache keep the taps of one position in different sets. */
export const lineBytes: usize = 4096 * 4 + 192

/** Where the row of a weight lies: `bases` has the address of each multiplier's rows, an index is multiplier * 256 + weight code. */
export function rowOf(index: u16, bases: usize, rowBytes: usize): usize {
  return <usize>load<u32>(bases + ((<usize>(index >> 8)) << 2)) + <usize>(index & 255) * rowBytes
}

/**
 * Writes the table of one tap, of the first codes, from the rows of its eight weights: [code] of int16 each, a multiple of 8. The
 * products of neighbouring codes lie `step` bytes apart.
 */
export function buildTable(
  indices: usize,
  bases: usize,
  rowBytes: usize,
  codes: i32,
  to: usize,
  step: usize,
): void {
  let r0 = rowOf(load<u16>(indices), bases, rowBytes)
  let r1 = rowOf(load<u16>(indices, 2), bases, rowBytes)
  let r2 = rowOf(load<u16>(indices, 4), bases, rowBytes)
  let r3 = rowOf(load<u16>(indices, 6), bases, rowBytes)
  let r4 = rowOf(load<u16>(indices, 8), bases, rowBytes)
  let r5 = rowOf(load<u16>(indices, 10), bases, rowBytes)
  let r6 = rowOf(load<u16>(indices, 12), bases, rowBytes)
  let r7 = rowOf(load<u16>(indices, 14), bases, rowBytes)
  for (const end = to + <usize>codes * step; to < end; ) {
    const a0 = v128.load(r0)
    const a1 = v128.load(r1)
    const a2 = v128.load(r2)
    const a3 = v128.load(r3)
    const a4 = v128.load(r4)
    const a5 = v128.load(r5)
    const a6 = v128.load(r6)
    const a7 = v128.load(r7)
    r0 += 16
    r1 += 16
    r2 += 16
    r3 += 16
    r4 += 16
    r5 += 16
    r6 += 16
    r7 += 16
    // Pairs of 16 bits, then of 32, then of 64: an 8x8 transpose.
    const b0 = v128.shuffle<i16>(a0, a1, 0, 8, 1, 9, 2, 10, 3, 11)
    const b1 = v128.shuffle<i16>(a0, a1, 4, 12, 5, 13, 6, 14, 7, 15)
    const b2 = v128.shuffle<i16>(a2, a3, 0, 8, 1, 9, 2, 10, 3, 11)
    const b3 = v128.shuffle<i16>(a2, a3, 4, 12, 5, 13, 6, 14, 7, 15)
    const b4 = v128.shuffle<i16>(a4, a5, 0, 8, 1, 9, 2, 10, 3, 11)
    const b5 = v128.shuffle<i16>(a4, a5, 4, 12, 5, 13, 6, 14, 7, 15)
    const b6 = v128.shuffle<i16>(a6, a7, 0, 8, 1, 9, 2, 10, 3, 11)
    const b7 = v128.shuffle<i16>(a6, a7, 4, 12, 5, 13, 6, 14, 7, 15)
    const c0 = v128.shuffle<i32>(b0, b2, 0, 4, 1, 5)
    const c1 = v128.shuffle<i32>(b0, b2, 2, 6, 3, 7)
    const c2 = v128.shuffle<i32>(b1, b3, 0, 4, 1, 5)
    const c3 = v128.shuffle<i32>(b1, b3, 2, 6, 3, 7)
    const c4 = v128.shuffle<i32>(b4, b6, 0, 4, 1, 5)
    const c5 = v128.shuffle<i32>(b4, b6, 2, 6, 3, 7)
    const c6 = v128.shuffle<i32>(b5, b7, 0, 4, 1, 5)
    const c7 = v128.shuffle<i32>(b5, b7, 2, 6, 3, 7)
    v128.store(to, v128.shuffle<i64>(c0, c4, 0, 2))
    to += step
    v128.store(to, v128.shuffle<i64>(c0, c4, 1, 3))
    to += step
    v128.store(to, v128.shuffle<i64>(c1, c5, 0, 2))
    to += step
    v128.store(to, v128.shuffle<i64>(c1, c5, 1, 3))
    to += step
    v128.store(to, v128.shuffle<i64>(c2, c6, 0, 2))
    to += step
    v128.store(to, v128.shuffle<i64>(c2, c6, 1, 3))
    to += step
    v128.store(to, v128.shuffle<i64>(c3, c7, 0, 2))
    to += step
    v128.store(to, v128.shuffle<i64>(c3, c7, 1, 3))
    to += step
  }
}

/** Eight taps whose sums of four products fit int16. */
export function sweepFours(sums: usize, lines: usize, positions: i32): void {
  for (const end = sums + ((<usize>positions) << 5); sums < end; sums += 32, lines += 4) {
    const a = i16x8.add(
      i16x8.add(v128.load(load<u32>(lines)), v128.load(load<u32>(lines, lineBytes), tableBytes)),
      i16x8.add(
        v128.load(load<u32>(lines, 2 * lineBytes), 2 * tableBytes),
        v128.load(load<u32>(lines, 3 * lineBytes), 3 * tableBytes),
      ),
    )
    const b = i16x8.add(
      i16x8.add(
        v128.load(load<u32>(lines, 4 * lineBytes), 4 * tableBytes),
        v128.load(load<u32>(lines, 5 * lineBytes), 5 * tableBytes),
      ),
      i16x8.add(
        v128.load(load<u32>(lines, 6 * lineBytes), 6 * tableBytes),
        v128.load(load<u32>(lines, 7 * lineBytes), 7 * tableBytes),
      ),
    )
    add(sums, i32x4.add(low(a), low(b)), i32x4.add(high(a), high(b)))
  }
}

/** Eight taps whose sums of two products fit int16. */
export function sweepPairs(sums: usize, lines: usize, positions: i32): void {
  for (const end = sums + ((<usize>positions) << 5); sums < end; sums += 32, lines += 4) {
    const a = i16x8.add(v128.load(load<u32>(lines)), v128.load(load<u32>(lines, lineBytes), tableBytes))
    const b = i16x8.add(
      v128.load(load<u32>(lines, 2 * lineBytes), 2 * tableBytes),
      v128.load(load<u32>(lines, 3 * lineBytes), 3 * tableBytes),
    )
    const c = i16x8.add(
      v128.load(load<u32>(lines, 4 * lineBytes), 4 * tableBytes),
      v128.load(load<u32>(lines, 5 * lineBytes), 5 * tableBytes),
    )
    const d = i16x8.add(
      v128.load(load<u32>(lines, 6 * lineBytes), 6 * tableBytes),
      v128.load(load<u32>(lines, 7 * lineBytes), 7 * tableBytes),
    )
    add(sums, lowOfFour(a, b, c, d), highOfFour(a, b, c, d))
  }
}

/** Eight taps of any products of int16: each is widened before it is added. */
export function sweepSingles(sums: usize, lines: usize, positions: i32): void {
  for (const end = sums + ((<usize>positions) << 5); sums < end; sums += 32, lines += 4) {
    const a = v128.load(load<u32>(lines))
    const b = v128.load(load<u32>(lines, lineBytes), tableBytes)
    const c = v128.load(load<u32>(lines, 2 * lineBytes), 2 * tableBytes)
    const d = v128.load(load<u32>(lines, 3 * lineBytes), 3 * tableBytes)
    const e = v128.load(load<u32>(lines, 4 * lineBytes), 4 * tableBytes)
    const f = v128.load(load<u32>(lines, 5 * lineBytes), 5 * tableBytes)
    const g = v128.load(load<u32>(lines, 6 * lineBytes), 6 * tableBytes)
    const h = v128.load(load<u32>(lines, 7 * lineBytes), 7 * tableBytes)
    add(
      sums,
      i32x4.add(lowOfFour(a, b, c, d), lowOfFour(e, f, g, h)),
      i32x4.add(highOfFour(a, b, c, d), highOfFour(e, f, g, h)),
    )
  }
}

/** The first four taps alone, of any products: what is left where the taps are no multiple of eight. */
export function sweepRest(sums: usize, lines: usize, positions: i32): void {
  for (const end = sums + ((<usize>positions) << 5); sums < end; sums += 32, lines += 4) {
    const a = v128.load(load<u32>(lines))
    const b = v128.load(load<u32>(lines, lineBytes), tableBytes)
    const c = v128.load(load<u32>(lines, 2 * lineBytes), 2 * tableBytes)
    const d = v128.load(load<u32>(lines, 3 * lineBytes), 3 * tableBytes)
    add(sums, lowOfFour(a, b, c, d), highOfFour(a, b, c, d))
  }
}

/** The same where the sums of the four fit int16. */
export function sweepRestFours(sums: usize, lines: usize, positions: i32): void {
  for (const end = sums + ((<usize>positions) << 5); sums < end; sums += 32, lines += 4) {
    const a = i16x8.add(
      i16x8.add(v128.load(load<u32>(lines)), v128.load(load<u32>(lines, lineBytes), tableBytes)),
      i16x8.add(
        v128.load(load<u32>(lines, 2 * lineBytes), 2 * tableBytes),
        v128.load(load<u32>(lines, 3 * lineBytes), 3 * tableBytes),
      ),
    )
    add(sums, low(a), high(a))
  }
}

function lowOfFour(a: v128, b: v128, c: v128, d: v128): v128 {
  return i32x4.add(lowOfPair(a, b), lowOfPair(c, d))
}

function highOfFour(a: v128, b: v128, c: v128, d: v128): v128 {
  return i32x4.add(highOfPair(a, b), highOfPair(c, d))
}

/** a + b in 32 bits, the first four lanes: one product with ones where two extensions and a sum would do. */
export function lowOfPair(a: v128, b: v128): v128 {
  return i32x4.dot_i16x8_s(v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11), i16x8.splat(1))
}

export function highOfPair(a: v128, b: v128): v128 {
  return i32x4.dot_i16x8_s(v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15), i16x8.splat(1))
}

export function low(a: v128): v128 {
  return v128.extend_low<i16>(a)
}

export function high(a: v128): v128 {
  return v128.extend_high<i16>(a)
}

export function add(sums: usize, first: v128, second: v128): void {
  v128.store(sums, i32x4.add(v128.load(sums), first))
  v128.store(sums, i32x4.add(v128.load(sums, 16), second), 16)
}
