import { operandRange } from '../arith/domain.ts'
import type { Factor, Multiplier } from '../arith/multiplier.ts'
import { usageError } from '../base/errors.ts'
import type { QCurve } from '../quant/curve.ts'
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
  if (node.curve !== undefined) return curveRange(node, node.curve, assignment)
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

/** The same where the weights are curves: a term is a product of a moment and a coefficient, shifted to its place. */
export function curveRange(
  node: QConv,
  curve: QCurve,
  assignment: LayerAssignment,
): readonly [low: number, high: number] {
  const orders = curve.degree + 1
  const filters = node.bias.length
  const groups = curve.coefficients.length / filters / orders
  const multiplierOf = groupMultipliers(node, curve, assignment)
  let lowest = 0
  let highest = 0
  for (let n = 0; n < filters; n++) {
    let low = Math.min(0, node.bias[n]!)
    let high = Math.max(0, node.bias[n]!)
    for (let g = 0; g < groups; g++) {
      for (const [order, moment] of curve.moments.orders.entries()) {
        const coefficient = curve.coefficients[(n * groups + g) * orders + order]!
        const multiplier = assignment.byOrder![order]![multiplierOf(n, g)]!
        const [least, most] = coefficientBounds(multiplier, moment.range, coefficient)
        low += Math.min(0, least) * 2 ** moment.shift
        high += Math.max(0, most) * 2 ** moment.shift
      }
    }
    lowest = Math.min(lowest, low)
    highest = Math.max(highest, high)
  }
  return [lowest, highest]
}

/** Index of the multiplier of a filter's group: that of its first kernel. */
export function groupMultipliers(
  { kernel, bias }: Pick<QConv, 'kernel' | 'bias'>,
  { length }: Pick<QCurve, 'length'>,
  { ofKernel }: LayerAssignment,
): (filter: number, group: number) => number {
  const kernels = ofKernel.length / bias.length
  const area = kernel[0] * kernel[1]
  return (filter, group) => ofKernel[filter * kernels + Math.floor((group * length) / area)]!
}

/** Bounds of M(moment, coefficient) over the moment's range; of approximate multipliers over all operands. */
export function coefficientBounds(
  multiplier: Multiplier,
  moments: readonly [low: number, high: number],
  coefficient: number,
): readonly [low: number, high: number] {
  if (multiplier.exact) return ordered(moments[0] * coefficient, moments[1] * coefficient)
  if (multiplier.factors === undefined) return multiplier.productRange
  const terms = multiplier.factors.map(({ ofA, ofB }) => {
    const [low, high] = factorBounds(ofA, operandRange(multiplier.domain.nA, multiplier.domain.signedA))
    return ordered(low * ofB(coefficient), high * ofB(coefficient))
  })
  return [terms.reduce((sum, [low]) => sum + low, 0), terms.reduce((sum, [, high]) => sum + high, 0)]
}

const ordered = (a: number, b: number) => [Math.min(a, b), Math.max(a, b)] as const

const factorRanges = new WeakMap<Factor['ofA'], readonly [number, number]>()

/** Smallest and largest value of a factor over its operands; a multiplier, and so its factor, has one domain. */
function factorBounds(
  ofA: Factor['ofA'],
  [least, most]: readonly [low: number, high: number],
): readonly [number, number] {
  let bounds = factorRanges.get(ofA)
  if (bounds === undefined) {
    let [low, high] = [ofA(least), ofA(least)]
    for (let a = least + 1; a <= most; a++) {
      const value = ofA(a)
      if (value < low) low = value
      if (value > high) high = value
    }
    bounds = [low, high]
    factorRanges.set(ofA, bounds)
  }
  return bounds
}

/** Refuses a layer whose sums could leave 32 bits. */
export function checkAccumulator(node: QConv, assignment: LayerAssignment, domain: string): void {
  const [low, high] = accumulatorRange(node, assignment)
  if (low >= -(2 ** 31) && high < 2 ** 31) return
  throw usageError(
    `layer "${node.name}" (${domain}) can accumulate from ${low} to ${high}: more than 32 bits hold`,
    {
      where: node.name,
      hint:
        node.curve === undefined
          ? 'Use fewer weight or activation bits (quant.weights, quant.activations).'
          : 'Use fewer bits of coefficients or activations (weights.bits, quant.activations), or shorter groups (weights.group).',
    },
  )
}
