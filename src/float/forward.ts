import { invariant } from '../base/errors.ts'
import type { Conv2d, Network, Pad, Pool, Subsample, Weights } from '../net/network.ts'
import { asMap, elements, type LayerShape, layerShapes, noPadding } from '../net/shapes.ts'
import { imageName } from '../net/wiring.ts'
import { multiplyMatrices, rowMajor } from './matmul.ts'
import { gatherPatches, type Windows } from './patches.ts'

/** The float reference of a network, with its weights. Arrays are reused from call to call. */
export interface FloatNetwork {
  /** The result for one image [channels, height, width]. Copy it to keep it. */
  run(image: Float32Array): Float32Array
  /** The same, showing the result of every layer in order. */
  trace(image: Float32Array, visit: (layer: string, values: Float32Array) => void): Float32Array
}

export function floatNetwork(network: Network, weights: Weights): FloatNetwork {
  const steps = layerShapes(network).map((shaped) => ({
    name: shaped.layer.name,
    sources: shaped.sources,
    run: layerStep(shaped, weights),
  }))
  const size = elements(network.input.shape)
  const trace: FloatNetwork['trace'] = (image, visit) => {
    invariant(image.length === size, `an image of "${network.name}" has ${size} values, not ${image.length}`)
    const results = new Map([[imageName, image]])
    let values = image
    for (const { name, sources, run } of steps) {
      values = run(sources.map((source) => results.get(source)!))
      results.set(name, values)
      visit(name, values)
    }
    return values
  }
  return { trace, run: (image) => trace(image, () => {}) }
}

/** The windows of a convolution layer. */
export function convolutionWindows(layer: Conv2d, { input, output }: LayerShape): Windows {
  const [, height, width] = asMap(output)
  return {
    input: asMap(input),
    kernel: layer.kernel,
    stride: layer.stride,
    padding: layer.padding,
    output: [height, width],
  }
}

type LayerStep = (inputs: readonly Float32Array[]) => Float32Array

function layerStep(shaped: LayerShape, weights: Weights): LayerStep {
  const { layer } = shaped
  const output = new Float32Array(elements(shaped.output))
  switch (layer.kind) {
    case 'conv2d':
      return convolutionStep(layer, shaped, weights, output)
    case 'dense': {
      const { weight, bias } = weights.get(layer.name)!
      const features = elements(shaped.input)
      return ([input]) => {
        for (let n = 0; n < layer.units; n++) output[n] = bias[n]! + dot(weight, n * features, input!)
        return output
      }
    }
    case 'relu':
      return ([input]) => {
        for (let i = 0; i < output.length; i++) output[i] = Math.max(0, input![i]!)
        return output
      }
    case 'pool':
      return ([input]) => {
        poolMap(layer, shaped, input!, output)
        return output
      }
    case 'flatten':
      return ([input]) => input!
    case 'add':
      return ([first, second]) => {
        for (let i = 0; i < output.length; i++) output[i] = first![i]! + second![i]!
        return output
      }
    case 'concat':
      return (inputs) => {
        let to = 0
        for (const input of inputs) {
          output.set(input, to)
          to += input.length
        }
        return output
      }
    case 'pad':
      return ([input]) => {
        output.set(input!, paddedFrom(layer, shaped))
        return output
      }
    case 'subsample': {
      const from = subsampled(layer, shaped)
      return ([input]) => {
        for (let i = 0; i < output.length; i++) output[i] = input![from[i]!]!
        return output
      }
    }
  }
}

/** Where in a padded map the first value of its input stands. */
export function paddedFrom({ channels }: Pad, { output }: LayerShape): number {
  const [, height, width] = asMap(output)
  return channels[0] * height * width
}

/** The index in its input of each value that a subsampling keeps. */
export function subsampled({ stride }: Subsample, { input, output }: LayerShape): Int32Array {
  const [, height, width] = asMap(input)
  const [, rows, columns] = asMap(output)
  return Int32Array.from({ length: elements(output) }, (_, i) => {
    const [c, y, x] = [
      Math.floor(i / (rows * columns)),
      Math.floor((i % (rows * columns)) / columns),
      i % columns,
    ]
    return (c * height + y * stride[0]) * width + x * stride[1]
  })
}

function convolutionStep(
  layer: Conv2d,
  shaped: LayerShape,
  weights: Weights,
  output: Float32Array,
): LayerStep {
  const { weight, bias } = weights.get(layer.name)!
  const windows = convolutionWindows(layer, shaped)
  const channels = windows.input[0] / layer.groups
  const filters = layer.filters / layer.groups
  const taps = channels * layer.kernel[0] * layer.kernel[1]
  const positions = windows.output[0] * windows.output[1]
  const patches = new Float32Array(positions * taps)
  return ([input]) => {
    for (let g = 0; g < layer.groups; g++) {
      gatherPatches(windows, input!, g * channels, channels, patches)
      const group = rowMajor(weight, taps, g * filters * taps)
      multiplyMatrices([filters, positions, taps], group, rowMajor(patches, positions), {
        data: output,
        offset: g * filters * positions,
        row: positions,
        accumulate: false,
      })
    }
    for (let n = 0; n < layer.filters; n++) {
      for (let p = n * positions; p < (n + 1) * positions; p++) output[p]! += bias[n]!
    }
    return output
  }
}

function dot(weight: Float32Array, from: number, input: Float32Array): number {
  let sum = 0
  for (let i = 0; i < input.length; i++) sum += weight[from + i]! * input[i]!
  return sum
}

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
  const area = layer.window[0] * layer.window[1]
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
        output[to] = layer.mode === 'max' ? input[best]! : sum / area
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
