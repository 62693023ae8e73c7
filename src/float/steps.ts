import { createFloatConvolution } from '../kernels/float-convolution.ts'
import { createFloatAddition, createFloatClamp } from '../kernels/floats.ts'
import type { Conv2d, Dense, Weights } from '../net/network.ts'
import { paddedParts, transposedFrom } from '../net/rearranged.ts'
import { asMap, elements, type LayerShape, noPadding, undilated } from '../net/shapes.ts'
import { realFunction, softmax } from './activation.ts'
import { multiplied, softmaxLines, subsampled } from './forward.ts'
import { poolMap } from './pool.ts'
import { recurrentStep } from './recurrent.ts'
import { multiplyRows } from './rows.ts'

/** Computes a layer's results from those that it reads, of all images one after the other. All lie in kernel memory. */
export type LayerStep = (inputs: readonly Float32Array[], output: Float32Array, images: number) => void

export function layerStep(shaped: LayerShape, weights: Weights): LayerStep {
  const { layer } = shaped
  switch (layer.kind) {
    case 'conv2d':
      return convolutionStep(layer, shaped, weights)
    case 'dense':
      return denseStep(layer, weights)
    case 'relu':
      return clipStep(0, Infinity)
    case 'pool':
      return eachImage(shaped, (input, output) => poolMap(layer, shaped, input, output))
    case 'activation': {
      if (layer.function.name === 'clip') return clipStep(layer.function.low, layer.function.high)
      const real = realFunction(layer.function)
      return ([input], output) => {
        for (let i = 0; i < output.length; i++) output[i] = real(input![i]!)
      }
    }
    case 'softmax': {
      const lines = softmaxLines(shaped)
      return ([input], output) => softmax(input!, output, lines)
    }
    case 'flatten':
    case 'reshape':
      return ([input], output) => output.set(input!)
    case 'transpose':
      return pickStep(shaped, transposedFrom({ order: layer.order, from: layer.from ?? shaped.input }))
    case 'mul': {
      const [first, second] = multiplied(shaped)
      return (inputs, output) => {
        const [a, b] = [inputs[first.input]!, inputs[second.input]!]
        for (let i = 0; i < output.length; i++) output[i] = a[i]! * b[Math.floor(i / second.repeat)]!
      }
    }
    case 'rnn':
    case 'gru':
    case 'lstm': {
      const run = recurrentStep(layer, shaped.input, weights.get(layer.name)!)
      return eachImage(shaped, (input, output) => output.set(run(input)))
    }
    case 'add':
      return additionStep()
    case 'concat':
      return concatenationStep
    case 'pad': {
      const maps = [asMap(shaped.input), asMap(shaped.output)] as const
      const parts = paddedParts(layer.channels[0], layer.edges ?? noPadding, ...maps)
      return eachImage(shaped, (input, output) => {
        output.fill(0)
        for (const { from, to, length } of parts) output.set(input.subarray(from, from + length), to)
      })
    }
    case 'subsample':
      return pickStep(shaped, subsampled(layer, shaped))
  }
}

function clipStep(low: number, high: number): LayerStep {
  const clamp = createFloatClamp(low, high)
  return ([input], output) => clamp(input!.byteOffset, output.byteOffset, output.length)
}

function additionStep(): LayerStep {
  const add = createFloatAddition()
  return ([first, second], output) =>
    add(first!.byteOffset, second!.byteOffset, output.byteOffset, output.length)
}

/** One image after the other, of a layer with one input. */
function eachImage(shaped: LayerShape, step: (input: Float32Array, output: Float32Array) => void): LayerStep {
  const [read, made] = [elements(shaped.input), elements(shaped.output)]
  return ([input], output, images) => {
    for (let i = 0; i < images; i++)
      step(input!.subarray(i * read, (i + 1) * read), output.subarray(i * made, (i + 1) * made))
  }
}

/** Each value of a result is one of the input's. */
function pickStep(shaped: LayerShape, from: ArrayLike<number>): LayerStep {
  return eachImage(shaped, (input, output) => {
    for (let i = 0; i < output.length; i++) output[i] = input[from[i]!]!
  })
}

const concatenationStep: LayerStep = (inputs, output, images) => {
  let to = 0
  for (let image = 0; image < images; image++) {
    for (const input of inputs) {
      const size = input.length / images
      output.set(input.subarray(image * size, (image + 1) * size), to)
      to += size
    }
  }
}

function convolutionStep(layer: Conv2d, shaped: LayerShape, weights: Weights): LayerStep {
  const { weight, bias } = weights.get(layer.name)!
  const [channels, height, width] = asMap(shaped.input)
  const [, rows, columns] = asMap(shaped.output)
  const [top, left] = layer.padding
  const { filters, kernel, stride, groups, dilation = undilated } = layer
  const kernelOf = createFloatConvolution(
    {
      ...{ channels, height, width, filters, rows, columns, groups },
      ...{ kernel, stride, dilation, padding: [top, left] },
    },
    weight,
    bias,
  )
  return ([input], output, images) => kernelOf.run(input!.byteOffset, output.byteOffset, images)
}

/** Over the features of each step, or over all of them. */
function denseStep({ name, units }: Dense, weights: Weights): LayerStep {
  const { weight, bias } = weights.get(name)!
  const features = weight.length / units
  const rows = { weights: weight, from: 0, bias, firstBias: 0, biasFirst: false }
  return ([input], output) => {
    for (let line = 0; line * units < output.length; line++) {
      const x = input!.subarray(line * features, (line + 1) * features)
      multiplyRows(rows, 0, units, x, output.subarray(line * units, (line + 1) * units))
    }
  }
}
