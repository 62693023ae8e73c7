import { dataError } from './errors.ts'

/** A named array as a weight file holds it, converted to float32. Row-major, last index fastest. */
export interface NamedTensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/** Elements of one tensor above which a file is refused before anything is allocated. */
export const mostTensorElements = 2 ** 28

/** The number of elements of a shape from an untrusted file. */
export function checkedElements(shape: readonly number[], file: string, name: string): number {
  let product = 1
  for (const n of shape) {
    if (!Number.isSafeInteger(n) || n < 0 || (product *= n) > mostTensorElements) {
      throw dataError(
        `tensor "${name}" has the shape ${JSON.stringify(shape)}: at most ${mostTensorElements} elements are read`,
        { where: file },
      )
    }
  }
  return product
}
