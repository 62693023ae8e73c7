import { paddedFrom, subsampled } from '../float/forward.ts'
import type { Pad, Subsample } from '../net/network.ts'
import { elements, type LayerShape } from '../net/shapes.ts'
import type { TrainedLayer } from './layer.ts'

/** Sums have the gradient of their result, both of them. */
export function addition(size: number, batch: number): TrainedLayer {
  const output = new Float32Array(batch * size)
  return {
    parameters: [],
    forward([first, second], images) {
      sum(first!, second!, output, images * size)
      return output
    },
    backward: (gradient) => [gradient, gradient],
  }
}

function sum(first: Float32Array, second: Float32Array, to: Float32Array, count: number): void {
  for (let i = 0; i < count; i++) to[i] = first[i]! + second[i]!
}

/** `sizes`: values of each input for one image. */
export function concatenation(sizes: readonly number[], batch: number): TrainedLayer {
  const size = sizes.reduce((total, n) => total + n, 0)
  const starts = sizes.map((_, i) => sizes.slice(0, i).reduce((total, n) => total + n, 0))
  const output = new Float32Array(batch * size)
  const inputGradients = sizes.map((n) => new Float32Array(batch * n))
  return {
    parameters: [],
    forward(inputs, images) {
      for (let image = 0; image < images; image++)
        for (const [i, n] of sizes.entries())
          output.set(inputs[i]!.subarray(image * n, (image + 1) * n), image * size + starts[i]!)
      return output
    },
    backward(gradient, images) {
      for (let image = 0; image < images; image++)
        for (const [i, n] of sizes.entries()) {
          const start = image * size + starts[i]!
          inputGradients[i]!.set(gradient.subarray(start, start + n), image * n)
        }
      return inputGradients
    },
  }
}

export function channelPadding(layer: Pad, shaped: LayerShape, batch: number): TrainedLayer {
  const [inputSize, outputSize] = [elements(shaped.input), elements(shaped.output)]
  const before = paddedFrom(layer, shaped)
  const output = new Float32Array(batch * outputSize)
  const inputGradient = new Float32Array(batch * inputSize)
  return {
    parameters: [],
    forward([input], images) {
      for (let i = 0; i < images; i++)
        output.set(input!.subarray(i * inputSize, (i + 1) * inputSize), i * outputSize + before)
      return output
    },
    backward(gradient, images) {
      for (let i = 0; i < images; i++) {
        const start = i * outputSize + before
        inputGradient.set(gradient.subarray(start, start + inputSize), i * inputSize)
      }
      return [inputGradient]
    },
  }
}

export function subsampling(layer: Subsample, shaped: LayerShape, batch: number): TrainedLayer {
  const [inputSize, outputSize] = [elements(shaped.input), elements(shaped.output)]
  const from = subsampled(layer, shaped)
  const output = new Float32Array(batch * outputSize)
  const inputGradient = new Float32Array(batch * inputSize)
  return {
    parameters: [],
    forward([input], images) {
      for (let i = 0; i < images; i++)
        for (let at = 0; at < outputSize; at++)
          output[i * outputSize + at] = input![i * inputSize + from[at]!]!
      return output
    },
    backward(gradient, images) {
      inputGradient.fill(0, 0, images * inputSize)
      for (let i = 0; i < images; i++)
        for (let at = 0; at < outputSize; at++)
          inputGradient[i * inputSize + from[at]!] = gradient[i * outputSize + at]!
      return [inputGradient]
    },
  }
}
