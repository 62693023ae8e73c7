import { createFloatConvolution } from '../../../kernels/float-convolution.ts'
import { allocate, floatsAt, release } from '../../../kernels/memory.ts'
import type { ModelNode, ModelTensor } from '../../model.ts'
import type { Windows } from './windows.ts'

/** A convolution [batch, channels, ...map] by a kernel. */
export interface FloatConvolution {
  readonly windows: Windows
  readonly channels: number
  readonly filters: number
  readonly groups: number
}

/** Values of a packed weight or of a padded plane that kernels are given at most. */
const mostValues = 2 ** 24

interface Known {
  readonly weights: unknown
  readonly bias: unknown
  readonly shape: string
  run?: ReturnType<typeof createFloatConvolution>['run']
}

const known = new WeakMap<ModelNode, Known>()

/**
 * Computes a node's convolution as the operator does, sum by sum in float32, where it has been computed before with the same weights
 * and shapes: kernels keep their weights, which is not worth it for one image. Otherwise false.
 */
export function convolveByKernel(
  node: ModelNode,
  c: FloatConvolution,
  [x, w, bias]: readonly [x: ModelTensor, w: ModelTensor, bias: ModelTensor | undefined],
  result: ModelTensor,
): boolean {
  const { before, strides, dilations } = c.windows
  const shape = JSON.stringify([x.shape.slice(1), w.shape, c.groups, before, strides, dilations])
  const own = known.get(node)
  if (own?.weights !== w.data || own.bias !== bias?.data || own.shape !== shape) {
    known.set(node, { weights: w.data, bias: bias?.data, shape })
    return false
  }
  if (!fits(c, w)) return false
  own.run ??= kernelOf(c, w, bias)
  const [from, to] = [x.data.length, result.data.length]
  const input = allocate(4 * (from + to))
  const output = input + 4 * from
  try {
    floatsAt(input, from).set(x.data as Float32Array)
    own.run(input, output, x.shape[0]!)
    ;(result.data as Float32Array).set(floatsAt(output, to))
  } finally {
    release(input, 4 * (from + to))
  }
  return true
}

/** Kernels know maps of one or two axes whose windows lie within some millions of values. */
function fits({ windows, filters, groups }: FloatConvolution, { data, shape }: ModelTensor): boolean {
  const { input, kernel, strides, dilations, output } = windows
  if (input.length > 2) return false
  const plane = output.reduce(
    (size, n, i) => size * ((n - 1) * strides[i]! + (kernel[i]! - 1) * dilations[i]! + 1),
    1,
  )
  const packed = (data.length / filters) * 4 * groups * Math.ceil(filters / groups / 4)
  return Math.max(plane, packed) <= mostValues && shape.every((n) => n > 0)
}

function kernelOf(
  { windows, channels, filters, groups }: FloatConvolution,
  w: ModelTensor,
  bias?: ModelTensor,
) {
  const { input, kernel, strides, dilations, before, output } = windows
  /** A map of one axis is one row. */
  const both = (values: readonly number[], one: number): readonly [number, number] =>
    values.length === 2 ? [values[0]!, values[1]!] : [one, values[0]!]
  const [[height, width], [rows, columns]] = [both(input, 1), both(output, 1)]
  const shape = {
    ...{ channels, filters, groups, height, width, rows, columns },
    ...{ kernel: both(kernel, 1), stride: both(strides, 1) },
    ...{ dilation: both(dilations, 1), padding: both(before, 0) },
  }
  const biases = (bias?.data as Float32Array | undefined) ?? new Float32Array(filters)
  return createFloatConvolution(shape, w.data as Float32Array, biases).run
}
