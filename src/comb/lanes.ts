import { XgenError } from '../base/errors.ts'
import type { Comb } from './comb.ts'

/**
 * Many bit vectors of one width side by side, 32 in a word: element i holds bit i of all of them, vector l in bit l%32 of
 * word l/32. Gate-level arithmetic runs on all at once, which makes truth tables and error statistics a hundred times
 * quicker than on one value after the other.
 */
export type Lanes = readonly Int32Array[]

/** `Comb` on 32 * `words` vectors at once. */
export function lanes(words: number): Comb<Lanes> {
  const [zeros, ones] = [new Int32Array(words), new Int32Array(words).fill(-1)]

  const both = (
    operation: string,
    a: Lanes,
    b: Lanes,
    of: (x: Int32Array, y: Int32Array) => Int32Array,
  ): Lanes => {
    same(operation, a, b)
    return a.map((x, i) => of(x, b[i]!))
  }
  const not = (a: Int32Array) => {
    const out = new Int32Array(words)
    for (let i = 0; i < words; i++) out[i] = ~a[i]!
    return out
  }
  const and = (a: Int32Array, b: Int32Array) => {
    const out = new Int32Array(words)
    for (let i = 0; i < words; i++) out[i] = a[i]! & b[i]!
    return out
  }
  const or = (a: Int32Array, b: Int32Array) => {
    const out = new Int32Array(words)
    for (let i = 0; i < words; i++) out[i] = a[i]! | b[i]!
    return out
  }
  const xor = (a: Int32Array, b: Int32Array) => {
    const out = new Int32Array(words)
    for (let i = 0; i < words; i++) out[i] = a[i]! ^ b[i]!
    return out
  }
  const choose = (s: Int32Array, one: Int32Array, zero: Int32Array) => {
    const out = new Int32Array(words)
    for (let i = 0; i < words; i++) out[i] = (one[i]! & s[i]!) | (zero[i]! & ~s[i]!)
    return out
  }
  const majority = (a: Int32Array, b: Int32Array, c: Int32Array) => {
    const out = new Int32Array(words)
    for (let i = 0; i < words; i++) out[i] = (a[i]! & b[i]!) | (c[i]! & (a[i]! | b[i]!))
    return out
  }

  /** a + b + carry, bit by bit. */
  const sum = (a: Lanes, b: Lanes, carry: Int32Array): Int32Array[] =>
    a.map((x, i) => {
      const bit = xor(xor(x, b[i]!), carry)
      carry = majority(x, b[i]!, carry)
      return bit
    })
  /** The borrow out of a - b: a < b. */
  const borrow = (a: Lanes, b: Lanes) => a.reduce((carry, x, i) => majority(not(x), b[i]!, carry), zeros)
  const product = (a: Lanes, b: Lanes, width: number): Lanes => {
    let total: Lanes = new Array<Int32Array>(width).fill(zeros)
    for (const [j, bit] of b.entries()) {
      const row = a.slice(0, width - j).map((x) => and(x, bit))
      total = [
        ...total.slice(0, j),
        ...sum(total.slice(j), [...row, ...new Array<Int32Array>(width - j - row.length).fill(zeros)], zeros),
      ]
    }
    return total
  }
  const extended = (a: Lanes, width: number, fill: Int32Array): Lanes => {
    if (width < a.length) widthError(`a value of ${a.length} bits cannot be extended to ${width}`)
    return [...a, ...new Array<Int32Array>(width - a.length).fill(fill)]
  }
  /** A barrel shifter: one stage a bit of the amount. */
  const shifted = (a: Lanes, amount: Lanes, moved: (x: Lanes, places: number) => Lanes): Lanes =>
    amount.reduce((x, bit, i) => {
      const by = moved(x, Math.min(2 ** i, a.length))
      return x.map((zero, j) => choose(bit, by[j]!, zero))
    }, a)

  return {
    width: (x) => x.length,
    constant(value, width) {
      const unsigned = BigInt.asUintN(width, BigInt(value))
      return Array.from({ length: width }, (_, i) => ((unsigned >> BigInt(i)) & 1n ? ones : zeros))
    },
    not: (a) => a.map(not),
    and: (a, b) => both('and', a, b, and),
    or: (a, b) => both('or', a, b, or),
    xor: (a, b) => both('xor', a, b, xor),
    add(a, b) {
      same('add', a, b)
      return sum(a, b, zeros)
    },
    sub(a, b) {
      same('sub', a, b)
      return sum(a, b.map(not), ones)
    },
    mul: (a, b) => product(a, b, a.length + b.length),
    mulSigned(a, b) {
      const width = a.length + b.length
      return product(extended(a, width, a.at(-1)!), extended(b, width, b.at(-1)!), width)
    },
    equal: (a, b) => [both('equal', a, b, xor).reduce((same, bit) => and(same, not(bit)), ones)],
    less(a, b) {
      same('less', a, b)
      return [borrow(a, b)]
    },
    lessSigned(a, b) {
      same('lessSigned', a, b)
      // The sign bits weigh the other way round.
      return [borrow([...a.slice(0, -1), not(a.at(-1)!)], [...b.slice(0, -1), not(b.at(-1)!)])]
    },
    mux(select, whenOne, whenZero) {
      if (select.length !== 1) widthError(`mux needs a select of 1 bit, but it has ${select.length} bits`)
      return both('mux', whenOne, whenZero, (one, zero) => choose(select[0]!, one, zero))
    },
    slice(a, high, low) {
      if (low < 0 || high < low || high >= a.length)
        widthError(`slice takes bits ${high}..${low} of a value of ${a.length} bits`)
      return a.slice(low, high + 1)
    },
    cat: (...parts) => parts.toReversed().flat(),
    zeroExtend: (a, width) => extended(a, width, zeros),
    signExtend: (a, width) => extended(a, width, a.at(-1)!),
    shiftLeft: (a, amount) => shifted(a, amount, (x, places) => x.map((_, i) => x[i - places] ?? zeros)),
    shiftRight: (a, amount) => shifted(a, amount, (x, places) => x.map((_, i) => x[i + places] ?? zeros)),
    shiftRightArithmetic: (a, amount) =>
      shifted(a, amount, (x, places) => x.map((_, i) => x[i + places] ?? x.at(-1)!)),
    label: (a) => a,
  }
}

/** The low `width` bits of `count` values from index `from`, as lanes of `words` words; absent ones are 0. */
export function toLanes(
  values: ArrayLike<number>,
  from: number,
  count: number,
  width: number,
  words: number,
): Lanes {
  const out = Array.from({ length: width }, () => new Int32Array(words))
  for (let first = 0; first < count; first += 32) {
    const here = Math.min(32, count - first)
    for (let i = 0; i < width; i++) {
      let word = 0
      for (let lane = 0; lane < here; lane++) word |= ((values[from + first + lane]! >> i) & 1) << lane
      out[i]![first >> 5] = word
    }
  }
  return out
}

/** Writes the first `count` lanes as numbers, two's complement where `signed`, from index `from`; at most 32 bits wide. */
export function fromLanes(
  x: Lanes,
  signed: boolean,
  out: { [index: number]: number },
  from: number,
  count: number,
): void {
  const width = x.length
  if (width > 32) widthError(`a value of ${width} bits is no 32-bit number`)
  const unused = signed ? 32 - width : 0
  const bits = new Int32Array(width)
  for (let first = 0; first < count; first += 32) {
    for (let i = 0; i < width; i++) bits[i] = x[i]![first >> 5]!
    const here = Math.min(32, count - first)
    for (let lane = 0; lane < here; lane++) {
      let value = 0
      for (let i = 0; i < width; i++) value |= ((bits[i]! >>> lane) & 1) << i
      out[from + first + lane] = signed ? (value << unused) >> unused : value >>> 0
    }
  }
}

function same(operation: string, a: Lanes, b: Lanes): void {
  if (a.length !== b.length)
    widthError(`${operation} needs operands of one width, not ${a.length} and ${b.length} bits`)
}

function widthError(message: string): never {
  throw new XgenError('internal', message)
}
