import type { LayerAssignment } from '../approx/assignment.ts'
import { createConvolution } from '../kernels/convolution.ts'
import { bytesAt, wordsAt } from '../kernels/memory.ts'
import type { QConv, QTensor } from '../quant/qgraph.ts'
import { productsOf } from './products.ts'

/** The sums, bias and products, of some filters over features, before any requantisation. */
export interface FilterSums {
  readonly filters: number
  /** From `lines` lines of features at one address of kernel memory to as many of sums, int32, at another one. */
  run(codes: number, sums: number, lines: number): void
}

/** The filters `from` .. `until`-1 of a set, as a convolution of 1x1 over the features of `input`. */
export function filterSums(
  set: QConv,
  assignment: LayerAssignment,
  { bits, signed, zeroPoint }: QTensor,
  from: number,
  until: number,
): FilterSums {
  const features = set.weights.length / set.bias.length
  const rows = [from * features, until * features] as const
  const node = { ...set, weights: set.weights.subarray(...rows), bias: set.bias.subarray(from, until) }
  const own = { ...assignment, ofKernel: assignment.ofKernel.subarray(...rows) }
  const products = productsOf(node, own)
  const filters = until - from
  if (products.kind === 'wide' || products.kind === 'curve') return { filters, run: tableSums(node, own) }
  const kernel = createConvolution(
    {
      ...{ channels: features, height: 1, width: 1, filters, rows: 1, columns: 1, groups: 1 },
      ...{ kernel: [1, 1], stride: [1, 1], padding: [0, 0], dilation: [1, 1] },
    },
    { bits, signed, padding: zeroPoint },
    products,
    node.bias,
    { kind: 'sums' },
  )
  return { filters, run: (codes, sums, lines) => kernel.run(codes, sums, lines) }
}

/** Products of any size, one at a time: each weight keeps the start of its row of products. */
function tableSums(node: QConv, { multipliers, ofKernel }: LayerAssignment): FilterSums['run'] {
  const filters = node.bias.length
  const features = node.weights.length / filters
  const [row, weightCodes] = [2 ** multipliers[0]!.domain.nA, 2 ** node.weightBits]
  const rows = new Map<number, number>()
  const starts = Int32Array.from(node.weights, (weight, i) => {
    const key = ofKernel[i]! * weightCodes + (weight & (weightCodes - 1))
    if (!rows.has(key)) rows.set(key, rows.size * row)
    return rows.get(key)!
  })
  const table = new Int32Array(rows.size * row)
  for (const [key, start] of rows) {
    const products = multipliers[Math.floor(key / weightCodes)]!.table()
    for (let a = 0; a < row; a++) table[start + a] = products[a * weightCodes + (key % weightCodes)]!
  }
  return (codes, sums, lines) => {
    const from = bytesAt(codes, lines * features)
    const to = wordsAt(sums, lines * filters)
    for (let line = 0, at = 0; line < lines; line++)
      for (let n = 0; n < filters; n++, at++) {
        let sum = node.bias[n]!
        for (let k = 0; k < features; k++)
          sum += table[starts[n * features + k]! + (from[line * features + k]! & (row - 1))]!
        to[at] = sum
      }
  }
}
