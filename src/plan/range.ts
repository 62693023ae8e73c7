import { curveRange, productBounds } from '../approx/accumulator.ts'
import type { LayerAssignment } from '../approx/assignment.ts'
import type { Multiplier } from '../arith/multiplier.ts'
import { signedBits } from '../base/integers.ts'
import type { QCurve } from '../quant/curve.ts'
import type { QConv } from '../quant/qgraph.ts'
import { termBits, tileSumBits } from './reuse-tile.ts'

/**
 * Bits that hold every partial sum of every filter (bias apart), whatever the activations, the order of summation and the spread
 * over tiles: the sums of the smallest and of the largest product of each weight bound all of them.
 */
export function partialSumBits(conv: QConv, assignment: LayerAssignment): number {
  const { multipliers, ofKernel } = assignment
  if (conv.curve !== undefined) {
    const [low, high] = curveRange({ ...conv, bias: conv.bias.map(() => 0) }, conv.curve, assignment)
    return Math.max(curveTermBits(conv.curve, [assignment]), signedBits(low, high))
  }
  const bounds = multipliers.map(productBounds)
  const filters = conv.bias.length
  const taps = conv.weights.length / filters
  const kernels = ofKernel.length / filters
  const area = taps / kernels
  const codes = 2 ** conv.weightBits - 1
  let bits = productBitsOf(multipliers)
  for (let n = 0; n < filters; n++) {
    let low = 0
    let high = 0
    for (let k = 0; k < taps; k++) {
      const of = bounds[ofKernel[n * kernels + Math.floor(k / area)]!]!
      const code = conv.weights[n * taps + k]! & codes
      low += Math.min(0, of.low[code]!)
      high += Math.max(0, of.high[code]!)
    }
    bits = Math.max(bits, signedBits(low, high))
  }
  return bits
}

/**
 * The same for any weights of the layer's bits, by any of these multipliers: what a design needs whose weights, and with them the tile or mode
 * of each, are loaded at run time.
 */
export function anySumBits(conv: QConv, multipliers: readonly Multiplier[]): number {
  const taps = conv.weights.length / conv.bias.length
  const extreme = (of: (...values: number[]) => number, side: 'low' | 'high') =>
    of(0, ...multipliers.flatMap((multiplier) => [...productBounds(multiplier)[side]]))
  const bits = signedBits(taps * extreme(Math.min, 'low'), taps * extreme(Math.max, 'high'))
  return Math.max(productBitsOf(multipliers), bits)
}

/** The same for any coefficients of the layer's bits, by the multipliers of these layers, all of which have curves of one shape. */
export function anyCurveBits(curve: QCurve, groups: number, assignments: readonly LayerAssignment[]): number {
  const bits = assignments.flatMap(({ byOrder }) =>
    byOrder![0]!.map((_, index) =>
      tileSumBits(
        byOrder!.map((order) => order[index]!),
        curve.moments.orders,
        groups,
      ),
    ),
  )
  return Math.max(curveTermBits(curve, assignments), ...bits)
}

/** Bits of the widest term of any of these multipliers. */
const curveTermBits = (curve: QCurve, assignments: readonly LayerAssignment[]) =>
  Math.max(
    ...assignments.flatMap(({ byOrder }) =>
      byOrder![0]!.map((_, index) =>
        termBits(
          byOrder!.map((order) => order[index]!),
          curve.moments.orders,
        ),
      ),
    ),
  )

/** A sum holds a whole product. */
const productBitsOf = (multipliers: readonly Multiplier[]) =>
  Math.max(...multipliers.map(({ productBits, productSigned }) => productBits + (productSigned ? 0 : 1)))
