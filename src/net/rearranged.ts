import { usageError } from '../base/errors.ts'
import type { Reshape, Transpose } from './network.ts'
import type { Shape } from './shapes.ts'

/** Axes of a tensor while it is transposed, at most. */
const mostAxes = 8

const sizeOf = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1)

export function reshapedShape(layer: Reshape, input: Shape): Shape {
  checkSizes(layer.name, layer.shape, 3)
  return sameSize(layer.name, input, layer.shape, 'reshapes')
}

export function transposedShape(layer: Transpose, input: Shape): Shape {
  const from = layer.from ?? input
  checkSizes(layer.name, from, mostAxes)
  sameSize(layer.name, input, from, 'reads')
  const sorted = [...layer.order].sort((a, b) => a - b)
  if (sorted.length !== from.length || sorted.some((axis, i) => axis !== i))
    throw usageError(
      `layer "${layer.name}" has the order ${layer.order.join(', ')} for ${from.length} axes (${from.join('x')})`,
      { where: layer.name, hint: `Name each of 0 to ${from.length - 1} once.` },
    )
  const moved = layer.order.map((axis) => from[axis]!)
  const to = layer.to ?? moved
  checkSizes(layer.name, to, 3)
  return sameSize(layer.name, moved, to as Shape, 'shows')
}

/** Where each value of a transposition's result stands in its input. */
export function transposedFrom({
  order,
  from,
}: {
  readonly order: readonly number[]
  readonly from: readonly number[]
}): Int32Array {
  const strides = from.map((_, axis) => sizeOf(from.slice(axis + 1)))
  const moved = order.map((axis) => ({ size: from[axis]!, stride: strides[axis]! }))
  let places = Int32Array.of(0)
  for (const { size, stride } of moved) {
    const next = new Int32Array(places.length * size)
    for (let i = 0, to = 0; i < places.length; i++)
      for (let n = 0; n < size; n++, to++) next[to] = places[i]! + n * stride
    places = next
  }
  return places
}

type Map3 = readonly [channels: number, height: number, width: number]

/** What of a map stands in a row in the padded map too: where it begins there and here. Without edges that is all of it. */
export function paddedParts(
  first: number,
  [top, left]: readonly number[],
  [channels, height, width]: Map3,
  [, rows, columns]: Map3,
): readonly { readonly from: number; readonly to: number; readonly length: number }[] {
  if (rows === height && columns === width)
    return [{ from: 0, to: first * height * width, length: channels * height * width }]
  return Array.from({ length: channels * height }, (_, row) => ({
    length: width,
    from: row * width,
    to: ((first + Math.floor(row / height)) * rows + top! + (row % height)) * columns + left!,
  }))
}

function sameSize<S extends readonly number[]>(
  layer: string,
  input: readonly number[],
  shape: S,
  verb: string,
): S {
  if (sizeOf(input) === sizeOf(shape)) return shape
  throw usageError(
    `layer "${layer}" ${verb} ${input.join('x')} (${sizeOf(input)} values) as ${shape.join('x')} (${sizeOf(shape)})`,
    { where: layer, hint: 'Both must have the same number of values.' },
  )
}

function checkSizes(layer: string, shape: readonly number[], most: number): void {
  if (shape.length < 1 || shape.length > most)
    throw usageError(`layer "${layer}" has a shape of ${shape.length} axes: 1 to ${most} are possible`, {
      where: layer,
      hint: 'A result is [features], [steps, features] or [channels, height, width].',
    })
  if (shape.every((size) => Number.isSafeInteger(size) && size >= 1)) return
  throw usageError(
    `layer "${layer}" has the shape ${shape.join('x')}: every size is a whole number of at least 1`,
    {
      where: layer,
    },
  )
}
