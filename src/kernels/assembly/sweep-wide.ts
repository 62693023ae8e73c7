import { add, high, highOfFour, lineBytes, low, lowOfFour, tableBytes } from './sweep'

/**
 * The sweeps for sixteen filters at a time: T[code][16] of at most 128 codes takes no more room than T[code][8] of 256, and a place
 * is loaded once for two vectors of products. Sums are [position][16] of int32.
 */

/** Eight taps whose sums of four products fit int16. */
export function wideFours(sums: usize, lines: usize, positions: i32): void {
  for (const end = sums + ((<usize>positions) << 6); sums < end; sums += 64, lines += 4) {
    let place = load<u32>(lines)
    let a = v128.load(place)
    let b = v128.load(place, 16)
    place = load<u32>(lines, lineBytes)
    a = i16x8.add(a, v128.load(place, tableBytes))
    b = i16x8.add(b, v128.load(place, tableBytes + 16))
    place = load<u32>(lines, 2 * lineBytes)
    a = i16x8.add(a, v128.load(place, 2 * tableBytes))
    b = i16x8.add(b, v128.load(place, 2 * tableBytes + 16))
    place = load<u32>(lines, 3 * lineBytes)
    a = i16x8.add(a, v128.load(place, 3 * tableBytes))
    b = i16x8.add(b, v128.load(place, 3 * tableBytes + 16))
    place = load<u32>(lines, 4 * lineBytes)
    let c = v128.load(place, 4 * tableBytes)
    let d = v128.load(place, 4 * tableBytes + 16)
    place = load<u32>(lines, 5 * lineBytes)
    c = i16x8.add(c, v128.load(place, 5 * tableBytes))
    d = i16x8.add(d, v128.load(place, 5 * tableBytes + 16))
    place = load<u32>(lines, 6 * lineBytes)
    c = i16x8.add(c, v128.load(place, 6 * tableBytes))
    d = i16x8.add(d, v128.load(place, 6 * tableBytes + 16))
    place = load<u32>(lines, 7 * lineBytes)
    c = i16x8.add(c, v128.load(place, 7 * tableBytes))
    d = i16x8.add(d, v128.load(place, 7 * tableBytes + 16))
    add(sums, i32x4.add(low(a), low(c)), i32x4.add(high(a), high(c)))
    add(sums + 32, i32x4.add(low(b), low(d)), i32x4.add(high(b), high(d)))
  }
}

/** Eight taps whose sums of two products fit int16. */
export function widePairs(sums: usize, lines: usize, positions: i32): void {
  for (const end = sums + ((<usize>positions) << 6); sums < end; sums += 64, lines += 4) {
    let place = load<u32>(lines)
    let a = v128.load(place)
    let b = v128.load(place, 16)
    place = load<u32>(lines, lineBytes)
    a = i16x8.add(a, v128.load(place, tableBytes))
    b = i16x8.add(b, v128.load(place, tableBytes + 16))
    place = load<u32>(lines, 2 * lineBytes)
    let c = v128.load(place, 2 * tableBytes)
    let d = v128.load(place, 2 * tableBytes + 16)
    place = load<u32>(lines, 3 * lineBytes)
    c = i16x8.add(c, v128.load(place, 3 * tableBytes))
    d = i16x8.add(d, v128.load(place, 3 * tableBytes + 16))
    place = load<u32>(lines, 4 * lineBytes)
    let e = v128.load(place, 4 * tableBytes)
    let f = v128.load(place, 4 * tableBytes + 16)
    place = load<u32>(lines, 5 * lineBytes)
    e = i16x8.add(e, v128.load(place, 5 * tableBytes))
    f = i16x8.add(f, v128.load(place, 5 * tableBytes + 16))
    place = load<u32>(lines, 6 * lineBytes)
    let g = v128.load(place, 6 * tableBytes)
    let h = v128.load(place, 6 * tableBytes + 16)
    place = load<u32>(lines, 7 * lineBytes)
    g = i16x8.add(g, v128.load(place, 7 * tableBytes))
    h = i16x8.add(h, v128.load(place, 7 * tableBytes + 16))
    add(sums, lowOfFour(a, c, e, g), highOfFour(a, c, e, g))
    add(sums + 32, lowOfFour(b, d, f, h), highOfFour(b, d, f, h))
  }
}

/** Eight taps of any products of int16. */
export function wideSingles(sums: usize, lines: usize, positions: i32): void {
  for (const end = sums + ((<usize>positions) << 6); sums < end; sums += 64, lines += 4) {
    let place = load<u32>(lines)
    const a0 = v128.load(place)
    const a4 = v128.load(place, 16)
    place = load<u32>(lines, lineBytes)
    const a1 = v128.load(place, tableBytes)
    const a5 = v128.load(place, tableBytes + 16)
    place = load<u32>(lines, 2 * lineBytes)
    const a2 = v128.load(place, 2 * tableBytes)
    const a6 = v128.load(place, 2 * tableBytes + 16)
    place = load<u32>(lines, 3 * lineBytes)
    const a3 = v128.load(place, 3 * tableBytes)
    const a7 = v128.load(place, 3 * tableBytes + 16)
    place = load<u32>(lines, 4 * lineBytes)
    const b0 = v128.load(place, 4 * tableBytes)
    const b4 = v128.load(place, 4 * tableBytes + 16)
    place = load<u32>(lines, 5 * lineBytes)
    const b1 = v128.load(place, 5 * tableBytes)
    const b5 = v128.load(place, 5 * tableBytes + 16)
    place = load<u32>(lines, 6 * lineBytes)
    const b2 = v128.load(place, 6 * tableBytes)
    const b6 = v128.load(place, 6 * tableBytes + 16)
    place = load<u32>(lines, 7 * lineBytes)
    const b3 = v128.load(place, 7 * tableBytes)
    const b7 = v128.load(place, 7 * tableBytes + 16)
    add(
      sums,
      i32x4.add(lowOfFour(a0, a1, a2, a3), lowOfFour(b0, b1, b2, b3)),
      i32x4.add(highOfFour(a0, a1, a2, a3), highOfFour(b0, b1, b2, b3)),
    )
    add(
      sums + 32,
      i32x4.add(lowOfFour(a4, a5, a6, a7), lowOfFour(b4, b5, b6, b7)),
      i32x4.add(highOfFour(a4, a5, a6, a7), highOfFour(b4, b5, b6, b7)),
    )
  }
}

/** The first four taps alone, of any products. */
export function wideRest(sums: usize, lines: usize, positions: i32): void {
  for (const end = sums + ((<usize>positions) << 6); sums < end; sums += 64, lines += 4) {
    let place = load<u32>(lines)
    const a0 = v128.load(place)
    const a4 = v128.load(place, 16)
    place = load<u32>(lines, lineBytes)
    const a1 = v128.load(place, tableBytes)
    const a5 = v128.load(place, tableBytes + 16)
    place = load<u32>(lines, 2 * lineBytes)
    const a2 = v128.load(place, 2 * tableBytes)
    const a6 = v128.load(place, 2 * tableBytes + 16)
    place = load<u32>(lines, 3 * lineBytes)
    const a3 = v128.load(place, 3 * tableBytes)
    const a7 = v128.load(place, 3 * tableBytes + 16)
    add(sums, lowOfFour(a0, a1, a2, a3), highOfFour(a0, a1, a2, a3))
    add(sums + 32, lowOfFour(a4, a5, a6, a7), highOfFour(a4, a5, a6, a7))
  }
}

/** The same where the sums of the four fit int16. */
export function wideRestFours(sums: usize, lines: usize, positions: i32): void {
  for (const end = sums + ((<usize>positions) << 6); sums < end; sums += 64, lines += 4) {
    let place = load<u32>(lines)
    let a = v128.load(place)
    let b = v128.load(place, 16)
    place = load<u32>(lines, lineBytes)
    a = i16x8.add(a, v128.load(place, tableBytes))
    b = i16x8.add(b, v128.load(place, tableBytes + 16))
    place = load<u32>(lines, 2 * lineBytes)
    a = i16x8.add(a, v128.load(place, 2 * tableBytes))
    b = i16x8.add(b, v128.load(place, 2 * tableBytes + 16))
    place = load<u32>(lines, 3 * lineBytes)
    a = i16x8.add(a, v128.load(place, 3 * tableBytes))
    b = i16x8.add(b, v128.load(place, 3 * tableBytes + 16))
    add(sums, low(a), high(a))
    add(sums + 32, low(b), high(b))
  }
}
