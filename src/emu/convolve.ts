import type { LayerAssignment } from '../approx/assignment.ts'
import {
  type CodeFormat,
  type Convolution,
  codesOf,
  createConvolution,
  type Finish,
} from '../kernels/convolution.ts'
import type { Products } from '../kernels/products.ts'
import type { QConv, QTensor } from '../quant/qgraph.ts'
import type { Codes } from '../quant/rules.ts'
import { isDense, overLines } from './lines.ts'
import { plainConvolution } from './plain.ts'
import { productsOf } from './products.ts'

type Step = (inputs: readonly Codes[], images: number, result: Codes) => void

/** Emulates one convolution or dense layer over `images` images. Codes lie in kernel memory, none below `least`. */
export function convolution(
  node: QConv,
  assignment: LayerAssignment,
  input: QTensor,
  output: QTensor,
  least: number | undefined,
): Step {
  const format = { bits: input.bits, signed: input.signed, padding: input.zeroPoint, least }
  const products = productsOf(node, assignment, codesOf(format))
  if (products.kind === 'curve' || products.kind === 'wide')
    return plainConvolution(node, products, input, output)
  const kernel = kernelConvolution(node, products, input, output, format)
  const run = isDense(kernel) ? overLines(kernel) : kernel.run
  return ([codes], images, result) => run(codes!.byteOffset, result.byteOffset, images)
}

function finishOf({ rule, low, high, multiplier, shift }: QConv): Finish {
  if (rule === undefined) return { kind: 'requantise', multiplier, shift, low, high }
  const { zeroPoint } = rule
  if (rule.kind === 'onnx') return { kind: 'round', factor: rule.factor, zeroPoint, low, high }
  const { exponent } = rule
  return { kind: 'scale', multiplier: rule.multiplier, exponent, zeroPoint, low, high }
}

function kernelConvolution(
  node: QConv,
  products: Products,
  input: QTensor,
  output: QTensor,
  format: CodeFormat,
): Convolution {
  const [channels, height, width] = input.shape
  const [filters, rows, columns] = output.shape
  const [top, left] = node.padding
  return createConvolution(
    {
      ...{ channels, height, width, filters, rows, columns, groups: node.groups },
      ...{
        kernel: node.kernel,
        stride: node.stride,
        padding: [top, left],
        dilation: node.dilation ?? [1, 1],
      },
    },
    format,
    products,
    node.bias,
    finishOf(node),
  )
}
