import { poolArea, poolMap, poolSpans } from '../float/pool.ts'
import type { Pool } from '../net/network.ts'
import { asMap, elements, type LayerShape } from '../net/shapes.ts'
import type { TrainedLayer } from './layer.ts'

/** Max pooling passes a gradient to where the maximum was, average pooling a share of it to the whole window. */
export function pooling(layer: Pool, shaped: LayerShape, batch: number): TrainedLayer {
  const inputSize = elements(shaped.input)
  const outputSize = elements(shaped.output)
  const output = new Float32Array(batch * outputSize)
  const from = new Int32Array(batch * outputSize)
  const inputGradient = new Float32Array(batch * inputSize)
  return {
    parameters: [],
    forward([input], images) {
      for (let i = 0; i < images; i++) {
        const [start, end] = [i * outputSize, (i + 1) * outputSize]
        poolMap(
          layer,
          shaped,
          input!.subarray(i * inputSize, (i + 1) * inputSize),
          output.subarray(start, end),
          from.subarray(start, end),
        )
      }
      return output
    },
    backward(gradient, images) {
      inputGradient.fill(0, 0, images * inputSize)
      for (let i = 0; i < images; i++) {
        const [start, end] = [i * outputSize, (i + 1) * outputSize]
        const own = inputGradient.subarray(i * inputSize, (i + 1) * inputSize)
        if (layer.mode === 'max') toMaxima(gradient, start, end, from, own)
        else toWindows(layer, shaped, gradient, start, own)
      }
      return [inputGradient]
    },
  }
}

function toMaxima(
  gradient: Float32Array,
  start: number,
  end: number,
  from: Int32Array,
  to: Float32Array,
): void {
  for (let at = start; at < end; at++) to[from[at]!]! += gradient[at]!
}

function toWindows(
  layer: Pool,
  shaped: LayerShape,
  gradient: Float32Array,
  start: number,
  to: Float32Array,
): void {
  const [channels, height, width] = asMap(shaped.input)
  const [, rows, columns] = asMap(shaped.output)
  const { vertical, horizontal } = poolSpans(layer, shaped)
  const area = poolArea(layer, shaped)
  let at = start
  for (let c = 0; c < channels; c++) {
    for (let oy = 0; oy < rows; oy++) {
      for (let ox = 0; ox < columns; ox++, at++) {
        const part = gradient[at]! / area(oy, ox)
        for (let y = vertical.from[oy]!; y < vertical.until[oy]!; y++) {
          const row = (c * height + y) * width
          for (let x = row + horizontal.from[ox]!; x < row + horizontal.until[ox]!; x++) to[x] = to[x]! + part
        }
      }
    }
  }
}
