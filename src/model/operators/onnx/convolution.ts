import { multiplyMatrices, rowMajor } from '../../../float/matmul.ts'
import type { ModelTensor } from '../../model.ts'
import { elementsOf } from '../../tensors.ts'
import type { Call, Operator } from '../operator.ts'
import { elements } from '../strided.ts'
import { convolveByKernel } from './convolution-kernel.ts'
import { type Taps, tapsOf, type Windows, windowAttributes, windowsOf } from './windows.ts'

/** A convolution's shapes, with the taps of its windows. */
interface Convolution extends Taps {
  readonly windows: Windows
  readonly batch: number
  readonly groups: number
  /** Of one group. */
  readonly channels: number
  readonly filters: number
  /** Of one channel's map. */
  readonly size: number
  readonly shape: readonly number[]
}

export const convolutionAttributes: Operator['attributes'] = { ...windowAttributes, group: 'int' }

function convolutionOf(call: Call, x: ModelTensor, w: ModelTensor): Convolution {
  const groups = call.int('group', 1)
  const [batch, channels] = x.shape as [number, number]
  const [filters, perGroup, ...kernel] = w.shape as [number, number, ...number[]]
  if (x.shape.length < 3 || w.shape.length !== x.shape.length)
    throw call.error(`reads [${x.shape.join(', ')}] and has weights of [${w.shape.join(', ')}]`)
  if (!(groups >= 1) || perGroup * groups !== channels || filters % groups !== 0)
    throw call.error(`has weights of [${w.shape.join(', ')}] in ${groups} groups for ${channels} channels`)
  const stated = call.ints('kernel_shape') ?? kernel
  if (stated.join() !== kernel.join())
    throw call.error(`has a kernel_shape of ${stated.join('x')}, but weights of ${kernel.join('x')}`)
  const windows = windowsOf(call, x.shape, kernel)
  const shape = [batch, filters, ...windows.output]
  call.reserve(shape)
  call.spend(elementsOf(shape) * perGroup * elementsOf(kernel))
  return {
    ...tapsOf(call, windows),
    windows,
    batch,
    groups,
    channels: perGroup,
    filters: filters / groups,
    size: elementsOf(windows.input),
    shape,
  }
}

/** Values of the patches that are gathered at a time. */
const patchValues = 2 ** 20

/** Float convolution: patches of some positions at a time, times the weights. */
function convolve(call: Call): readonly ModelTensor[] {
  const x = call.typed(0, 'float32', 'float64')
  const w = call.typed(1, x.type)
  const c = convolutionOf(call, x, w)
  const bias = biasOf(call, c, call.optional(2))
  const result = call.make(x.type, c.shape)
  if (call.dry) return [result]
  const whole = { ...c, channels: c.channels * c.groups, filters: c.filters * c.groups }
  if (x.type === 'float32' && convolveByKernel(call.node, whole, [x, w, call.optional(2)], result))
    return [result]
  const { count, positions } = c
  const rows = c.channels * count
  const block = Math.max(1, Math.min(positions, Math.floor(patchValues / Math.max(1, rows))))
  const [from, weight] = [elements(x.data), elements(w.data)]
  const patches = new (x.type === 'float32' ? Float32Array : Float64Array)(rows * block)
  const product = x.type === 'float32' ? multiplySingle : multiplyDouble
  for (let image = 0; image < c.batch * c.groups; image++) {
    const weights = (image % c.groups) * c.filters * rows
    const to = image * c.filters * positions
    for (let p = 0; p < positions; p += block) {
      const width = Math.min(block, positions - p)
      gather(from, image * c.channels * c.size, c, [p, width], patches)
      product(
        [c.filters, width, rows],
        weight,
        weights,
        patches,
        result.data as Float32Array,
        to + p,
        positions,
      )
    }
  }
  if (bias !== undefined) addBias(elements(result.data), bias, positions)
  return [result]
}

function gather(
  from: ArrayLike<number>,
  start: number,
  { taps, count, positions, channels, size }: Convolution,
  [first, width]: readonly [number, number],
  patches: { [index: number]: number },
): void {
  let to = 0
  for (let c = 0; c < channels; c++) {
    for (let t = 0; t < count; t++) {
      for (let at = t * positions + first, end = at + width; at < end; at++) {
        const place = taps[at]!
        patches[to++] = place < 0 ? 0 : from[start + c * size + place]!
      }
    }
  }
}

type Product = (
  sizes: readonly [m: number, n: number, k: number],
  a: ArrayLike<number>,
  offset: number,
  b: ArrayLike<number>,
  c: { [index: number]: number },
  to: number,
  row: number,
) => void

const multiplySingle: Product = ([m, n, k], a, offset, b, c, to, row) =>
  multiplyMatrices([m, n, k], rowMajor(a as Float32Array, k, offset), rowMajor(b as Float32Array, n), {
    data: c as Float32Array,
    offset: to,
    row,
    accumulate: false,
  })

const multiplyDouble: Product = ([m, n, k], a, offset, b, c, to, row) => {
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      let sum = 0
      for (let s = 0; s < k; s++) sum += a[offset + i * k + s]! * b[s * n + j]!
      c[to + i * row + j] = sum
    }
}

function biasOf(call: Call, { filters, groups }: Convolution, bias: ModelTensor | undefined) {
  if (bias === undefined) return undefined
  if (bias.data.length !== filters * groups)
    throw call.error(`has a bias of ${bias.data.length} values for ${filters * groups} filters`)
  return elements(bias.data)
}

function addBias(
  to: { [index: number]: number; length: number },
  bias: ArrayLike<number>,
  positions: number,
): void {
  for (let i = 0; i < to.length; i++) to[i]! += bias[Math.floor(i / positions) % bias.length]!
}

/**
 * The sums of (x - zero of x) * (w - zero of w) in 32 bits, which wrap. Padding counts as the zero point of x, so it adds nothing.
 * `zerosOfWeights` has one value, or one a filter.
 */
export function convolveIntegers(
  call: Call,
  x: ModelTensor,
  zero: number,
  w: ModelTensor,
  zerosOfWeights: ArrayLike<number>,
  bias?: ModelTensor,
): ModelTensor {
  const c = convolutionOf(call, x, w)
  const biases = biasOf(call, c, bias)
  const result = call.make('int32', c.shape)
  if (call.dry) return result
  const sums = result.data as Int32Array
  const [from, weight] = [elements(x.data), elements(w.data)]
  const { taps, positions, count } = c
  const filters = c.filters * c.groups
  for (let image = 0; image < c.batch * filters; image++) {
    const n = image % filters
    const row = sums.subarray(image * positions, (image + 1) * positions)
    const zeroOfWeights = zerosOfWeights[zerosOfWeights.length === 1 ? 0 : n]!
    row.fill(biases?.[n] ?? 0)
    for (let channel = 0; channel < c.channels; channel++) {
      const group = Math.floor(n / c.filters)
      const start = ((Math.floor(image / filters) * c.groups + group) * c.channels + channel) * c.size
      for (let t = 0; t < count; t++) {
        const factor = weight[(n * c.channels + channel) * count + t]! - zeroOfWeights
        if (factor === 0) continue
        for (let p = 0, at = t * positions; p < positions; p++, at++) {
          const place = taps[at]!
          if (place >= 0) row[p]! += factor * (from[start + place]! - zero)
        }
      }
    }
  }
  return result
}

export const convolution: Readonly<Record<string, Operator>> = {
  Conv: { inputs: [2, 3], attributes: convolutionAttributes, evaluate: convolve },
}
