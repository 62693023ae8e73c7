import type { Pool } from '../net/network.ts'
import { asMap, type LayerShape, noPadding } from '../net/shapes.ts'

/** Pools one map; `from`, where given, gets the index of the input that each maximum came from. */
export function poolMap(
  layer: Pool,
  shaped: LayerShape,
  input: Float32Array,
  output: Float32Array,
  from?: Int32Array,
): void {
  const [channels, height, width] = asMap(shaped.input)
  const [, rows, columns] = asMap(shaped.output)
  const { vertical, horizontal } = poolSpans(layer, shaped)
  const area = poolArea(layer, shaped)
  let to = 0
  for (let c = 0; c < channels; c++) {
    for (let oy = 0; oy < rows; oy++) {
      const y0 = (c * height + vertical.from[oy]!) * width
      const y1 = (c * height + vertical.until[oy]!) * width
      for (let ox = 0; ox < columns; ox++, to++) {
        const x0 = horizontal.from[ox]!
        const x1 = horizontal.until[ox]!
        let sum = 0
        let best = y0 + x0
        for (let row = y0; row < y1; row += width) {
          for (let at = row + x0; at < row + x1; at++) {
            sum += input[at]!
            if (input[at]! > input[best]!) best = at
          }
        }
        output[to] = layer.mode === 'max' ? input[best]! : sum / area(oy, ox)
        if (from !== undefined) from[to] = best
      }
    }
  }
}

/** For each result along one axis: where its window begins and ends inside the map. */
interface Spans {
  readonly from: Int32Array
  readonly until: Int32Array
}

/** The parts of a pooling's windows that lie inside the map. */
export function poolSpans(
  layer: Pool,
  { input, output }: LayerShape,
): { vertical: Spans; horizontal: Spans } {
  const [, height, width] = asMap(input)
  const [, rows, columns] = asMap(output)
  const [top, left] = layer.padding ?? noPadding
  const spans = (count: number, axis: 0 | 1, before: number, size: number): Spans => {
    const start = (o: number) => o * layer.stride[axis] - before
    return {
      from: Int32Array.from({ length: count }, (_, o) => Math.max(0, start(o))),
      until: Int32Array.from({ length: count }, (_, o) => Math.min(size, start(o) + layer.window[axis])),
    }
  }
  return { vertical: spans(rows, 0, top, height), horizontal: spans(columns, 1, left, width) }
}

/** How many values the average at a place of the result is over. */
export function poolArea(layer: Pool, shaped: LayerShape): (row: number, column: number) => number {
  const { vertical, horizontal } = poolSpans(layer, shaped)
  if (layer.countPadding === false)
    return (row, column) =>
      (vertical.until[row]! - vertical.from[row]!) * (horizontal.until[column]! - horizontal.from[column]!)
  const [, height, width] = asMap(shaped.input)
  const [top, left, bottom, right] = layer.padding ?? noPadding
  // what lies behind the padding counts nowhere
  const within = (o: number, axis: 0 | 1, size: number) =>
    Math.min(layer.window[axis], size - o * layer.stride[axis])
  return (row, column) => within(row, 0, top + height + bottom) * within(column, 1, left + width + right)
}
