import type { Multiplier } from '../arith/multiplier.ts'
import { usageError } from '../base/errors.ts'
import type { QConv } from '../quant/qgraph.ts'
import type { LayerAssignment } from './assignment.ts'

/** Smallest and largest product for each weight code (two's complement, as an index), over all activations. */
export interface ProductBounds {
  readonly low: Int32Array
  readonly high: Int32Array
}

const known = new WeakMap<Multiplier, ProductBounds>()

export function productBounds(multiplier: Multiplier): ProductBounds {
  let bounds = known.get(multiplier)
  if (bounds === undefined) {
    const weights = 2 ** multiplier.domain.nB
    const table = multiplier.table()
    bounds = { low: table.slice(0, weights), high: table.slice(0, weights) }
    for (let i = 0; i < table.length; i++) {
      const w = i % weights
      if (table[i]! < bounds.low[w]!) bounds.low[w] = table[i]!
      if (table[i]! > bounds.high[w]!) bounds.high[w] = table[i]!
    }
    known.set(multiplier, bounds)
  }
  return bounds
}

/** Bounds of every partial sum of a layer, whatever the activations and the order: bias included, in any order of summation. */
export function accumulatorRange(
  node: QConv,
  assignment: LayerAssignment,
): readonly [low: number, high: number] {
  const bounds = assignment.multipliers.map(productBounds)
  const filters = node.bias.length
  const taps = node.weights.length / filters
  const area = node.kernel[0] * node.kernel[1]
  const channels = taps / area
  const mask = 2 ** node.weightBits - 1
  let lowest = 0
  let highest = 0
  for (let n = 0; n < filters; n++) {
    let low = Math.min(0, node.bias[n]!)
    let high = Math.max(0, node.bias[n]!)
    for (let k = 0; k < taps; k++) {
      const of = bounds[assignment.ofKernel[n * channels + Math.floor(k / area)]!]!
      const code = node.weights[n * taps + k]! & mask
      low += Math.min(0, of.low[code]!)
      high += Math.max(0, of.high[code]!)
    }
    lowest = Math.min(lowest, low)
    highest = Math.max(highest, high)
  }
  return [lowest, highest]
}

/** Refuses a layer whose sums could leave 32 bits. */
export function checkAccumulator(node: QConv, assignment: LayerAssignment, domain: string): void {
  const [low, high] = accumulatorRange(node, assignment)
  if (low >= -(2 ** 31) && high < 2 ** 31) return
  throw usageError(
    `layer "${node.name}" (${domain}) can accumulate from ${low} to ${high}: more than 32 bits hold`,
    {
      where: node.name,
      hint: 'Use fewer weight or activation bits (quant.weights, quant.activations).',
    },
  )
}
