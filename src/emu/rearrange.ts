import { paddedParts, transposedFrom } from '../net/rearranged.ts'
import { noPadding } from '../net/shapes.ts'
import type { QPad, QSubsample, QTensor, QTranspose } from '../quant/qgraph.ts'
import type { Codes } from '../quant/rules.ts'

/** Layers that compute nothing: each writes codes of its inputs to other places. */
export type Rearrangement = (inputs: readonly Codes[], images: number, result: Codes) => void

/** Joins maps along their channels. */
export function concatenation(): Rearrangement {
  return (inputs, images, result) => {
    let to = 0
    for (let image = 0; image < images; image++) {
      for (const codes of inputs) {
        const size = codes.length / images
        result.set(codes.subarray(image * size, (image + 1) * size), to)
        to += size
      }
    }
  }
}

/** Puts channels of one code, 0 unless told, around those of a map, and such codes around its edges. */
export function zeroPadding(
  { before, edges, fill = 0 }: QPad,
  input: QTensor,
  output: QTensor,
): Rearrangement {
  const parts = paddedParts(before, edges ?? noPadding, input.shape, output.shape)
  return ([codes], images, result) => {
    const [size, padded] = [codes!.length / images, result.length / images]
    result.fill(fill)
    for (let image = 0; image < images; image++) {
      for (const { from, to, length } of parts) {
        const start = image * size + from
        result.set(codes!.subarray(start, start + length), image * padded + to)
      }
    }
  }
}

/** Keeps every stride-th row and column of a map, from the first one on. */
export function subsampling({ stride }: QSubsample, input: QTensor, output: QTensor): Rearrangement {
  const [channels, height, width] = input.shape
  const [, rows, columns] = output.shape
  return ([codes], images, result) => {
    let to = 0
    for (let map = 0; map < images * channels; map++) {
      for (let y = 0; y < rows; y++) {
        const row = (map * height + y * stride[0]) * width
        for (let x = 0; x < columns; x++, to++) result[to] = codes![row + x * stride[1]]!
      }
    }
  }
}

/** Puts the codes of each image at the places of its axes in another order. */
export function transposition(node: QTranspose): Rearrangement {
  const from = transposedFrom(node)
  return ([codes], images, result) => {
    for (let image = 0, to = 0; image < images; image++) {
      const first = image * from.length
      for (let i = 0; i < from.length; i++, to++) result[to] = codes![first + from[i]!]!
    }
  }
}
