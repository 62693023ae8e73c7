import { invariant } from '../base/errors.ts'
import { floatsAt, hold } from '../kernels/memory.ts'
import type { Conv2d, Network, Pad, Subsample, Weights } from '../net/network.ts'
import { asMap, elements, type LayerShape, layerShapes, undilated } from '../net/shapes.ts'
import { imageName } from '../net/wiring.ts'
import type { Windows } from './patches.ts'
import { layerStep } from './steps.ts'

/** The float reference of a network, with its weights. Arrays are reused from call to call. */
export interface FloatNetwork {
  /** Values of an image [channels, height, width]. */
  readonly size: number
  /** Images that are worth running at a time: their values take 64 MiB at most. */
  readonly atOnce: number
  /** The results for one image or several, one after the other. Copy them to keep them. */
  run(images: Float32Array): Float32Array
  /** The same, showing the results of every layer in order. */
  trace(images: Float32Array, visit: (layer: string, values: Float32Array) => void): Float32Array
}

const mostValues = 2 ** 24
const mostImages = 32

export function floatNetwork(network: Network, weights: Weights): FloatNetwork {
  const shapes = layerShapes(network)
  const steps = shapes.map((shaped) => ({ shaped, step: layerStep(shaped, weights) }))
  const size = elements(network.input.shape)
  const ofImage = shapes.reduce((sum, { output }) => sum + elements(output), size)
  let tensors = tensorsOf(network, shapes, 0)
  const trace: FloatNetwork['trace'] = (values, visit) => {
    const images = values.length / size
    invariant(
      Number.isInteger(images) && images > 0,
      `an image of "${network.name}" has ${size} values, not ${values.length}`,
    )
    if (tensors.images < images) tensors = tensorsOf(network, shapes, images)
    const tensor = (name: string, count: number) => tensors.of.get(name)!.subarray(0, images * count)
    tensor(imageName, size).set(values)
    let result = tensor(imageName, size)
    for (const { shaped, step } of steps) {
      const { layer, sources, inputs, output } = shaped
      result = tensor(layer.name, elements(output))
      step(
        sources.map((source, i) => tensor(source, elements(inputs[i]!))),
        result,
        images,
      )
      visit(layer.name, result)
    }
    return result
  }
  let kept = new Float32Array(0)
  const run: FloatNetwork['run'] = (images) => {
    const result = trace(images, () => {})
    if (kept.length !== result.length) kept = new Float32Array(result.length)
    kept.set(result)
    return kept
  }
  return { size, atOnce: Math.max(1, Math.min(mostImages, Math.floor(mostValues / ofImage))), run, trace }
}

/** The image and every layer's result for so many images, in kernel memory. */
function tensorsOf({ input }: Network, shapes: readonly LayerShape[], images: number) {
  const holder = {}
  const place = (count: number) => floatsAt(hold(holder, 4 * images * count), images * count)
  const of = new Map([[imageName, place(elements(input.shape))]])
  for (const { layer, output } of shapes) of.set(layer.name, place(elements(output)))
  return { images, of, holder }
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
