import { hold, shortsAt } from './memory.ts'

/** The products of one multiplier as rows that tables are made from, in kernel memory. */
export interface ProductRows {
  /** Address of [weight code][activation code] of int16: products less the middle of their row. */
  readonly at: number
  readonly activationBits: number
  readonly weightBits: number
  /** Activation codes of a row, from 0 on: all, or those that occur. */
  readonly codes: number
  /** By weight code: what was taken off, and the largest magnitude that is left. */
  readonly middle: Int32Array
  readonly reach: Int32Array
}

/** Codes of a row are a multiple of this. */
const codesOfBlock = 8

/** Codes of a row for activations of so many bits. */
export const rowCodes = (activationBits: number): number => Math.max(codesOfBlock, 2 ** activationBits)

/**
 * Rows of products [activation code][weight code], of up to 8 bits each; undefined where a row spans more than 65,535. Where no
 * activation code from `codes` on occurs, rows end there, and their middles and reaches are those of the others.
 */
export function placeRows(
  products: ArrayLike<number>,
  activationBits: number,
  weightBits: number,
  codes = rowCodes(activationBits),
): ProductRows | undefined {
  const weights = 2 ** weightBits
  const activations = Math.min(codes, 2 ** activationBits)
  const middle = new Int32Array(weights)
  const reach = new Int32Array(weights)
  for (let w = 0; w < weights; w++) {
    let [low, high] = [products[w]!, products[w]!]
    for (let i = w; i < activations * weights; i += weights) {
      const product = products[i]!
      if (product < low) low = product
      if (product > high) high = product
    }
    middle[w] = Math.ceil((low + high) / 2)
    reach[w] = Math.max(high - middle[w]!, middle[w]! - low)
    if (high - middle[w]! > 32767 || middle[w]! - low > 32768) return undefined
  }
  const rows = { at: 0, activationBits, weightBits, codes, middle, reach }
  rows.at = hold(rows, weights * codes * 2)
  const shorts = shortsAt(rows.at, weights * codes)
  for (let a = 0, i = 0; a < activations; a++) {
    for (let w = 0; w < weights; w++, i++) shorts[w * codes + a] = products[i]! - middle[w]!
  }
  return rows
}
