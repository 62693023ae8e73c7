import { type ScaleFactor, scaled, scaleFactor } from '../../../quant/imported-rules.ts'
import type { ModelTensor, ModelValue } from '../../model.ts'
import { elementsOf, emptyTensor } from '../../tensors.ts'
import { realValues } from '../../tflite/real-values.ts'
import { codeClamp, realRange } from './activation.ts'
import {
  arithmeticOf,
  checkResult,
  codeScale,
  inputAt,
  type Kernel,
  mapShape,
  numberSetting,
  type Operator,
  type Site,
  shapeOf,
} from './site.ts'
import { type Window, windowOf } from './window.ts'

/** A layer with weights, whatever its operator: CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED. */
export interface Weighted extends Window {
  /** [batch, height, width, channels]; of a dense layer [batch, 1, 1, features]. */
  readonly input: readonly [number, number, number, number]
  readonly filters: number
  readonly groups: number
  /** Channels that a filter reads. */
  readonly channels: number
  /** [filter][ky][kx][channel]: real values, or codes less their zero point. */
  readonly weights: Int8Array | Int16Array | Float32Array
  readonly bias: Int32Array | Float32Array | undefined
}

/** What the integers of a layer with weights need besides. */
export interface WeightedCodes {
  readonly inputZeroPoint: number
  readonly outputZeroPoint: number
  /** One for each filter: accumulator to output code. */
  readonly factors: readonly ScaleFactor[]
  readonly low: number
  readonly high: number
}

/** Reads the geometry and the weights of a node. */
export function weightedOf(site: Site): Weighted {
  switch (site.node.operator) {
    case 'CONV_2D':
      return convolution(site)
    case 'DEPTHWISE_CONV_2D':
      return depthwise(site)
    default:
      return fullyConnected(site)
  }
}

function convolution(site: Site): Weighted {
  const input = mapShape(site, inputAt(site, 0))
  const [filters, kh, kw, channels] = mapShape(site, inputAt(site, 1))
  const window = windowOf(site, [input[1], input[2]], [kh, kw])
  const groups = input[3] / channels
  if (!Number.isInteger(groups) || groups < 1 || filters % groups !== 0)
    throw site.refuse(`has ${filters} filters of ${channels} channels over ${input[3]} channels`)
  checkResult(site, [input[0], window.rows, window.columns, filters])
  return {
    ...window,
    input,
    filters,
    groups,
    channels,
    weights: weightsAt(site, 0),
    bias: biasAt(site, filters),
  }
}

/** Weights are stored [1, kernel rows, kernel columns, filters]; filter n reads channel floor(n / multiplier). */
function depthwise(site: Site): Weighted {
  const input = mapShape(site, inputAt(site, 0))
  const [one, kh, kw, filters] = mapShape(site, inputAt(site, 1))
  if (one !== 1 || filters % input[3] !== 0)
    throw site.refuse(`has weights of [${one}, ${kh}, ${kw}, ${filters}] over ${input[3]} channels`)
  const window = windowOf(site, [input[1], input[2]], [kh, kw])
  checkResult(site, [input[0], window.rows, window.columns, filters])
  const stored = weightsAt(site, 3)
  const weights = stored.slice()
  for (let n = 0; n < filters; n++)
    for (let k = 0; k < kh * kw; k++) weights[n * kh * kw + k] = stored[k * filters + n]!
  return { ...window, input, filters, groups: input[3], channels: 1, weights, bias: biasAt(site, filters) }
}

function fullyConnected(site: Site): Weighted {
  if (numberSetting(site, 'weights_format') !== 0)
    throw site.refuse('has shuffled weights, which are not supported')
  const shape = shapeOf(inputAt(site, 0))
  const weightShape = shapeOf(inputAt(site, 1))
  const [filters, features] = weightShape as [number, number]
  const batch = elementsOf(shape) / features
  if (weightShape.length !== 2 || !Number.isInteger(batch))
    throw site.refuse(`has weights of [${weightShape.join(', ')}] for an input of [${shape.join(', ')}]`)
  const keep = numberSetting(site, 'keep_num_dims') !== 0
  checkResult(site, keep ? [...shape.slice(0, -1), filters] : [batch, filters])
  return {
    kernel: [1, 1],
    stride: [1, 1],
    dilation: [1, 1],
    padding: [0, 0, 0, 0],
    rows: 1,
    columns: 1,
    input: [batch, 1, 1, features],
    filters,
    groups: 1,
    channels: features,
    weights: weightsAt(site, 0),
    bias: biasAt(site, filters),
  }
}

/** Codes of weights are real values where the input is: files of float with weights of 8 bits ("dynamic range"). */
function weightsAt(site: Site, filterAxis: number): Weighted['weights'] {
  const data = site.constant(1)?.data
  if (data === undefined) throw site.refuse('has weights that are computed: supported are constant ones')
  if (data instanceof Float32Array) return data
  const { type, quantisation } = inputAt(site, 1)
  if (!(data instanceof Int8Array || data instanceof Uint8Array))
    throw site.refuse(`has weights of ${type}; supported are float32, int8 and uint8`)
  if (quantisation === undefined) throw site.refuse('has no scale for its weights')
  if (inputAt(site, 0).type === 'float32') return realValues(site.constant(1)!, quantisation)
  const { scale, zeroPoint, axis } = quantisation
  if (scale.length !== 1 && axis !== filterAxis)
    throw site.refuse(`has ${scale.length} weight scales along dimension ${axis}`)
  if (data instanceof Uint8Array) return Int16Array.from(data, (code) => code - zeroPoint[0]!)
  if (zeroPoint.some((zero) => zero !== 0))
    throw site.refuse('has int8 weights with a zero point, which is not supported')
  return data
}

function biasAt(site: Site, filters: number): Int32Array | Float32Array | undefined {
  if (site.inputs[2] === undefined) return undefined
  const data = site.constant(2)?.data
  if (!(data instanceof Int32Array || data instanceof Float32Array))
    throw site.refuse(
      `has a bias of ${site.inputs[2].type} that is ${data === undefined ? 'computed' : 'not supported'}`,
    )
  if (data.length !== filters) throw site.refuse(`has ${data.length} biases for ${filters} filters`)
  return data
}

/**
 * Factors and bounds of the kernels on codes. A filter's factor is the product of the scales over the output's in double precision;
 * of a dense layer with one weight scale, and of uint8, that product is taken in float32 first, as their kernels do.
 */
export function weightedCodes(site: Site, layer: Weighted): WeightedCodes {
  const input = codeScale(site, inputAt(site, 0))
  const output = codeScale(site, site.output)
  const scales = weightScales(site, inputAt(site, 1), layer.filters)
  const dense = site.node.operator === 'FULLY_CONNECTED'
  const single = scales.length === 1 && (dense || site.output.type === 'uint8')
  const product = (scale: number) => (single ? Math.fround(input.scale * scale) : input.scale * scale)
  const factors = Array.from({ length: layer.filters }, (_, n) =>
    scaleFactor(product(scales[scales.length === 1 ? 0 : n]!) / output.scale),
  )
  if (factors.some(({ exponent }) => exponent > 30))
    throw site.refuse('has scales that differ by more than 2^30')
  checkSums(site, layer)
  const [low, high] = codeClamp(site)
  return { inputZeroPoint: input.zeroPoint, outputZeroPoint: output.zeroPoint, factors, low, high }
}

function weightScales(site: Site, value: ModelValue, filters: number): readonly number[] {
  const { scale } = value.quantisation!
  if (scale.length !== 1 && scale.length !== filters)
    throw site.refuse(`has ${scale.length} weight scales for ${filters} filters`)
  return scale
}

/** That no sum leaves 32 bits: the kernels do not say what happens then. */
function checkSums(site: Site, { weights, bias, filters }: Weighted): void {
  const taps = weights.length / filters
  for (let n = 0; n < filters; n++) {
    let most = Math.abs(bias?.[n] ?? 0)
    for (let k = 0; k < taps; k++) most += 255 * Math.abs(weights[n * taps + k]!)
    if (most >= 2 ** 31) throw site.refuse(`can sum up ${most} in filter ${n}: more than 32 bits hold`)
  }
}

export const weighted: Operator = (site) => {
  const real = arithmeticOf(site, [0]) === 'float'
  const layer = weightedOf(site)
  site.spend(elementsOf(shapeOf(site.output)) * (layer.weights.length / layer.filters))
  if (layer.bias !== undefined && layer.bias instanceof Float32Array !== real)
    throw site.refuse(`has a bias of ${inputAt(site, 2).type}`)
  if (real) return floatKernel(site, layer)
  if (inputAt(site, 1).type !== site.output.type)
    throw site.refuse(`computes on ${site.output.type} with weights of ${inputAt(site, 1).type}`)
  return codeKernel(site, layer)
}

/** A window, its filters from `first` on, and where the first of their results lies. */
type EachWindow<T> = (window: T, first: number, at: number) => void

/** Calls `each` with every position's window of one group, [ky][kx][channel], zero points taken off; outside of the map it is 0. */
function overWindows<T extends Int16Array | Float32Array>(
  layer: Weighted,
  data: ArrayLike<number>,
  zeroPoint: number,
  window: T,
  each: EachWindow<T>,
): void {
  const { input, kernel, stride, dilation, padding, channels, groups, rows, columns, filters } = layer
  const [batch, height, width, depth] = input
  const filtersOfGroup = filters / groups
  let at = 0
  for (let image = 0; image < batch; image++) {
    for (let oy = 0; oy < rows; oy++) {
      for (let ox = 0; ox < columns; ox++, at += filters) {
        for (let group = 0; group < groups; group++) {
          let to = 0
          for (let ky = 0; ky < kernel[0]; ky++) {
            const y = oy * stride[0] + ky * dilation[0] - padding[0]
            for (let kx = 0; kx < kernel[1]; kx++) {
              const x = ox * stride[1] + kx * dilation[1] - padding[1]
              if (y >= 0 && y < height && x >= 0 && x < width) {
                const from = ((image * height + y) * width + x) * depth + group * channels
                for (let k = from; k < from + channels; k++) window[to++] = data[k]! - zeroPoint
              } else {
                window.fill(0, to, to + channels)
                to += channels
              }
            }
          }
          each(window, group * filtersOfGroup, at + group * filtersOfGroup)
        }
      }
    }
  }
}

function codeKernel(site: Site, layer: Weighted): Kernel {
  const { filters, groups, bias } = layer
  const { inputZeroPoint, outputZeroPoint, factors, low, high } = weightedCodes(site, layer)
  const weights = Int16Array.from(layer.weights)
  const taps = weights.length / filters
  const filtersOfGroup = filters / groups
  const sums = new Int32Array(filtersOfGroup)
  return ([input]) => {
    const result = emptyTensor(site.output.type, shapeOf(site.output))
    const codes = result.data as Int8Array | Uint8Array
    overWindows(
      layer,
      (input as ModelTensor).data as Int8Array | Uint8Array,
      inputZeroPoint,
      new Int16Array(taps),
      (window, first, at) => {
        if (bias === undefined) sums.fill(0)
        else for (let i = 0; i < filtersOfGroup; i++) sums[i] = bias[first + i]!
        addCodes(window, weights, first * taps, sums)
        for (let i = 0; i < filtersOfGroup; i++) {
          const { multiplier, exponent } = factors[first + i]!
          const code = scaled(sums[i]!, multiplier, exponent) + outputZeroPoint
          codes[at + i] = Math.max(low, Math.min(high, code))
        }
      },
    )
    return result
  }
}

/** Adds the products of a window with each of the filters that begin at `from`, four at a time. */
function addCodes(window: Int16Array, weights: Int16Array, from: number, sums: Int32Array): void {
  const taps = window.length
  let i = 0
  for (; i + 4 <= sums.length; i += 4, from += 4 * taps) {
    let [a, b, c, d] = [0, 0, 0, 0]
    for (let k = 0, w = from; k < taps; k++, w++) {
      const x = window[k]!
      a = (a + Math.imul(x, weights[w]!)) | 0
      b = (b + Math.imul(x, weights[w + taps]!)) | 0
      c = (c + Math.imul(x, weights[w + 2 * taps]!)) | 0
      d = (d + Math.imul(x, weights[w + 3 * taps]!)) | 0
    }
    sums[i]! += a
    sums[i + 1]! += b
    sums[i + 2]! += c
    sums[i + 3]! += d
  }
  for (; i < sums.length; i++, from += taps) {
    let sum = 0
    for (let k = 0; k < taps; k++) sum = (sum + Math.imul(window[k]!, weights[from + k]!)) | 0
    sums[i]! += sum
  }
}

/** Sums in double precision, rounded once. */
function floatKernel(site: Site, layer: Weighted): Kernel {
  const { filters, groups, bias } = layer
  const weights = layer.weights as Float32Array
  const [low, high] = realRange(site)
  const taps = weights.length / filters
  const filtersOfGroup = filters / groups
  const sums = new Float64Array(filtersOfGroup)
  return ([input]) => {
    const result = emptyTensor('float32', shapeOf(site.output))
    const values = result.data as Float32Array
    overWindows(
      layer,
      (input as ModelTensor).data as Float32Array,
      0,
      new Float32Array(taps),
      (window, first, at) => {
        if (bias === undefined) sums.fill(0)
        else for (let i = 0; i < filtersOfGroup; i++) sums[i] = bias[first + i]!
        addReals(window, weights, first * taps, sums)
        for (let i = 0; i < filtersOfGroup; i++) values[at + i] = Math.max(low, Math.min(high, sums[i]!))
      },
    )
    return result
  }
}

/** `addCodes` of real values. */
function addReals(window: Float32Array, weights: Float32Array, from: number, sums: Float64Array): void {
  const taps = window.length
  let i = 0
  for (; i + 4 <= sums.length; i += 4, from += 4 * taps) {
    let [a, b, c, d] = [sums[i]!, sums[i + 1]!, sums[i + 2]!, sums[i + 3]!]
    for (let k = 0, w = from; k < taps; k++, w++) {
      const x = window[k]!
      a += x * weights[w]!
      b += x * weights[w + taps]!
      c += x * weights[w + 2 * taps]!
      d += x * weights[w + 3 * taps]!
    }
    sums[i] = a
    sums[i + 1] = b
    sums[i + 2] = c
    sums[i + 3] = d
  }
  for (; i < sums.length; i++, from += taps) {
    let sum = sums[i]!
    for (let k = 0; k < taps; k++) sum += window[k]! * weights[from + k]!
    sums[i] = sum
  }
}
