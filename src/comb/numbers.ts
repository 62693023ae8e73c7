import { XgenError } from '../base/errors.ts'
import type { Comb } from './comb.ts'

/** A bit vector with a value: an unsigned number in [0, 2^width) up to 32 bits wide, a BigInt in that range above. */
export interface Bits {
  readonly width: number
  readonly value: number | bigint
}

/** `Comb` on values: exact at every width. */
export const numbers: Comb<Bits> = {
  width: (x) => x.width,
  constant: (value, width) => bits(value, width),

  not: (a) => (a.width <= 32 ? narrow(~number(a), a.width) : wide(~big(a), a.width)),
  and(a, b) {
    same('and', a, b)
    return a.width <= 32 ? narrow(number(a) & number(b), a.width) : wide(big(a) & big(b), a.width)
  },
  or(a, b) {
    same('or', a, b)
    return a.width <= 32 ? narrow(number(a) | number(b), a.width) : wide(big(a) | big(b), a.width)
  },
  xor(a, b) {
    same('xor', a, b)
    return a.width <= 32 ? narrow(number(a) ^ number(b), a.width) : wide(big(a) ^ big(b), a.width)
  },

  add(a, b) {
    same('add', a, b)
    return a.width <= 32 ? narrow((number(a) + number(b)) | 0, a.width) : wide(big(a) + big(b), a.width)
  },
  sub(a, b) {
    same('sub', a, b)
    return a.width <= 32 ? narrow((number(a) - number(b)) | 0, a.width) : wide(big(a) - big(b), a.width)
  },
  mul(a, b) {
    const width = a.width + b.width
    return width <= 32 ? narrow(Math.imul(number(a), number(b)), width) : wide(big(a) * big(b), width)
  },
  mulSigned(a, b) {
    const width = a.width + b.width
    if (width <= 32) return narrow(Math.imul(signedNumber(a), signedNumber(b)), width)
    return wide(BigInt.asIntN(a.width, big(a)) * BigInt.asIntN(b.width, big(b)), width)
  },

  equal(a, b) {
    same('equal', a, b)
    return flag(a.value === b.value)
  },
  less(a, b) {
    same('less', a, b)
    return flag(a.value < b.value)
  },
  lessSigned(a, b) {
    same('lessSigned', a, b)
    return flag(signedValue(a) < signedValue(b))
  },

  mux(select, whenOne, whenZero) {
    if (select.width !== 1) widthError(`mux needs a select of 1 bit, but it has ${select.width} bits`)
    same('mux', whenOne, whenZero)
    return select.value === 1 ? whenOne : whenZero
  },
  slice(a, high, low) {
    if (low < 0 || high < low || high >= a.width) {
      widthError(`slice takes bits ${high}..${low} of a value of ${a.width} bits`)
    }
    const width = high - low + 1
    if (a.width <= 32) return narrow(number(a) >>> low, width)
    return fromBig(big(a) >> BigInt(low), width)
  },
  cat(...parts) {
    let width = 0
    for (const part of parts) width += part.width
    if (width === 0) widthError('cat needs at least one part')
    if (width <= 32) {
      let value = 0
      // A part of 32 bits is the only part, and a shift by 32 would be a shift by 0.
      for (const part of parts)
        value = part.width === 32 ? number(part) : (value << part.width) | number(part)
      return narrow(value, width)
    }
    let value = 0n
    for (const part of parts) value = (value << BigInt(part.width)) | big(part)
    return { width, value }
  },
  zeroExtend(a, width) {
    widens('zeroExtend', a, width)
    return width <= 32 ? { width, value: a.value } : { width, value: big(a) }
  },
  signExtend(a, width) {
    widens('signExtend', a, width)
    return width <= 32 ? narrow(signedNumber(a), width) : wide(BigInt.asIntN(a.width, big(a)), width)
  },

  shiftLeft(a, amount) {
    if (amount.value >= a.width) return bits(0, a.width)
    return a.width <= 32 ? narrow(number(a) << number(amount), a.width) : wide(big(a) << big(amount), a.width)
  },
  shiftRight(a, amount) {
    if (amount.value >= a.width) return bits(0, a.width)
    return a.width <= 32
      ? narrow(number(a) >>> number(amount), a.width)
      : wide(big(a) >> big(amount), a.width)
  },
  shiftRightArithmetic(a, amount) {
    const steps = amount.value >= a.width ? a.width - 1 : number(amount)
    if (a.width <= 32) return narrow(signedNumber(a) >> steps, a.width)
    return wide(BigInt.asIntN(a.width, big(a)) >> BigInt(steps), a.width)
  },

  label: (a) => a,
}

/** A value of `width` bits, taken modulo 2^width. */
export function bits(value: number | bigint, width: number): Bits {
  if (!Number.isSafeInteger(width) || width < 1) widthError(`a value needs at least 1 bit, not ${width}`)
  if (width > 32 || typeof value === 'bigint') return fromBig(BigInt(value), width)
  // |0 would lose bits of a number beyond 2^53 only, and such a number is no exact integer.
  if (!Number.isSafeInteger(value)) widthError(`${value} is no exact integer`)
  return Math.abs(value) < 2 ** 32 ? narrow(value | 0, width) : fromBig(BigInt(value), width)
}

/** The two's complement value, as a number up to 32 bits wide and a BigInt above. */
export function signedValue(x: Bits): number | bigint {
  return x.width <= 32 ? signedNumber(x) : BigInt.asIntN(x.width, big(x))
}

/** The value as a plain number, two's complement where `signed`. For values of at most 53 bits. */
export function asNumber(x: Bits, signed: boolean): number {
  return Number(signed ? signedValue(x) : x.value)
}

function narrow(value: number, width: number): Bits {
  return { width, value: width === 32 ? value >>> 0 : value & ((1 << width) - 1) }
}

function wide(value: bigint, width: number): Bits {
  return { width, value: BigInt.asUintN(width, value) }
}

function fromBig(value: bigint, width: number): Bits {
  const unsigned = BigInt.asUintN(width, value)
  return { width, value: width <= 32 ? Number(unsigned) : unsigned }
}

const zeroBit: Bits = { width: 1, value: 0 }
const oneBit: Bits = { width: 1, value: 1 }
const flag = (condition: boolean) => (condition ? oneBit : zeroBit)

const number = (x: Bits) => x.value as number
const big = (x: Bits) => (x.width <= 32 ? BigInt(x.value) : (x.value as bigint))

function signedNumber(x: Bits): number {
  const unused = 32 - x.width
  return (number(x) << unused) >> unused
}

function same(operation: string, a: Bits, b: Bits): void {
  if (a.width !== b.width)
    widthError(`${operation} needs operands of one width, not ${a.width} and ${b.width} bits`)
}

function widens(operation: string, a: Bits, width: number): void {
  if (width < a.width) widthError(`${operation} to ${width} bits cannot hold a value of ${a.width} bits`)
}

function widthError(message: string): never {
  throw new XgenError('internal', message)
}
