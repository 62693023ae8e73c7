import type { Comb } from './comb.ts'

// Operations made of those of `Comb`, so that every instance has them for nothing.

/** Bit `i`, 0 the lowest. */
export const bit = <T>(c: Comb<T>, a: T, i: number): T => c.slice(a, i, i)

/** The highest bit: the sign of a two's complement value. */
export const msb = <T>(c: Comb<T>, a: T): T => bit(c, a, c.width(a) - 1)

/** All bits, lowest first. */
export function bitsOf<T>(c: Comb<T>, a: T): T[] {
  return Array.from({ length: c.width(a) }, (_, i) => bit(c, a, i))
}

/** The value whose bits are given, lowest first. */
export const fromBits = <T>(c: Comb<T>, bits: readonly T[]): T => c.cat(...[...bits].reverse())

/** `width` copies of one bit. */
export const replicate = <T>(c: Comb<T>, oneBit: T, width: number): T => c.signExtend(oneBit, width)

/** `value` where the 1-bit `enable` is 1, else 0. */
export const gate = <T>(c: Comb<T>, value: T, enable: T): T =>
  c.and(value, replicate(c, enable, c.width(value)))

export const isZero = <T>(c: Comb<T>, a: T): T => c.equal(a, c.constant(0, c.width(a)))

/** 1 where a bit is 1. */
export const reduceOr = <T>(c: Comb<T>, a: T): T => c.not(isZero(c, a))

/** 1 where all bits are 1. */
export const reduceAnd = <T>(c: Comb<T>, a: T): T => c.equal(a, c.constant(-1, c.width(a)))

/** The parity: 1 where an odd number of bits is 1. */
export const reduceXor = <T>(c: Comb<T>, a: T): T => tree(bitsOf(c, a), (x, y) => c.xor(x, y))

export const negate = <T>(c: Comb<T>, a: T): T => c.sub(c.constant(0, c.width(a)), a)

/** a * 2^places in places more bits. */
export function scaleUp<T>(c: Comb<T>, a: T, places: number): T {
  return places === 0 ? a : c.cat(a, c.constant(0, places))
}

/** a << places in the width of `a`. */
export function shiftLeftBy<T>(c: Comb<T>, a: T, places: number): T {
  const width = c.width(a)
  if (places >= width) return c.constant(0, width)
  return places === 0 ? a : c.cat(c.slice(a, width - 1 - places, 0), c.constant(0, places))
}

/** a >> places, zeros from the left, in the width of `a`. */
export function shiftRightBy<T>(c: Comb<T>, a: T, places: number): T {
  const width = c.width(a)
  return places >= width ? c.constant(0, width) : c.zeroExtend(c.slice(a, width - 1, places), width)
}

/** a >> places, the sign from the left, in the width of `a`. */
export function shiftRightArithmeticBy<T>(c: Comb<T>, a: T, places: number): T {
  const width = c.width(a)
  return c.signExtend(c.slice(a, width - 1, Math.min(places, width - 1)), width)
}

/** To `width` bits, by the operand's sign where it is signed. */
export const extend = <T>(c: Comb<T>, a: T, signed: boolean, width: number): T =>
  signed ? c.signExtend(a, width) : c.zeroExtend(a, width)

/** To exactly `width` bits modulo 2^width: extended or cut. */
export function resize<T>(c: Comb<T>, a: T, signed: boolean, width: number): T {
  return c.width(a) > width ? c.slice(a, width - 1, 0) : extend(c, a, signed, width)
}

export const minSigned = <T>(c: Comb<T>, a: T, b: T): T => c.mux(c.lessSigned(a, b), a, b)
export const maxSigned = <T>(c: Comb<T>, a: T, b: T): T => c.mux(c.lessSigned(a, b), b, a)
export const minUnsigned = <T>(c: Comb<T>, a: T, b: T): T => c.mux(c.less(a, b), a, b)
export const maxUnsigned = <T>(c: Comb<T>, a: T, b: T): T => c.mux(c.less(a, b), b, a)

/** Entry `index` of equally wide choices. Index bits that the choices do not need are ignored; beyond the last gives the last. */
export function select<T>(c: Comb<T>, index: T, choices: readonly T[]): T {
  let level = [...choices]
  for (let i = 0; i < c.width(index) && level.length > 1; i++) {
    const indexBit = bit(c, index, i)
    const next: T[] = []
    for (let j = 0; j < level.length; j += 2) {
      next.push(j + 1 < level.length ? c.mux(indexBit, level[j + 1]!, level[j]!) : level[j]!)
    }
    level = next
  }
  return level[0]!
}

/** Combines values pairwise in a balanced tree. */
export function tree<T>(values: readonly T[], combine: (a: T, b: T) => T): T {
  let level = values
  while (level.length > 1) {
    const next: T[] = []
    for (let i = 0; i < level.length; i += 2)
      next.push(i + 1 < level.length ? combine(level[i]!, level[i + 1]!) : level[i]!)
    level = next
  }
  return level[0]!
}
