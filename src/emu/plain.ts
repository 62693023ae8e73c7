import type { QConv, QTensor } from '../quant/qgraph.ts'
import { type Codes, requantise } from '../quant/rules.ts'
import { type Columns, convShape, gatherColumns } from './columns.ts'
import type { CurveSums } from './curve.ts'
import { storeByRule } from './imported.ts'
import type { FilterTaps } from './products.ts'

/** What the kernels have no place for: weights that are curves, and multipliers whose products take more than 16 bits. */
export type PlainProducts =
  /** acc += table[factor + raw activation code]. */
  | { readonly kind: 'wide'; readonly table: Int32Array; readonly taps: readonly FilterTaps[] }
  /** The weights are curves: products of moments and coefficients. */
  | { readonly kind: 'curve'; readonly sums: CurveSums }

/** Positions that are worked on at once: their activations stay in the cache while all filters pass. */
const positionsAtOnce = 2048

/** One convolution in plain JavaScript. */
export function plainConvolution(node: QConv, products: PlainProducts, input: QTensor, output: QTensor) {
  const shape = convShape(node, input, output)
  const { positions, taps } = shape
  const imagesAtOnce = Math.max(1, Math.floor(positionsAtOnce / positions))
  const mask = products.kind === 'wide' ? 2 ** input.bits - 1 : -1
  const inputSize = input.shape[0] * input.shape[1] * input.shape[2]
  let columns: Columns = new Uint8Array(0)
  let sums = new Int32Array(0)

  return ([codes]: readonly Codes[], images: number, result: Codes): void => {
    const most = Math.min(images, imagesAtOnce)
    if (sums.length < most * positions) {
      sums = new Int32Array(most * positions)
      columns = new (products.kind === 'wide' ? Uint8Array : Int16Array)(taps * most * positions)
    }
    for (let first = 0; first < images; first += imagesAtOnce) {
      const count = Math.min(imagesAtOnce, images - first)
      const line = count * positions
      for (let g = 0; g < node.groups; g++) {
        gatherColumns(node, shape, codes!, first * inputSize, count, g, columns, input.zeroPoint, mask)
        if (products.kind === 'curve') products.sums.gather(columns as Int16Array, taps, line)
        for (let n = g * shape.filters; n < (g + 1) * shape.filters; n++) {
          sums.fill(node.bias[n]!, 0, line)
          if (products.kind === 'wide')
            addFromTable(sums, line, columns as Uint8Array, products.table, products.taps[n]!)
          else products.sums.add(sums, line, n)
          storeFilter(node, n, sums, count, positions, result, first)
        }
      }
    }
  }
}

/** Four taps at a time, so that each sum is loaded and stored once for four products. */
function addFromTable(
  sums: Int32Array,
  line: number,
  columns: Uint8Array,
  table: Int32Array,
  { taps, factors }: FilterTaps,
): void {
  const whole = taps.length & ~3
  for (let i = 0; i < whole; i += 4) {
    const c0 = taps[i]! * line
    const c1 = taps[i + 1]! * line
    const c2 = taps[i + 2]! * line
    const c3 = taps[i + 3]! * line
    const f0 = factors[i]!
    const f1 = factors[i + 1]!
    const f2 = factors[i + 2]!
    const f3 = factors[i + 3]!
    for (let p = 0; p < line; p++) {
      const low = (table[f0 + columns[c0 + p]!]! + table[f1 + columns[c1 + p]!]!) | 0
      const high = (table[f2 + columns[c2 + p]!]! + table[f3 + columns[c3 + p]!]!) | 0
      sums[p] = (sums[p]! + low + high) | 0
    }
  }
  for (let i = whole; i < taps.length; i++) {
    const c = taps[i]! * line
    const f = factors[i]!
    for (let p = 0; p < line; p++) sums[p] = (sums[p]! + table[f + columns[c + p]!]!) | 0
  }
}

function storeFilter(
  node: QConv,
  n: number,
  sums: Int32Array,
  images: number,
  positions: number,
  result: Codes,
  first: number,
): void {
  const { low, high, rule } = node
  if (rule !== undefined) {
    storeByRule(node, rule, n, sums, images, positions, result, first)
    return
  }
  const multiplier = node.multiplier[n]!
  const shift = node.shift[n]!
  const filters = node.bias.length
  for (let i = 0; i < images; i++) {
    const to = ((first + i) * filters + n) * positions
    for (let p = 0; p < positions; p++)
      result[to + p] = requantise(sums[i * positions + p]!, multiplier, shift, low, high)
  }
}
