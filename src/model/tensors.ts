import { fromBfloat, fromHalf, toBfloat, toHalf } from '../base/half.ts'
import type { ElementType, ModelTensor, TypedData } from './model.ts'

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Float32Array,
  bfloat16: Float32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
  string: Uint8Array,
  float8e4m3fn: Float32Array,
  float8e4m3fnuz: Float32Array,
  float8e5m2: Float32Array,
  float8e5m2fnuz: Float32Array,
  int4: Int8Array,
  uint4: Uint8Array,
} as const

interface TypedArrayConstructor {
  readonly BYTES_PER_ELEMENT: number
  new (length: number): TypedData
  new (buffer: ArrayBuffer): TypedData
}

/** The typed array that elements of a type lie in. */
export const arrayOf = (type: ElementType): TypedArrayConstructor => arrays[type] as TypedArrayConstructor

/** Axes of a tensor above which it is refused: NumPy's own bound. */
export const mostAxes = 64

export const elementsOf = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1)

/** A tensor of zeros. */
export function emptyTensor(type: ElementType, shape: readonly number[]): ModelTensor {
  return { type, shape, data: new (arrayOf(type))(elementsOf(shape)) }
}

/** Elements between neighbours along each axis of a row-major tensor. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1)
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!
  return strides
}

/** The elements as numbers; 64-bit integers as near as numbers come to them. */
export function numbersOf({ data }: ModelTensor): ArrayLike<number> {
  return data instanceof BigInt64Array || data instanceof BigUint64Array ? Array.from(data, Number) : data
}

/** A tensor of int64, as shapes and axes are given. */
export function integersTensor(
  values: readonly number[],
  shape: readonly number[] = [values.length],
): ModelTensor {
  return { type: 'int64', shape, data: BigInt64Array.from(values, BigInt) }
}

export const isFloat = (type: ElementType): boolean =>
  type === 'float32' || type === 'float64' || isHalf(type)

/** Types of 16 bits, whose values are held as float32. */
export type HalfType = 'float16' | 'bfloat16'
export const isHalf = (type: ElementType): type is HalfType => type === 'float16' || type === 'bfloat16'

/** A tensor of float32 values as one of 16 bits: each value is the nearest of these. */
export function asHalf({ shape, data }: ModelTensor, type: HalfType): ModelTensor {
  const [bits, value] = type === 'float16' ? [toHalf, fromHalf] : [toBfloat, fromBfloat]
  return { type, shape, data: Float32Array.from(data as Float32Array, (x) => value(bits(x))) }
}
export const isWide = (type: ElementType): boolean => type === 'int64' || type === 'uint64'
