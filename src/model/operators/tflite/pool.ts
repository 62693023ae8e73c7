import { averageAwayFromZero } from '../../../quant/imported-rules.ts'
import type { ModelTensor } from '../../model.ts'
import { elementsOf, emptyTensor } from '../../tensors.ts'
import { codeClamp, realRange } from './activation.ts'
import {
  arithmeticOf,
  checkResult,
  codeScale,
  inputAt,
  isCode,
  mapShape,
  type Operator,
  pairSetting,
  type Site,
  shapeOf,
} from './site.ts'
import { type Window, windowOf } from './window.ts'

/** The windows of AVERAGE_POOL_2D or MAX_POOL_2D. Their codes keep scale and zero point. */
export function poolWindow(site: Site): Window {
  const value = inputAt(site, 0)
  const [batch, height, width, channels] = mapShape(site, value)
  const window = windowOf(site, [height, width], pairSetting(site, 'window'))
  checkResult(site, [batch, window.rows, window.columns, channels])
  if (isCode(value.type)) {
    const [input, output] = [codeScale(site, value), codeScale(site, site.output)]
    if (input.scale !== output.scale || input.zeroPoint !== output.zeroPoint)
      throw site.refuse('changes the scale of its codes, which is not supported')
  }
  return window
}

/** The part of each window that lies in the map counts. Means of codes are rounded half away from zero, zero points and all. */
export const pooling: Operator = (site) => {
  const window = poolWindow(site)
  const arithmetic = arithmeticOf(site, [0])
  const [low, high] = arithmetic === 'float' ? realRange(site) : codeClamp(site)
  const shape = mapShape(site, inputAt(site, 0))
  const inside = Math.min(window.kernel[0], shape[1]) * Math.min(window.kernel[1], shape[2])
  site.spend(elementsOf(shapeOf(site.output)) * inside)
  const average = site.node.operator === 'AVERAGE_POOL_2D'
  const mean = arithmetic === 'float' ? (sum: number, count: number) => sum / count : averageAwayFromZero
  return ([input]) => {
    const result = emptyTensor(site.output.type, shapeOf(site.output))
    const from = (input as ModelTensor).data as Int8Array | Uint8Array | Float32Array
    const to = result.data as Int8Array | Uint8Array | Float32Array
    overWindows(window, shape, (at, indices, count) => {
      let sum = 0
      let largest = -Infinity
      for (let i = 0; i < count; i++) {
        const value = from[indices[i]!]!
        sum += value
        if (value > largest) largest = value
      }
      to[at] = Math.max(low, Math.min(high, average ? mean(sum, count) : largest))
    })
    return result
  }
}

function overWindows(
  { kernel, stride, padding, rows, columns }: Window,
  [batch, height, width, channels]: readonly [number, number, number, number],
  each: (at: number, indices: Int32Array, count: number) => void,
): void {
  const indices = new Int32Array(Math.min(kernel[0], height) * Math.min(kernel[1], width))
  let at = 0
  for (let image = 0; image < batch; image++) {
    for (let oy = 0; oy < rows; oy++) {
      const y0 = oy * stride[0] - padding[0]
      for (let ox = 0; ox < columns; ox++) {
        const x0 = ox * stride[1] - padding[1]
        for (let c = 0; c < channels; c++, at++) {
          let count = 0
          for (let y = Math.max(0, y0); y < Math.min(height, y0 + kernel[0]); y++)
            for (let x = Math.max(0, x0); x < Math.min(width, x0 + kernel[1]); x++)
              indices[count++] = ((image * height + y) * width + x) * channels + c
          each(at, indices, count)
        }
      }
    }
  }
}
