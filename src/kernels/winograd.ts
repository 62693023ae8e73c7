import type { CodeFormat, ConvolutionShape } from './convolution.ts'
import { type PieceLimits, panelStepOf, up } from './pieces.ts'
import type { DotProducts } from './products.ts'

// Minimal filtering F(4,3) down the columns, in integers: Winograd 1980; Lavin & Gray 2016. The proof stands in docs/emulation.md.

/** Rows and columns of the result that the kernel computes together: src/kernels/assembly/winograd.ts. */
const tile = { rows: 4, columns: 8, filters: 4 } as const
const points = 6

/** Transformed values are at most so many times as large. */
const growth = 10
/** The largest sum, bias included, of which eight fit 32 bits. */
const largestSum = 2 ** 28 - 1
const largestShort = 32767

/** The weights of a layer of dot products for this kernel: undefined where shape or ranges forbid it, or plain sums cost less. */
export function winogradWeights(
  shape: ConvolutionShape,
  format: CodeFormat,
  products: DotProducts,
  bias: ArrayLike<number>,
): Int16Array | undefined {
  const { kernel, stride, dilation } = shape
  if (kernel[0] !== 3 || stride[0] !== 1 || stride[1] !== 1 || dilation[0] !== 1) return undefined
  if (!costsLess(shape, products.terms)) return undefined
  const largest = largestValue(format, products)
  if (growth * largest > largestShort || !sumsFit(products, largest, bias)) return undefined
  return transformed(shape, products)
}

/**
 * Fitted to times on a Sapphire Rapids core, in twelfths of a cycle or so, by position: what tiles hold beyond the map is computed
 * too, and each value is packed once, each sum finished once.
 */
function costsLess(
  { rows, columns, channels, filters, groups, kernel }: ConvolutionShape,
  terms: number,
): boolean {
  const values = (channels / groups) * kernel[1] * terms
  const lanes = up(filters / groups, tile.filters)
  const covered = (up(rows, tile.rows) / rows) * (up(columns, tile.columns) / columns)
  const fast = covered * (lanes * (up(values, 2) / 8 + 1.1) + 0.7 * values)
  const plain = lanes * (up(3 * values, 4) / 12 + 0.4) + 1.2 * values
  return filters / groups >= tile.filters && 1.1 * fast < plain
}

function largestValue({ bits, signed, padding }: CodeFormat, { terms, values }: DotProducts): number {
  if (values === undefined) return Math.max(signed ? 2 ** (bits - 1) : 2 ** bits - 1, Math.abs(padding))
  let largest = 0
  for (let t = 0; t < terms; t++)
    for (let code = 0; code < 2 ** bits; code++)
      largest = Math.max(largest, Math.abs(values[256 * t + code]!))
  return largest
}

function sumsFit({ weights }: DotProducts, largest: number, bias: ArrayLike<number>): boolean {
  const count = weights.length / bias.length
  for (let n = 0; n < bias.length; n++) {
    let sum = Math.abs(bias[n]!)
    for (let i = n * count; i < (n + 1) * count; i++) sum += Math.abs(weights[i]!) * largest
    if (sum > largestSum) return false
  }
  return true
}

/** [group][tile of four filters][point][pair of values][filter][2]; a value is a channel, a column of the kernel and a term. */
function transformed(
  { filters, groups, channels, kernel }: ConvolutionShape,
  { terms, weights }: DotProducts,
): Int16Array | undefined {
  const values = (channels / groups) * kernel[1] * terms
  const pairs = Math.ceil(values / 2)
  const perGroup = filters / groups
  const tiles = Math.ceil(perGroup / tile.filters)
  const to = new Int16Array(groups * tiles * pairs * points * tile.filters * 2)
  for (let n = 0; n < filters; n++) {
    const inGroup = n % perGroup
    const first = ((n - inGroup) / perGroup) * tiles + Math.floor(inGroup / tile.filters)
    for (let value = 0; value < values; value++) {
      const line = kernel[1] * terms
      const inChannel = value % line
      const from = n * 3 * values + ((value - inChannel) / line) * 3 * line + inChannel
      const column = ofColumn(weights[from]!, weights[from + line]!, weights[from + 2 * line]!)
      if (column.some((weight) => Math.abs(weight) > largestShort)) return undefined
      for (const [point, weight] of column.entries()) {
        const pair = (first * points + point) * pairs + (value >> 1)
        to[(pair * tile.filters + (inGroup % tile.filters)) * 2 + (value & 1)] = weight
      }
    }
  }
  return to
}

/** A column of a kernel at the points 0, 1, -1, 2, -2 and infinity; the scales that make the inverse short are part of it. */
const ofColumn = (a: number, b: number, c: number) => [
  6 * a,
  a + b + c,
  a - b + c,
  a + 2 * b + 4 * c,
  a - 2 * b + 4 * c,
  6 * c,
]

/** A bias as what it adds to the sum at point 1, in 32 bits: a constant of its size adds nothing at the others. */
export const winogradConstant = (bias: number): number => Math.imul(-6, bias)

/** Packed operands of a piece stay in the second cache; where they are large, few of them share the reading of all weights. */
const packedBytes = 384 * 1024
const fewestPanels = 6
const mostPositions = 1024

export function winogradLimits({ channels, groups, kernel }: ConvolutionShape, terms: number): PieceLimits {
  const pairs = Math.ceil(((channels / groups) * kernel[1] * terms) / 2)
  const panelBytes = panelStepOf(pairs * points * tile.columns * 4)
  const panelPositions = tile.rows * tile.columns
  const panels = (positions: number) => positions / panelPositions
  return {
    positions: Math.min(
      mostPositions,
      Math.max(fewestPanels, Math.floor(packedBytes / panelBytes)) * panelPositions,
    ),
    filters: Number.POSITIVE_INFINITY,
    least: { positions: 128, filters: 16 },
    tile: [tile.rows, tile.columns],
    planes: 1 + 2 * terms * points,
    element: 2,
    scratch: (positions) =>
      panels(positions) * panelBytes + tile.filters * positions * 4 + points * 128 + 128,
  }
}
