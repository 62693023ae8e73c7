import type { Multiplier } from '../arith/multiplier.ts'
import { signedBits } from '../base/integers.ts'
import type { QConv } from '../quant/qgraph.ts'

/**
 * Bits that hold every partial sum of every filter, whatever the activations and the order of summation: the sums of the
 * smallest and of the largest product of each weight bound all of them.
 */
export function partialSumBits(conv: QConv, multiplier: Multiplier): number {
  const extremes = productExtremes(multiplier)
  const filters = conv.bias.length
  const taps = conv.weights.length / filters
  let bits = multiplier.productBits + (multiplier.productSigned ? 0 : 1)
  for (let n = 0; n < filters; n++) {
    let low = 0
    let high = 0
    for (let k = 0; k < taps; k++) {
      const [smallest, largest] = extremes(conv.weights[n * taps + k]!)
      low += Math.min(0, smallest)
      high += Math.max(0, largest)
    }
    bits = Math.max(bits, signedBits(low, high))
  }
  return bits
}

/** Smallest and largest product by weight, each found once. */
function productExtremes(multiplier: Multiplier): (weight: number) => readonly [number, number] {
  const { nA, nB } = multiplier.domain
  const table = multiplier.table()
  const known = new Map<number, readonly [number, number]>()
  return (weight) => {
    let found = known.get(weight)
    if (found === undefined) {
      const code = weight & (2 ** nB - 1)
      let low = Infinity
      let high = -Infinity
      for (let a = 0; a < 2 ** nA; a++) {
        const product = table[a * 2 ** nB + code]!
        if (product < low) low = product
        if (product > high) high = product
      }
      found = [low, high]
      known.set(weight, found)
    }
    return found
  }
}
