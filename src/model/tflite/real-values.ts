import type { ModelTensor, TensorQuantisation } from '../model.ts'
import { stridesOf } from '../tensors.ts'

/** The real values of a tensor of codes, with one scale or one along an axis. */
export function realValues(
  { shape, data }: ModelTensor,
  { scale, zeroPoint, axis }: TensorQuantisation,
): Float32Array {
  const codes = data as ArrayLike<number>
  const step = stridesOf(shape)[axis] ?? 1
  const count = scale.length
  return Float32Array.from(codes, (code, i) => {
    const index = count === 1 ? 0 : Math.floor(i / step) % count
    return scale[index]! * (code - zeroPoint[index]!)
  })
}

/** The value of a 16-bit floating point number: 5 bits of exponent, 10 of fraction. */
export function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN
  return sign * (1024 + fraction) * 2 ** (exponent - 25)
}
