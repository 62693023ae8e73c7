import type { ModelTensor, TypedData } from '../model.ts'
import { stridesOf } from '../tensors.ts'

/** Elements of any type, read and written alike: numbers and BigInts are never mixed in one array. */
export type Elements = { [index: number]: number; readonly length: number }

export const elements = (data: TypedData): Elements => data as unknown as Elements

/** Copies from[offset + sum of index * step] in the order of `shape`, last axis fastest. */
export function copyStrided(
  from: TypedData,
  offset: number,
  shape: readonly number[],
  steps: readonly number[],
  to: TypedData,
): void {
  const [source, target] = [elements(from), elements(to)]
  if (target.length === 0) return
  const last = shape.length - 1
  if (last < 0) {
    target[0] = source[offset]!
    return
  }
  const [run, step] = [shape[last]!, steps[last]!]
  const index = new Array<number>(last).fill(0)
  for (let at = 0; at < target.length; ) {
    for (let i = 0, place = offset; i < run; i++, place += step) target[at++] = source[place]!
    let axis = last - 1
    for (; axis >= 0; axis--) {
      offset += steps[axis]!
      if (++index[axis]! < shape[axis]!) break
      offset -= steps[axis]! * shape[axis]!
      index[axis] = 0
    }
  }
}

/** The shape that two shapes broadcast to, aligned at their last axes; undefined where they do not fit. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length)
  const shape: number[] = []
  for (let axis = 0; axis < rank; axis++) {
    const [m, n] = [a[axis - rank + a.length] ?? 1, b[axis - rank + b.length] ?? 1]
    if (m !== n && m !== 1 && n !== 1) return undefined
    shape.push(m === 1 ? n : m)
  }
  return shape
}

/** The elements of a tensor repeated to a shape that it broadcasts to. */
export function broadcastTo(tensor: ModelTensor, shape: readonly number[]): TypedData {
  if (tensor.shape.length === shape.length && tensor.shape.every((n, i) => n === shape[i])) return tensor.data
  const own = stridesOf(tensor.shape)
  const lead = shape.length - tensor.shape.length
  const steps = shape.map((_, axis) =>
    axis < lead || tensor.shape[axis - lead] === 1 ? 0 : own[axis - lead]!,
  )
  const length = shape.reduce((product, n) => product * n, 1)
  const data = new (tensor.data.constructor as new (length: number) => TypedData)(length)
  copyStrided(tensor.data, 0, shape, steps, data)
  return data
}

/** Takes source index maps[axis][i] for index i along each axis; -1 leaves what is in the target. */
export function copyMapped(tensor: ModelTensor, maps: readonly Int32Array[], to: TypedData): void {
  const [source, target] = [elements(tensor.data), elements(to)]
  const steps = stridesOf(tensor.shape)
  const walk = (axis: number, from: number, at: number): number => {
    const map = maps[axis]
    if (map === undefined) {
      if (from >= 0) target[at] = source[from]!
      return at + 1
    }
    const step = steps[axis]!
    if (axis === maps.length - 1) {
      for (let i = 0; i < map.length; i++)
        if (from >= 0 && map[i]! >= 0) target[at + i] = source[from + map[i]! * step]!
      return at + map.length
    }
    for (let i = 0; i < map.length; i++)
      at = walk(axis + 1, from < 0 || map[i]! < 0 ? -1 : from + map[i]! * step, at)
    return at
  }
  if (target.length > 0) walk(0, 0, 0)
}
