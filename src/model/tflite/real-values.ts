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
