import { add, high, highOfPair, lineBytes, low, lowOfPair, tableBytes } from './sweep'

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
    let c = v128.load(place, 16)
    place = load<u32>(lines, lineBytes)
    a = i16x8.add(a, v128.load(place, tableBytes))
    c = i16x8.add(c, v128.load(place, tableBytes + 16))
    place = load<u32>(lines, 2 * lineBytes)
    let b = v128.load(place, 2 * tableBytes)
    let d = v128.load(place, 2 * tableBytes + 16)
    place = load<u32>(lines, 3 * lineBytes)
    b = i16x8.add(b, v128.load(place, 3 * tableBytes))
    d = i16x8.add(d, v128.load(place, 3 * tableBytes + 16))
    let first = lowOfPair(a, b)
    let second = highOfPair(a, b)
    let third = lowOfPair(c, d)
    let fourth = highOfPair(c, d)
    place = load<u32>(lines, 4 * lineBytes)
    a = v128.load(place, 4 * tableBytes)
    c = v128.load(place, 4 * tableBytes + 16)
    place = load<u32>(lines, 5 * lineBytes)
    a = i16x8.add(a, v128.load(place, 5 * tableBytes))
    c = i16x8.add(c, v128.load(place, 5 * tableBytes + 16))
    place = load<u32>(lines, 6 * lineBytes)
    b = v128.load(place, 6 * tableBytes)
    d = v128.load(place, 6 * tableBytes + 16)
    place = load<u32>(lines, 7 * lineBytes)
    b = i16x8.add(b, v128.load(place, 7 * tableBytes))
    d = i16x8.add(d, v128.load(place, 7 * tableBytes + 16))
    first = i32x4.add(first, lowOfPair(a, b))
    second = i32x4.add(second, highOfPair(a, b))
    third = i32x4.add(third, lowOfPair(c, d))
    fourth = i32x4.add(fourth, highOfPair(c, d))
    add(sums, first, second)
    add(sums + 32, third, fourth)
  }
}

/** Eight taps of any products of int16. */
export function wideSingles(sums: usize, lines: usize, positions: i32): void {
  for (const end = sums + ((<usize>positions) << 6); sums < end; sums += 64, lines += 4) {
    let place = load<u32>(lines)
    let a = v128.load(place)
    let c = v128.load(place, 16)
    place = load<u32>(lines, lineBytes)
    let b = v128.load(place, tableBytes)
    let d = v128.load(place, tableBytes + 16)
    let first = lowOfPair(a, b)
    let second = highOfPair(a, b)
    let third = lowOfPair(c, d)
    let fourth = highOfPair(c, d)
    place = load<u32>(lines, 2 * lineBytes)
    a = v128.load(place, 2 * tableBytes)
    c = v128.load(place, 2 * tableBytes + 16)
    place = load<u32>(lines, 3 * lineBytes)
    b = v128.load(place, 3 * tableBytes)
    d = v128.load(place, 3 * tableBytes + 16)
    first = i32x4.add(first, lowOfPair(a, b))
    second = i32x4.add(second, highOfPair(a, b))
    third = i32x4.add(third, lowOfPair(c, d))
    fourth = i32x4.add(fourth, highOfPair(c, d))
    place = load<u32>(lines, 4 * lineBytes)
    a = v128.load(place, 4 * tableBytes)
    c = v128.load(place, 4 * tableBytes + 16)
    place = load<u32>(lines, 5 * lineBytes)
    b = v128.load(place, 5 * tableBytes)
    d = v128.load(place, 5 * tableBytes + 16)
    first = i32x4.add(first, lowOfPair(a, b))
    second = i32x4.add(second, highOfPair(a, b))
    third = i32x4.add(third, lowOfPair(c, d))
    fourth = i32x4.add(fourth, highOfPair(c, d))
    place = load<u32>(lines, 6 * lineBytes)
    a = v128.load(place, 6 * tableBytes)
    c = v128.load(place, 6 * tableBytes + 16)
    place = load<u32>(lines, 7 * lineBytes)
    b = v128.load(place, 7 * tableBytes)
    d = v128.load(place, 7 * tableBytes + 16)
    first = i32x4.add(first, lowOfPair(a, b))
    second = i32x4.add(second, highOfPair(a, b))
    third = i32x4.add(third, lowOfPair(c, d))
    fourth = i32x4.add(fourth, highOfPair(c, d))
    add(sums, first, second)
    add(sums + 32, third, fourth)
  }
}

/** The first four taps alone, of any products. */
export function wideRest(sums: usize, lines: usize, positions: i32): void {
  for (const end = sums + ((<usize>positions) << 6); sums < end; sums += 64, lines += 4) {
    let place = load<u32>(lines)
    let a = v128.load(place)
    let c = v128.load(place, 16)
    place = load<u32>(lines, lineBytes)
    let b = v128.load(place, tableBytes)
    let d = v128.load(place, tableBytes + 16)
    let first = lowOfPair(a, b)
    let second = highOfPair(a, b)
    let third = lowOfPair(c, d)
    let fourth = highOfPair(c, d)
    place = load<u32>(lines, 2 * lineBytes)
    a = v128.load(place, 2 * tableBytes)
    c = v128.load(place, 2 * tableBytes + 16)
    place = load<u32>(lines, 3 * lineBytes)
    b = v128.load(place, 3 * tableBytes)
    d = v128.load(place, 3 * tableBytes + 16)
    first = i32x4.add(first, lowOfPair(a, b))
    second = i32x4.add(second, highOfPair(a, b))
    third = i32x4.add(third, lowOfPair(c, d))
    fourth = i32x4.add(fourth, highOfPair(c, d))
    add(sums, first, second)
    add(sums + 32, third, fourth)
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
