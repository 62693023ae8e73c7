import type { QAdd } from '../quant/qgraph.ts'
import { addCodes, type Codes } from '../quant/rules.ts'

/** Emulates one addition over all images at once: it knows no positions. */
export function addition({ multipliers: [m0, m1], shift, low, high }: QAdd) {
  return ([first, second]: readonly Codes[], _images: number, result: Codes): void => {
    for (let i = 0; i < result.length; i++)
      result[i] = addCodes(first![i]!, second![i]!, m0, m1, shift, low, high)
  }
}
