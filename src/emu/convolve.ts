import type { LayerAssignment } from '../approx/assignment.ts'
import { type Convolution, createConvolution, type Finish } from '../kernels/convolution.ts'
import { allocate, release, wordsAt } from '../kernels/memory.ts'
import type { Products } from '../kernels/products.ts'
import type { SumRule } from '../quant/imported-rules.ts'
import type { QConv, QTensor } from '../quant/qgraph.ts'
import type { Codes } from '../quant/rules.ts'
import { storeByRule } from './imported.ts'
import { plainConvolution } from './plain.ts'
import { productsOf } from './products.ts'

type Step = (inputs: readonly Codes[], images: number, result: Codes) => void

/** Emulates one convolution or dense layer over `images` images. Codes lie in kernel memory. */
export function convolution(node: QConv, assignment: LayerAssignment, input: QTensor, output: QTensor): Step {
  const products = productsOf(node, assignment)
  if (products.kind === 'curve' || products.kind === 'wide')
    return plainConvolution(node, products, input, output)
  const { rule, low, high, multiplier, shift } = node
  if (rule !== undefined)
    return byRule(node, rule, kernelConvolution(node, products, input, output, { kind: 'sums' }))
  const finish: Finish = { kind: 'requantise', multiplier, shift, low, high }
  const kernel = kernelConvolution(node, products, input, output, finish)
  return ([codes], images, result) => kernel.run(codes!.byteOffset, result.byteOffset, images)
}

function kernelConvolution(
  node: QConv,
  products: Products,
  input: QTensor,
  output: QTensor,
  finish: Finish,
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
    { bits: input.bits, signed: input.signed, padding: input.zeroPoint },
    products,
    node.bias,
    finish,
  )
}

/** The kernels' sums, and codes by the rule of an imported model. */
function byRule(node: QConv, rule: SumRule, kernel: Convolution): Step {
  const { filters, rows, columns } = kernel.shape
  const positions = rows * columns
  return ([codes], images, result) => {
    const length = images * filters * positions
    const at = allocate(4 * length)
    kernel.run(codes!.byteOffset, at, images)
    for (let i = 0; i < images; i++) {
      for (let n = 0; n < filters; n++)
        storeByRule(
          node,
          rule,
          n,
          wordsAt(at + 4 * (i * filters + n) * positions, positions),
          1,
          positions,
          result,
          i,
        )
    }
    release(at, 4 * length)
  }
}
