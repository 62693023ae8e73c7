import { usageError } from '../base/errors.ts'
import { greatestCommonDivisor } from '../base/integers.ts'
import {
  type Activation,
  type Concat,
  type Conv2d,
  directionsOf,
  gatesOf,
  type Layer,
  type Network,
  type Pool,
  type Recurrent,
} from './network.ts'
import { reshapedShape, transposedShape } from './rearranged.ts'
import { checkUsed, imageName, sourcesOf } from './wiring.ts'

/** One image's shape: [channels, height, width], [steps, features] of a sequence, or [features]. */
export type Shape = readonly [number, number, number] | readonly [number, number] | readonly [number]

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

/** [features] seen as a map of [features, 1, 1], and [steps, features] as one of [steps, features, 1]. */
export function asMap(shape: Shape): readonly [number, number, number] {
  return shape.length === 3 ? shape : [shape[0], shape[1] ?? 1, 1]
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
  if (layer.kind === 'dense') return [layer.units, input.length === 2 ? input[1] : input[0]]
  if (isRecurrent(layer)) return [recurrentRows(layer), input[1]!]
  return undefined
}

/** Shape of the weights of a recurrent layer's state: [directions * gates * units, units]. */
export function recurrentShape({ layer }: LayerShape): readonly [number, number] | undefined {
  return isRecurrent(layer) ? [recurrentRows(layer), layer.units] : undefined
}

export function isRecurrent(layer: Layer): layer is Recurrent {
  return layer.kind === 'rnn' || layer.kind === 'gru' || layer.kind === 'lstm'
}

/** Rows of a recurrent layer's weights: one for each direction, gate and unit. */
function recurrentRows(layer: Recurrent): number {
  return directionsOf(layer) * gatesOf[layer.kind].length * layer.units
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
      if (input.length === 2) {
        const [steps, features] = input
        return {
          output: [steps, layer.units],
          parameters: layer.units * (features + 1),
          macs: steps * layer.units * features,
        }
      }
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
    case 'softmax':
      return free(input)
    case 'activation':
      checkFunction(layer)
      return free(input)
    case 'flatten':
      return free([elements(input)])
    case 'reshape':
      return free(reshapedShape(layer, input))
    case 'transpose':
      return free(transposedShape(layer, input))
    case 'add':
      checkEqual(layer, inputs)
      return free(input)
    case 'mul':
      return free(multiply(layer, inputs))
    case 'rnn':
    case 'gru':
    case 'lstm':
      return recur(layer, input)
    case 'concat':
      return free(concatenate(layer, inputs))
    case 'pad': {
      const [channels, height, width] = mapOf(layer, input)
      const [top, left, bottom, right] = layer.edges ?? noPadding
      checkPadding(layer, [...layer.channels, top, left, bottom, right])
      return free([
        channels + layer.channels[0] + layer.channels[1],
        height + top + bottom,
        width + left + right,
      ])
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
  const { dilation = undilated } = layer
  checkCounts(`the dilation of convolution "${layer.name}"`, layer.name, dilation)
  const spanned = layer.kernel.map((k, axis) => (k - 1) * dilation[axis]! + 1) as [number, number]
  return [
    layer.filters,
    ...windows(layer, [height + top + bottom, width + left + right], spanned, layer.stride, 'kernel'),
  ]
}

/** The dilation of a convolution that has none. */
export const undilated = [1, 1] as const

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
  const padded = [height + top + bottom, width + left + right] as const
  const whole = windows(layer, padded, layer.window, layer.stride, 'window')
  if (layer.ceil !== true) return [channels, ...whole]
  // one more where a window that does not fit begins before the padding at its end
  const begins = [height + top, width + left] as const
  const [rows, columns] = whole.map((count, axis) => {
    const fits = (padded[axis]! - layer.window[axis]!) % layer.stride[axis]! === 0
    return fits || count * layer.stride[axis]! >= begins[axis]! ? count : count + 1
  }) as [number, number]
  return [channels, rows, columns]
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

function multiply(layer: Layer, [first, second]: readonly Shape[]): Shape {
  const scales = (map: Shape, other: Shape) =>
    map.length === 3 && other[0] === map[0] && elements(other) === map[0]
  if (first!.join() === second!.join() || scales(first!, second!)) return first!
  if (scales(second!, first!)) return second!
  throw shapeError(
    layer,
    `multiplies results of different shapes: ${first!.join('x')} and ${second!.join('x')}`,
    'Possible are two of one shape, or a map and one value for each of its channels.',
  )
}

function recur(layer: Recurrent, input: Shape): { output: Shape; parameters: number; macs: number } {
  checkCounts(`recurrent layer "${layer.name}"`, layer.name, [layer.units])
  if (input.length !== 2)
    throw shapeError(
      layer,
      `needs a sequence of steps and features, but reads ${input.join('x')}`,
      'Put a reshape layer before it, for example: { kind: reshape, shape: [49, 10] }.',
    )
  if (layer.reset !== undefined && layer.kind !== 'gru')
    throw shapeError(layer, `has a reset gate (${layer.reset}), which only a gru has`)
  const [steps, features] = input
  const rows = recurrentRows(layer)
  const units = directionsOf(layer) * layer.units
  return {
    output: layer.returns === 'all' ? [steps, units] : [units],
    parameters: rows * (features + layer.units + 2),
    macs: steps * rows * (features + layer.units),
  }
}

function checkFunction(layer: Activation): void {
  const { name, ...settings } = layer.function
  const bad = Object.entries(settings).find(([, value]) => !Number.isFinite(value))
  if (bad !== undefined)
    throw shapeError(layer, `is a ${name} with ${bad[0]} ${bad[1]}: finite numbers are possible`)
  if (layer.function.name === 'clip' && layer.function.low >= layer.function.high)
    throw shapeError(
      layer,
      `clips from ${layer.function.low} to ${layer.function.high}: low must be below high`,
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
  if (first.length === 2)
    throw shapeError(
      layer,
      `joins sequences of ${inputs.map((shape) => shape.join('x')).join(' and ')}`,
      'Join maps or features: a transpose makes [features, steps] of a sequence, a reshape [features, steps, 1] of that.',
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
  throw shapeError(
    layer,
    input.length === 1
      ? `needs a map of channels, height and width, but reads ${input[0]} features`
      : `needs a map of channels, height and width, but reads a sequence of ${input.join('x')}`,
    input.length === 1
      ? undefined
      : `Put a reshape layer before it: { kind: reshape, shape: [1, ${input.join(', ')}] }.`,
  )
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
