import { invariant } from '../src/base/errors.ts'
import { outputSize, type Problem, tableOfFilter, tapsOf } from './problems.ts'

/** The sums [image][filter][y][x] by plain loops. */
export function referenceSums({ shape, images, activations, weights, tables }: Problem): Int32Array {
  const { channels, height, width, filters, kernel, stride, padding } = shape
  const { rows, columns } = outputSize(shape)
  const sums = new Int32Array(images * filters * rows * columns)
  let at = 0
  for (let i = 0; i < images; i++)
    for (let n = 0; n < filters; n++) {
      const { products } = tables[tableOfFilter(tables, n)]!
      for (let y = 0; y < rows; y++)
        for (let x = 0; x < columns; x++) {
          let sum = 0
          for (let c = 0; c < channels; c++)
            for (let ky = 0; ky < kernel; ky++)
              for (let kx = 0; kx < kernel; kx++) {
                const iy = y * stride - padding + ky
                const ix = x * stride - padding + kx
                const inside = iy >= 0 && iy < height && ix >= 0 && ix < width
                const a = inside ? activations[((i * channels + c) * height + iy) * width + ix]! : 0
                const w = weights[n * tapsOf(shape) + (c * kernel + ky) * kernel + kx]!
                sum += products[(a & 255) * 256 + (w & 255)]!
              }
          sums[at++] = sum
        }
    }
  return sums
}

/** Fails where a result is not the reference's: a wrong kernel gets no time. */
export function checkResult(who: string, got: ArrayLike<number>, expected: ArrayLike<number>): void {
  const first = firstDifference(got, expected)
  invariant(
    first === undefined,
    `${who} computes ${got[first!]} where the plain loops compute ${expected[first!]} (value ${first})`,
  )
}

/** The first place where two lists differ; one that ends early differs at its end. */
export function firstDifference(got: ArrayLike<number>, expected: ArrayLike<number>): number | undefined {
  const length = Math.max(got.length, expected.length)
  for (let i = 0; i < length; i++) if (got[i] !== expected[i]) return i
  return undefined
}
