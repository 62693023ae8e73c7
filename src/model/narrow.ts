import { roundHalfToEven } from '../quant/onnx-rules.ts'
import type { ElementType } from './model.ts'

/**
 * A float of 8 bits: a sign, an exponent and a fraction. Formats after "FP8 Formats for Deep Learning" (2022), with the variants of ONNX.
 */
interface ByteFloat {
  /** Bits of the fraction. */
  readonly fraction: number
  readonly bias: number
  /** Which codes are no numbers: those of IEEE 754, with infinities; or all ones, or minus zero alone, without infinities. */
  readonly specials: 'ieee' | 'ones' | 'minus zero'
}

const floats = {
  float8e4m3fn: { fraction: 3, bias: 7, specials: 'ones' },
  float8e4m3fnuz: { fraction: 3, bias: 8, specials: 'minus zero' },
  float8e5m2: { fraction: 2, bias: 15, specials: 'ieee' },
  float8e5m2fnuz: { fraction: 2, bias: 16, specials: 'minus zero' },
} as const satisfies Readonly<Record<string, ByteFloat>>

export type ByteFloatType = keyof typeof floats

/**
 * Types of codes alone: quantisers and casts make and read them, nothing computes with them. They are held as their values: floats of 8
 * bits in Float32Array, integers of 4 bits in bytes.
 */
export type NarrowType = ByteFloatType | 'int4' | 'uint4'

export const isByteFloat = (type: ElementType): type is ByteFloatType => Object.hasOwn(floats, type)

export const isNarrow = (type: ElementType): type is NarrowType =>
  isByteFloat(type) || type === 'int4' || type === 'uint4'

export const narrowTypes = [...(Object.keys(floats) as ByteFloatType[]), 'int4', 'uint4'] as const

/** Bits of a code in a file: two of 4 bits share a byte. */
export const narrowBits = (type: NarrowType): 4 | 8 => (isByteFloat(type) ? 8 : 4)

/** The value of a type's code, of which the low bits count. */
export function narrowValue(type: NarrowType, code: number): number {
  if (type === 'int4') return (code << 28) >> 28
  if (type === 'uint4') return code & 15
  const { fraction: digits, bias, specials }: ByteFloat = floats[type]
  const [sign, magnitude] = [code & 128 ? -1 : 1, code & 127]
  const [exponent, fraction] = [magnitude >> digits, magnitude & (2 ** digits - 1)]
  if (specials === 'ieee' && exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN
  if (specials === 'ones' && magnitude === 127) return Number.NaN
  if (specials === 'minus zero' && magnitude === 0) return sign < 0 ? Number.NaN : 0
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias - digits)
  return sign * (2 ** digits + fraction) * 2 ** (exponent - bias - digits)
}

/** Puts the values of a file's bytes into `to`: of two codes in a byte the lower bits are the first. */
export function putValues(
  type: NarrowType,
  bytes: Uint8Array,
  to: Float32Array | Int8Array | Uint8Array,
): void {
  const pairs = narrowBits(type) === 4
  for (let i = 0; i < to.length; i++)
    to[i] = narrowValue(type, pairs ? bytes[i >> 1]! >> (4 * (i & 1)) : bytes[i]!)
}

/** The largest codes that stand for numbers. */
const largest = { ieee: 0x7b, ones: 0x7e, 'minus zero': 0x7f } as const

/**
 * The value of the type that is nearest, half to even. What is larger than all becomes the largest where it `saturates`, else infinite, or
 * no number where the type has no infinity.
 */
export function roundedTo(type: ByteFloatType, value: number, saturates: boolean): number {
  const { fraction, bias, specials }: ByteFloat = floats[type]
  if (Number.isNaN(value)) return value
  const [sign, size] = [Math.sign(value), Math.abs(value)]
  const exponent = Math.max(1 - bias, Math.min(32, Math.floor(Math.log2(size))))
  const step = 2 ** (exponent - fraction)
  const rounded = roundHalfToEven(size / step) * step
  const most = narrowValue(type, largest[specials])
  // without a minus zero
  if (rounded === 0 && specials === 'minus zero') return 0
  if (rounded <= most) return sign * rounded
  if (saturates) return sign * most
  return specials === 'ieee' ? sign * Infinity : Number.NaN
}
