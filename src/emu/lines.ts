import type { Convolution } from '../kernels/convolution.ts'
import { allocate, release } from '../kernels/memory.ts'
import { createTranspose } from '../kernels/transpose.ts'

/** Whether a layer reads one position and makes one: a dense layer. With a stride it would pass over those of other images. */
export function isDense({ shape }: Convolution): boolean {
  const { height, width, rows, columns, kernel, stride, padding } = shape
  const ones = [height, width, rows, columns, ...kernel, ...stride]
  return ones.every((n) => n === 1) && padding.every((n) => n === 0)
}

/** A dense layer over images as one over a map that has a position for each of them: operands are packed for all at once. */
export function overLines(dense: Convolution) {
  const { channels, filters } = dense.shape
  const turn = createTranspose()
  return (input: number, output: number, images: number): void => {
    if (images === 1) {
      dense.run(input, output, images)
      return
    }
    const bytes = (channels + filters) * images
    const lines = allocate(bytes)
    const results = lines + channels * images
    try {
      turn(input, lines, images, channels)
      dense.run(lines, results, 1, images)
      turn(results, output, filters, images)
    } finally {
      release(lines, bytes)
    }
  }
}
