import { usageError } from '../base/errors.ts'
import { greatestCommonDivisor } from '../base/integers.ts'
import type { Concat, Conv2d, Layer, Network, Pool } from './network.ts'
import { checkUsed, imageName, sourcesOf } from './wiring.ts'

/** One image's shape: [channels, height, width], or [features]. */
export type Shape = readonly [number, number, number] | readonly [number]

/** A layer with the shapes around it and what it costs for one image. */
export interface LayerShape {
  readonly layer: Layer
  /** Names of what it reads, `input` for the image, with their shapes. */
  readonly sources: readonly string[]
  readonly inputs: readonly Shape[]
  /** The shape of the first input, which for most layers is the only one. */
  readonly input: Shape
  readonly output: Shape
  /** Weights and biases. */
  readonly parameters: number
  /** Multiplications, without the bias. */
  readonly macs: number
}

/**
 * Elements of a network's feature maps, or of its parameters, above which it is refused, of one layer or of all together: so much
 * memory is never taken.
 */
const mostElements = 2 ** 28

export function elements(shape: Shape): number {
  return shape.reduce<number>((product, n) => product * n, 1)
}

/** [features] seen as a map of [features, 1, 1]. */
export function asMap(shape: Shape): readonly [number, number, number] {
  return shape.length === 3 ? shape : [shape[0], 1, 1]
}

/** Shapes of all layers, in order. An impossible layer is an error that names it and the numbers. */
export function layerShapes(network: Network): readonly LayerShape[] {
  checkUsed(network.layers)
  return shapesSoFar(network.input.shape, network.layers)
}

/** The same of the first layers of a network, behind which nothing stands yet. */
export function shapesSoFar(
  image: Network['input']['shape'],
  layers: readonly Layer[],
): readonly LayerShape[] {
  checkCounts('the input', imageName, image)
  const shapes = new Map<string, Shape>([[imageName, image]])
  const sources = sourcesOf(layers)
  let [values, parameters] = [elements(image), 0]
  return layers.map((layer, index) => {
    const inputs = sources[index]!.map((name) => shapes.get(name)!)
    const shaped = { layer, sources: sources[index]!, inputs, input: inputs[0]!, ...infer(layer, inputs) }
    const own = [elements(shaped.output), shaped.parameters] as const
    values += own[0]
    parameters += own[1]
    if (Math.max(...own) > mostElements)
      throw tooLarge(layer, `has ${own[0]} outputs and ${own[1]} parameters`)
    if (Math.max(values, parameters) > mostElements)
      throw tooLarge(
        layer,
        `brings the network to ${values} values in feature maps and ${parameters} parameters`,
      )
    shapes.set(layer.name, shaped.output)
    return shaped
  })
}

function tooLarge(layer: Layer, what: string) {
  return shapeError(layer, `${what}: at most ${mostElements} of each are possible`)
}

/** Shape of the result of the whole network. */
export function outputShape(network: Network): Shape {
  return layerShapes(network).at(-1)?.output ?? network.input.shape
}

export function countParameters(network: Network): number {
  return layerShapes(network).reduce((sum, { parameters }) => sum + parameters, 0)
}

export function countMacs(network: Network): number {
  return layerShapes(network).reduce((sum, { macs }) => sum + macs, 0)
}

/** Shape of a layer's weights: [filters, channels/groups, kh, kw] or [units, features]. Undefined where it has none. */
export function weightShape({ layer, input }: LayerShape): readonly number[] | undefined {
  if (layer.kind === 'conv2d') return [layer.filters, asMap(input)[0] / layer.groups, ...layer.kernel]
  if (layer.kind === 'dense') return [layer.units, input[0]]
  return undefined
}

function infer(layer: Layer, inputs: readonly Shape[]): { output: Shape; parameters: number; macs: number } {
  const input = inputs[0]!
  const free = (output: Shape) => ({ output, parameters: 0, macs: 0 })
  switch (layer.kind) {
    case 'conv2d': {
      const output = convolve(layer, input)
      const taps = (input[0] / layer.groups) * layer.kernel[0] * layer.kernel[1]
      return { output, parameters: layer.filters * (taps + 1), macs: elements(output) * taps }
    }
    case 'dense': {
      checkCounts(`dense layer "${layer.name}"`, layer.name, [layer.units])
      if (input.length === 3 && (input[1] !== 1 || input[2] !== 1)) {
        throw shapeError(
          layer,
          `is dense, but reads a map of ${input.join('x')}`,
          'Put a flatten layer before it.',
        )
      }
      return { output: [layer.units], parameters: layer.units * (input[0] + 1), macs: layer.units * input[0] }
    }
    case 'pool':
      return free(pool(layer, input))
    case 'relu':
      return free(input)
    case 'flatten':
      return free([elements(input)])
    case 'add':
      checkEqual(layer, inputs)
      return free(input)
    case 'concat':
      return free(concatenate(layer, inputs))
    case 'pad': {
      const [channels, height, width] = mapOf(layer, input)
      checkPadding(layer, layer.channels)
      return free([channels + layer.channels[0] + layer.channels[1], height, width])
    }
    case 'subsample': {
      const [channels, height, width] = mapOf(layer, input)
      checkCounts(`subsampling layer "${layer.name}"`, layer.name, layer.stride)
      return free([channels, Math.ceil(height / layer.stride[0]), Math.ceil(width / layer.stride[1])])
    }
  }
}

function convolve(layer: Conv2d, input: Shape): Shape {
  const [channels, height, width] = mapOf(layer, input)
  checkCounts(`convolution "${layer.name}"`, layer.name, [
    layer.filters,
    ...layer.kernel,
    ...layer.stride,
    layer.groups,
  ])
  checkPadding(layer, layer.padding)
  if (channels % layer.groups !== 0 || layer.filters % layer.groups !== 0) {
    throw shapeError(
      layer,
      `has ${layer.groups} groups, which do not divide both its ${channels} input channels and its ${layer.filters} filters`,
      `Possible: divisors of ${greatestCommonDivisor(channels, layer.filters)}.`,
    )
  }
  const [top, left, bottom, right] = layer.padding
  return [
    layer.filters,
    ...windows(layer, [height + top + bottom, width + left + right], layer.kernel, layer.stride, 'kernel'),
  ]
}

function pool(layer: Pool, input: Shape): Shape {
  const [channels, height, width] = mapOf(layer, input)
  const { padding = noPadding } = layer
  checkCounts(`pooling layer "${layer.name}"`, layer.name, [...layer.window, ...layer.stride])
  checkPadding(layer, padding)
  const [top, left, bottom, right] = padding
  if (Math.max(top, bottom) >= layer.window[0] || Math.max(left, right) >= layer.window[1]) {
    throw shapeError(
      layer,
      `has padding ${padding.join(', ')} around windows of ${layer.window.join('x')}: padding must be smaller than the window`,
    )
  }
  return [
    channels,
    ...windows(layer, [height + top + bottom, width + left + right], layer.window, layer.stride, 'window'),
  ]
}

/** The padding of a pooling that has none. */
export const noPadding = [0, 0, 0, 0] as const

function checkEqual(layer: Layer, [first, second]: readonly Shape[]): void {
  if (first!.join() === second!.join()) return
  throw shapeError(
    layer,
    `adds results of different shapes: ${first!.join('x')} and ${second!.join('x')}`,
    'A pad layer adds channels, a subsample layer or a stride makes a map smaller.',
  )
}

function concatenate(layer: Concat, inputs: readonly Shape[]): Shape {
  const [first] = inputs as [Shape]
  if (
    inputs.some((shape) => shape.slice(1).join() !== first.slice(1).join() || shape.length !== first.length)
  )
    throw shapeError(
      layer,
      `joins results that differ in more than their channels: ${inputs.map((shape) => shape.join('x')).join(', ')}`,
    )
  const channels = inputs.reduce((sum, shape) => sum + shape[0], 0)
  return first.length === 1 ? [channels] : [channels, first[1], first[2]]
}

function checkPadding(layer: Layer, padding: readonly number[]): void {
  if (padding.every((p) => Number.isSafeInteger(p) && p >= 0)) return
  throw shapeError(layer, `has padding ${padding.join(', ')}: whole numbers from 0 are possible`)
}

function windows(
  layer: Layer,
  size: readonly [number, number],
  window: readonly [number, number],
  stride: readonly [number, number],
  what: string,
): [number, number] {
  if (window[0] > size[0] || window[1] > size[1]) {
    const padded = 'padding' in layer ? ', padding included' : ''
    throw shapeError(
      layer,
      `has a ${what} of ${window.join('x')}, larger than its input of ${size.join('x')}${padded}`,
    )
  }
  return [
    Math.floor((size[0] - window[0]) / stride[0]) + 1,
    Math.floor((size[1] - window[1]) / stride[1]) + 1,
  ]
}

function mapOf(layer: Layer, input: Shape): readonly [number, number, number] {
  if (input.length === 3) return input
  throw shapeError(layer, `needs a map of channels, height and width, but reads ${input[0]} features`)
}

function checkCounts(what: string, where: string, counts: readonly number[]): void {
  for (const count of counts) {
    if (!Number.isSafeInteger(count) || count < 1) {
      throw usageError(
        `${what} has a size of ${count} (in ${counts.join(', ')}): every size, kernel and stride is a whole number of at least 1`,
        { where },
      )
    }
  }
}

function shapeError(layer: Layer, what: string, hint?: string) {
  return usageError(`layer "${layer.name}" ${what}`, { where: layer.name, hint })
}
