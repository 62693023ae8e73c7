import { invariant } from '../base/errors.ts'
import type { Conv2d, Dense, Network, Pad, Subsample, Weights } from '../net/network.ts'
import { paddedParts, transposedFrom } from '../net/rearranged.ts'
import { asMap, elements, type LayerShape, layerShapes, noPadding, undilated } from '../net/shapes.ts'
import { imageName } from '../net/wiring.ts'
import { realFunction, softmax } from './activation.ts'
import { multiplyMatrices, rowMajor } from './matmul.ts'
import { gatherPatches, type Windows } from './patches.ts'
import { poolMap } from './pool.ts'
import { recurrentStep } from './recurrent.ts'

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
    dilation: layer.dilation ?? undilated,
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
    case 'dense':
      return denseStep(layer, weights, output)
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
    case 'activation': {
      const real = realFunction(layer.function)
      return ([input]) => {
        for (let i = 0; i < output.length; i++) output[i] = real(input![i]!)
        return output
      }
    }
    case 'softmax': {
      const lines = softmaxLines(shaped)
      return ([input]) => {
        softmax(input!, output, lines)
        return output
      }
    }
    case 'flatten':
    case 'reshape':
      return ([input]) => input!
    case 'transpose': {
      const from = transposedFrom({ order: layer.order, from: layer.from ?? shaped.input })
      return ([input]) => {
        for (let i = 0; i < output.length; i++) output[i] = input![from[i]!]!
        return output
      }
    }
    case 'mul': {
      const [first, second] = multiplied(shaped)
      return (inputs) => {
        const [a, b] = [inputs[first.input]!, inputs[second.input]!]
        for (let i = 0; i < output.length; i++) output[i] = a[i]! * b[Math.floor(i / second.repeat)]!
        return output
      }
    }
    case 'rnn':
    case 'gru':
    case 'lstm': {
      const run = recurrentStep(layer, shaped.input, weights.get(layer.name)!)
      return ([input]) => run(input!)
    }
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
    case 'pad': {
      const maps = [asMap(shaped.input), asMap(shaped.output)] as const
      const parts = paddedParts(layer.channels[0], layer.edges ?? noPadding, ...maps)
      return ([input]) => {
        for (const { from, to, length } of parts) output.set(input!.subarray(from, from + length), to)
        return output
      }
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

/** The lines of values over which a softmax is taken. */
export function softmaxLines({ input }: LayerShape): { readonly count: number; readonly step: number } {
  return input.length === 3
    ? { count: input[0], step: input[1] * input[2] }
    : { count: input.at(-1)!, step: 1 }
}

/** Which input of a product has the result's shape, which the other one is, and how many values in a row share one of the other's. */
export function multiplied({ inputs, output }: LayerShape) {
  const size = elements(output)
  const whole = elements(inputs[0]!) === size ? 0 : 1
  const other = 1 - whole
  return [{ input: whole }, { input: other, repeat: size / elements(inputs[other]!) }] as const
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

/** Over the features of each step, or over all of them. */
function denseStep(layer: Dense, weights: Weights, output: Float32Array): LayerStep {
  const { weight, bias } = weights.get(layer.name)!
  const features = weight.length / layer.units
  return ([input]) => {
    for (let i = 0, from = 0; i < output.length; from += features) {
      const step = input!.subarray(from, from + features)
      for (let n = 0; n < layer.units; n++, i++) output[i] = bias[n]! + dot(weight, n * features, step)
    }
    return output
  }
}

function dot(weight: Float32Array, from: number, input: Float32Array): number {
  let sum = 0
  for (let i = 0; i < input.length; i++) sum += weight[from + i]! * input[i]!
  return sum
}
