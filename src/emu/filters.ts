import type { LayerAssignment } from '../approx/assignment.ts'
import type { QConv } from '../quant/qgraph.ts'
import type { Codes } from '../quant/rules.ts'

/** The sums of a set of filters over some features: bias and products, before any requantisation. */
export interface FilterSums {
  /** Writes the sums of the filters `from` .. `until`-1 over the features that stand at `at` in `codes` to `to[from ..]`. */
  add(codes: Codes, at: number, to: Int32Array, from: number, until: number): void
}

/**
 * The filters of a recurrent layer, one set of features at a time. Each weight keeps the start of its row of products, which stay
 * from step to step.
 */
export function filterSums(node: QConv, { multipliers, ofKernel }: LayerAssignment): FilterSums {
  const filters = node.bias.length
  const features = node.weights.length / filters
  const { nA } = multipliers[0]!.domain
  const [row, weightCodes] = [2 ** nA, 2 ** node.weightBits]
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
  const mask = row - 1
  return {
    add(codes, at, to, from, until) {
      for (let n = from; n < until; n++) {
        let sum = node.bias[n]!
        const first = n * features
        for (let k = 0; k < features; k++) sum += table[starts[first + k]! + (codes[at + k]! & mask)]!
        to[n] = sum
      }
    },
  }
}
