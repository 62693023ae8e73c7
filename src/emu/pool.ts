import type { QPool, QTensor } from '../quant/qgraph.ts'
import { averageCode, type Codes } from '../quant/rules.ts'

/** Emulates one pooling layer over `images` images. */
export function pooling(node: QPool, input: QTensor, output: QTensor) {
  const [channels, height, width] = input.shape
  const [, rows, columns] = output.shape
  const [kh, kw] = node.window
  const area = kh * kw
  const average = node.mode === 'average'
  return (codes: Codes, images: number, result: Codes): void => {
    let to = 0
    for (let map = 0; map < images * channels; map++) {
      for (let oy = 0; oy < rows; oy++) {
        for (let ox = 0; ox < columns; ox++, to++) {
          const corner = (map * height + oy * node.stride[0]) * width + ox * node.stride[1]
          let sum = 0
          let largest = codes[corner]!
          for (let ky = 0; ky < kh; ky++) {
            for (let at = corner + ky * width; at < corner + ky * width + kw; at++) {
              const code = codes[at]!
              sum += code
              if (code > largest) largest = code
            }
          }
          result[to] = average ? averageCode(sum, area) : largest
        }
      }
    }
  }
}
