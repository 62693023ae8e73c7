import type { QConv, QTensor } from '../quant/qgraph.ts'

/** A convolution's geometry for one group of channels. */
export interface ConvShape {
  readonly input: readonly [channels: number, height: number, width: number]
  readonly output: readonly [channels: number, height: number, width: number]
  /** Input channels and filters of a group, and taps of a filter. */
  readonly channels: number
  readonly filters: number
  readonly taps: number
  readonly positions: number
}

export function convShape(node: QConv, input: QTensor, output: QTensor): ConvShape {
  const channels = input.shape[0] / node.groups
  return {
    input: input.shape,
    output: output.shape,
    channels,
    filters: node.bias.length / node.groups,
    taps: channels * node.kernel[0] * node.kernel[1],
    positions: output.shape[1] * output.shape[2],
  }
}

/** What the emulator multiplies: values for exact products, raw codes for tables. */
export type Columns = Int16Array | Uint8Array

/**
 * The activations of one group for `images` images, as columns[tap][image * positions + position]. `fill` stands where a
 * window lies in the padding; `mask` makes raw codes of values (or keeps all bits).
 */
export function gatherColumns(
  node: QConv,
  shape: ConvShape,
  codes: ArrayLike<number>,
  from: number,
  images: number,
  group: number,
  columns: Columns,
  fill: number,
  mask: number,
): void {
  const { positions, taps, channels } = shape
  const [, height, width] = shape.input
  const [, rows, columnsOut] = shape.output
  const line = images * positions
  const [down, across] = node.dilation ?? [1, 1]
  const padded = node.padding.some((p) => p > 0)
  if (padded) columns.fill(fill & mask, 0, taps * line)
  let tap = 0
  for (let c = group * channels; c < (group + 1) * channels; c++) {
    for (let ky = 0; ky < node.kernel[0]; ky++) {
      const [y0, y1] = inside(ky * down - node.padding[0], node.stride[0], height, rows)
      for (let kx = 0; kx < node.kernel[1]; kx++, tap++) {
        const [x0, x1] = inside(kx * across - node.padding[1], node.stride[1], width, columnsOut)
        if (y1 <= y0 || x1 <= x0) continue
        const y = y0 * node.stride[0] - node.padding[0] + ky * down
        const x = x0 * node.stride[1] - node.padding[1] + kx * across
        const to = tap * line + y0 * columnsOut + x0
        const source = from + (c * height + y) * width + x
        const size = shape.input[0] * height * width
        for (let i = 0; i < images; i++) {
          copyPlane(
            columns,
            to + i * positions,
            columnsOut,
            codes,
            source + i * size,
            node.stride[0] * width,
            node.stride[1],
            y1 - y0,
            x1 - x0,
            mask,
          )
        }
      }
    }
  }
}

/** The results o (from, until) for which 0 <= offset + o * stride < size. */
function inside(offset: number, stride: number, size: number, count: number): readonly [number, number] {
  return [
    Math.max(0, Math.ceil(-offset / stride)),
    Math.min(count, Math.floor((size - 1 - offset) / stride) + 1),
  ]
}

function copyPlane(
  to: Columns,
  at: number,
  line: number,
  codes: ArrayLike<number>,
  source: number,
  sourceLine: number,
  step: number,
  rows: number,
  columns: number,
  mask: number,
): void {
  for (let r = 0; r < rows; r++, at += line, source += sourceLine) {
    for (let i = 0, s = source; i < columns; i++, s += step) to[at + i] = codes[s]! & mask
  }
}
