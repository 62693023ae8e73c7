import type { LayerAssignment } from '../approx/assignment.ts'
import { createConvolution } from '../kernels/convolution.ts'
import { bytesAt, shortsAt } from '../kernels/memory.ts'
import type { QConv, QTensor } from '../quant/qgraph.ts'
import { requantise } from '../quant/rules.ts'
import { productsOf } from './products.ts'

/** What some filters over features add to gates of 16 bits. */
export interface FilterGates {
  readonly filters: number
  /** From codes [step][feature][line] at one address of kernel memory to gates [step][filter][line] at another one. */
  run(codes: number, gates: number, steps: number, lines: number): void
}

/** The filters `from` .. `until`-1 of a set, as a convolution of 1x1 over the features of `input`: lines are its positions. */
export function filterGates(
  set: QConv,
  assignment: LayerAssignment,
  { bits, signed, zeroPoint }: QTensor,
  from: number,
  until: number,
): FilterGates {
  const features = set.weights.length / set.bias.length
  const rows = [from * features, until * features] as const
  const node = {
    ...set,
    weights: set.weights.subarray(...rows),
    ...{ bias: set.bias.subarray(from, until), multiplier: set.multiplier.subarray(from, until) },
    shift: set.shift.subarray(from, until),
  }
  const own = { ...assignment, ofKernel: assignment.ofKernel.subarray(...rows) }
  const products = productsOf(node, own)
  const filters = until - from
  if (products.kind === 'wide' || products.kind === 'curve') return { filters, run: tableGates(node, own) }
  const { bias, multiplier, shift, low, high } = node
  const kernel = createConvolution(
    {
      ...{ channels: features, height: 1, width: 1, filters, rows: 1, columns: 1, groups: 1 },
      ...{ kernel: [1, 1], stride: [1, 1], padding: [0, 0], dilation: [1, 1] },
    },
    { bits, signed, padding: zeroPoint },
    products,
    bias,
    { kind: 'gates', multiplier, shift, low, high },
  )
  return { filters, run: (codes, gates, steps, lines) => kernel.run(codes, gates, steps, lines) }
}

/** Products of any size, one at a time: each weight keeps the start of its row of products. */
function tableGates(node: QConv, { multipliers, ofKernel }: LayerAssignment): FilterGates['run'] {
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
  const { bias, multiplier, shift, low, high } = node
  return (codes, gates, steps, lines) => {
    const from = bytesAt(codes, steps * features * lines)
    const to = shortsAt(gates, steps * filters * lines)
    for (let step = 0, at = 0; step < steps; step++)
      for (let n = 0; n < filters; n++)
        for (let line = 0; line < lines; line++, at++) {
          let sum = bias[n]!
          for (let k = 0; k < features; k++) {
            const code = from[(step * features + k) * lines + line]! & (row - 1)
            sum += table[starts[n * features + k]! + code]!
          }
          to[at] = requantise(sum, multiplier[n]!, shift[n]!, low, high)
        }
  }
}
