import { dataError } from './errors.ts'
import { didYouMean } from './suggest.ts'

/** A named array as a weight file holds it, converted to float32. Row-major, last index fastest. */
export interface NamedTensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/** Elements of all tensors of a file together above which it is refused before anything is allocated: 1 GiB of float32. */
export const mostTensorElements = 2 ** 28

/** What a caller takes from a file: exactly these tensors. A file that differs is refused before its values are decoded. */
export interface ExpectedTensors {
  /** What the tensors are for, in words: `the network "lenet5"`. */
  readonly owner: string
  readonly shapes: ReadonlyMap<string, readonly number[]>
  /** What to do about a missing tensor, as a sentence. */
  readonly hint: string
}

/** The number of elements of a shape from an untrusted file. `taken`: those of the file's tensors before it. */
export function checkedElements(shape: readonly number[], file: string, name: string, taken = 0): number {
  let product = 1
  for (const n of shape) {
    if (!Number.isSafeInteger(n) || n < 0)
      throw dataError(
        `tensor "${name}" has the shape ${JSON.stringify(shape)}: ${n} is no number of elements along an axis`,
        { where: file, hint: 'The file is damaged: write or export it again.' },
      )
    if ((product *= n) > mostTensorElements) {
      throw dataError(
        `tensor "${name}" has the shape ${JSON.stringify(shape)}: at most ${mostTensorElements} elements are read`,
        { where: file },
      )
    }
  }
  if (taken + product > mostTensorElements) {
    throw dataError(
      `holds more than ${mostTensorElements} elements up to tensor "${name}": at most so many are read from one file`,
      { where: file },
    )
  }
  return product
}

/** That the names of a file's tensors are those expected, each once. */
export function checkNames(names: readonly string[], expected: ExpectedTensors, file: string): void {
  const found = new Set<string>()
  for (const name of names) {
    if (found.has(name)) throw dataError(`holds the tensor "${name}" twice`, { where: file })
    found.add(name)
  }
  for (const [name, shape] of expected.shapes) {
    if (found.has(name)) continue
    throw dataError(
      `has no tensor "${name}" of shape [${shape.join(', ')}].${didYouMean(name, [...found])}`,
      { where: file, hint: expected.hint },
    )
  }
  const extra = names.find((name) => !expected.shapes.has(name))
  if (extra !== undefined) {
    throw dataError(
      `holds a tensor "${extra}" that ${expected.owner} has no place for.${didYouMean(extra, [...expected.shapes.keys()])}`,
      { where: file },
    )
  }
}

/** That a tensor of an expected name has the shape expected of it. */
export function checkShape(
  name: string,
  shape: readonly number[],
  expected: ExpectedTensors,
  file: string,
): void {
  const wanted = expected.shapes.get(name) ?? []
  if (shape.length === wanted.length && shape.every((n, i) => n === wanted[i])) return
  throw dataError(
    `tensor "${name}" has the shape [${shape.join(', ')}]; expected is [${wanted.join(', ')}]`,
    { where: file },
  )
}
