import { usageError } from '../base/errors.ts'
import { convolutionWindows } from '../float/forward.ts'
import { multiplyMatrices, rowMajor, transposed } from '../float/matmul.ts'
import { gatherPatches, scatterPatches } from '../float/patches.ts'
import type { Conv2d, Dense, Layer } from '../net/network.ts'
import { elements, type LayerShape } from '../net/shapes.ts'
import type { Parameter, TrainedLayer } from './layer.ts'
import { pooling } from './pooling.ts'
import { addition, channelPadding, concatenation, subsampling } from './rearrange.ts'

/** `first`: the layer reads the image, whose gradient nobody needs: where that saves something, there is none. */
export function trainedLayer(
  shaped: LayerShape,
  parameters: readonly Parameter[],
  batch: number,
  first: boolean,
): TrainedLayer {
  const { layer } = shaped
  switch (layer.kind) {
    case 'conv2d':
      return convolution(layer, shaped, parameters, batch, first)
    case 'dense':
      if (shaped.input.length === 2) throw untrainable(layer, 'dense over a sequence')
      return dense(layer, shaped, parameters, batch, first)
    case 'relu':
      return relu(elements(shaped.output), batch)
    case 'pool':
      return pooling(layer, shaped, batch)
    case 'flatten':
      return {
        parameters: [],
        forward: ([input]) => input!,
        backward: (gradient) => [gradient],
      }
    case 'add':
      return addition(elements(shaped.output), batch)
    case 'concat':
      return concatenation(shaped.inputs.map(elements), batch)
    case 'pad':
      if (layer.edges !== undefined) throw untrainable(layer, 'zeros around the edges')
      return channelPadding(layer, shaped, batch)
    case 'subsample':
      return subsampling(layer, shaped, batch)
    default:
      throw untrainable(layer, layer.kind)
  }
}

function untrainable({ name }: Layer, what: string) {
  return usageError(`layer "${name}" (${what}) cannot be trained`, {
    where: name,
    hint: 'Train the network elsewhere and give its weights: --weights FILE --epochs 0 calibrates them.',
  })
}

function convolution(
  layer: Conv2d,
  shaped: LayerShape,
  parameters: readonly Parameter[],
  batch: number,
  first: boolean,
): TrainedLayer {
  const [weight, bias] = parameters as [Parameter, Parameter]
  const windows = convolutionWindows(layer, shaped)
  const channels = windows.input[0] / layer.groups
  const filters = layer.filters / layer.groups
  const taps = channels * layer.kernel[0] * layer.kernel[1]
  const positions = windows.output[0] * windows.output[1]
  const inputSize = elements(shaped.input)
  const outputSize = elements(shaped.output)
  const output = new Float32Array(batch * outputSize)
  const inputGradient = new Float32Array(first ? 0 : batch * inputSize)
  const patches = new Float32Array(taps * positions)
  const patchGradient = new Float32Array(first ? 0 : taps * positions)
  let kept = new Float32Array(0)

  const eachGroup = (
    images: number,
    visit: (image: Float32Array, i: number, g: number, at: number) => void,
  ) => {
    for (let i = 0; i < images; i++) {
      const image = kept.subarray(i * inputSize, (i + 1) * inputSize)
      for (let g = 0; g < layer.groups; g++) {
        gatherPatches(windows, image, g * channels, channels, patches)
        visit(image, i, g, i * outputSize + g * filters * positions)
      }
    }
  }
  return {
    parameters,
    forward([input], images) {
      kept = input as Float32Array<ArrayBuffer>
      eachGroup(images, (_image, _i, g, at) => {
        const target = { data: output, offset: at, row: positions, accumulate: false }
        multiplyMatrices(
          [filters, positions, taps],
          rowMajor(weight.values, taps, g * filters * taps),
          rowMajor(patches, positions),
          target,
        )
      })
      for (let row = 0; row < images * layer.filters; row++)
        addConstant(output, row * positions, positions, bias.values[row % layer.filters]!)
      return output
    },
    backward(gradient, images) {
      if (!first) inputGradient.fill(0, 0, images * inputSize)
      for (let row = 0; row < images * layer.filters; row++)
        bias.gradient[row % layer.filters]! += sumOf(gradient, row * positions, positions)
      eachGroup(images, (_image, i, g, at) => {
        const result = rowMajor(gradient, positions, at)
        const weights = { data: weight.gradient, offset: g * filters * taps, row: taps, accumulate: true }
        multiplyMatrices(
          [filters, taps, positions],
          result,
          transposed(rowMajor(patches, positions)),
          weights,
        )
        if (first) return
        const target = { data: patchGradient, offset: 0, row: positions, accumulate: false }
        multiplyMatrices(
          [taps, positions, filters],
          transposed(rowMajor(weight.values, taps, g * filters * taps)),
          result,
          target,
        )
        scatterPatches(
          windows,
          patchGradient,
          g * channels,
          channels,
          inputGradient.subarray(i * inputSize, (i + 1) * inputSize),
        )
      })
      return first ? [] : [inputGradient]
    },
  }
}

function dense(
  layer: Dense,
  shaped: LayerShape,
  parameters: readonly Parameter[],
  batch: number,
  first: boolean,
): TrainedLayer {
  const [weight, bias] = parameters as [Parameter, Parameter]
  const features = elements(shaped.input)
  const { units } = layer
  const output = new Float32Array(batch * units)
  const inputGradient = new Float32Array(first ? 0 : batch * features)
  let kept: Float32Array = output
  return {
    parameters,
    forward([input], images) {
      kept = input!
      const target = { data: output, offset: 0, row: units, accumulate: false }
      multiplyMatrices(
        [images, units, features],
        rowMajor(kept, features),
        transposed(rowMajor(weight.values, features)),
        target,
      )
      for (let i = 0; i < images; i++) addTo(output, i * units, bias.values)
      return output
    },
    backward(gradient, images) {
      for (let i = 0; i < images; i++) addFrom(gradient, i * units, bias.gradient)
      const weights = { data: weight.gradient, offset: 0, row: features, accumulate: true }
      multiplyMatrices(
        [units, features, images],
        transposed(rowMajor(gradient, units)),
        rowMajor(kept, features),
        weights,
      )
      if (first) return []
      const target = { data: inputGradient, offset: 0, row: features, accumulate: false }
      multiplyMatrices(
        [images, features, units],
        rowMajor(gradient, units),
        rowMajor(weight.values, features),
        target,
      )
      return [inputGradient]
    },
  }
}

// The loops over elements stand in functions of their own, with their arrays as arguments: so they are compiled tightly.

function addTo(values: Float32Array, at: number, terms: Float32Array): void {
  for (let i = 0; i < terms.length; i++) values[at + i] = values[at + i]! + terms[i]!
}

function addFrom(terms: Float32Array, at: number, values: Float32Array): void {
  for (let i = 0; i < values.length; i++) values[i] = values[i]! + terms[at + i]!
}

function addConstant(values: Float32Array, at: number, count: number, term: number): void {
  for (let i = at; i < at + count; i++) values[i] = values[i]! + term
}

function sumOf(values: Float32Array, at: number, count: number): number {
  let sum = 0
  for (let i = at; i < at + count; i++) sum += values[i]!
  return sum
}

function rectify(input: Float32Array, output: Float32Array, count: number): void {
  for (let i = 0; i < count; i++) output[i] = Math.max(0, input[i]!)
}

function passWherePositive(where: Float32Array, from: Float32Array, to: Float32Array, count: number): void {
  for (let i = 0; i < count; i++) to[i] = where[i]! > 0 ? from[i]! : 0
}

function relu(size: number, batch: number): TrainedLayer {
  const output = new Float32Array(batch * size)
  const inputGradient = new Float32Array(batch * size)
  return {
    parameters: [],
    forward([input], images) {
      rectify(input!, output, images * size)
      return output
    },
    backward(gradient, images) {
      passWherePositive(output, gradient, inputGradient, images * size)
      return [inputGradient]
    },
  }
}
