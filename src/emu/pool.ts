import type { QPool, QTensor } from '../quant/qgraph.ts'
import { averageCode, type Codes } from '../quant/rules.ts'

/** Emulates one pooling layer over `images` images. */
export function pooling(node: QPool, input: QTensor, output: QTensor) {
  const [channels, height, width] = input.shape
  const [, rows, columns] = output.shape
  const [kh, kw] = node.window
  const [top, left] = node.padding
  const [, , bottom, right] = node.padding
  const outer = node.countPadding !== false
  const average = node.mode === 'average'
  return ([codes]: readonly Codes[], images: number, result: Codes): void => {
    let to = 0
    for (let map = 0; map < images * channels; map++) {
      for (let oy = 0; oy < rows; oy++) {
        const y = oy * node.stride[0] - top
        const firstRow = (map * height + Math.max(0, y)) * width
        const endRow = (map * height + Math.min(height, y + kh)) * width
        const tall = outer ? Math.min(kh, height + bottom - y) : Math.min(height, y + kh) - Math.max(0, y)
        for (let ox = 0; ox < columns; ox++, to++) {
          const x = ox * node.stride[1] - left
          const from = Math.max(0, x)
          const until = Math.min(width, x + kw)
          const wide = outer ? Math.min(kw, width + right - x) : until - from
          let sum = 0
          let largest = codes![firstRow + from]!
          for (let row = firstRow; row < endRow; row += width) {
            for (let at = row + from; at < row + until; at++) {
              const code = codes![at]!
              sum += code
              if (code > largest) largest = code
            }
          }
          result[to] = average ? averageCode(sum, tall * wide) : largest
        }
      }
    }
  }
}
