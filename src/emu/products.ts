import type { LayerAssignment } from '../approx/assignment.ts'
import type { Multiplier } from '../arith/multiplier.ts'
import type { QConv } from '../quant/qgraph.ts'
import { type CurveSums, curveSums } from './curve.ts'

/** A layer's taps, sorted out: which products each filter adds up. */
export type Products =
  /** All multipliers are exact: acc += factor * activation. */
  | { readonly kind: 'exact'; readonly taps: readonly FilterTaps[] }
  /** acc += table[factor + raw activation code]. */
  | { readonly kind: 'table'; readonly table: Int32Array; readonly taps: readonly FilterTaps[] }
  /** The weights are curves: products of moments and coefficients. */
  | { readonly kind: 'curve'; readonly sums: CurveSums }

/** Taps of one filter that can add something: `factors` is the weight, or the start of its row in the table. */
export interface FilterTaps {
  readonly taps: Int32Array
  readonly factors: Int32Array
}

export function productsOf(node: QConv, assignment: LayerAssignment, channels: number): Products {
  if (node.curve !== undefined) return { kind: 'curve', sums: curveSums(node, node.curve, assignment) }
  const used = new Set(assignment.ofKernel)
  if (assignment.multipliers.every((multiplier, index) => multiplier.exact || !used.has(index))) {
    return {
      kind: 'exact',
      taps: filterTaps(node, (_channel, weight) => (weight === 0 ? undefined : weight), channels),
    }
  }
  const { table, silent } = rowTables(assignment.multipliers)
  const row = 2 ** assignment.multipliers[0]!.domain.nA
  const weightCodes = 2 ** node.weightBits
  const factor = (kernel: number, weight: number) => {
    const code = assignment.ofKernel[kernel]! * weightCodes + (weight & (weightCodes - 1))
    return silent[code] ? undefined : code * row
  }
  return { kind: 'table', table, taps: filterTaps(node, factor, channels) }
}

function filterTaps(
  node: QConv,
  factor: (kernel: number, weight: number) => number | undefined,
  channels: number,
): FilterTaps[] {
  const filters = node.bias.length
  const area = node.kernel[0] * node.kernel[1]
  const count = channels * area
  return Array.from({ length: filters }, (_, n) => {
    const taps: number[] = []
    const factors: number[] = []
    for (let k = 0; k < count; k++) {
      const found = factor(n * channels + Math.floor(k / area), node.weights[n * count + k]!)
      if (found === undefined) continue
      taps.push(k)
      factors.push(found)
    }
    return { taps: Int32Array.from(taps), factors: Int32Array.from(factors) }
  })
}

interface RowTable {
  /** [weight code][activation code]: the activations stream past a weight that stays. */
  readonly table: Int32Array
  /** 1 for each weight code whose products are all 0. */
  readonly silent: Uint8Array
}

const known = new WeakMap<Multiplier, RowTable>()

function rowTable(multiplier: Multiplier): RowTable {
  let rows = known.get(multiplier)
  if (rows === undefined) {
    const activations = 2 ** multiplier.domain.nA
    const weights = 2 ** multiplier.domain.nB
    const products = multiplier.table()
    rows = { table: new Int32Array(products.length), silent: new Uint8Array(weights).fill(1) }
    for (let a = 0; a < activations; a++) {
      for (let w = 0; w < weights; w++) {
        const product = products[a * weights + w]!
        rows.table[w * activations + a] = product
        if (product !== 0) rows.silent[w] = 0
      }
    }
    known.set(multiplier, rows)
  }
  return rows
}

function rowTables(multipliers: readonly Multiplier[]): RowTable {
  const parts = multipliers.map(rowTable)
  if (parts.length === 1) return parts[0]!
  const table = new Int32Array(parts.reduce((sum, part) => sum + part.table.length, 0))
  const silent = new Uint8Array(parts.reduce((sum, part) => sum + part.silent.length, 0))
  for (const [i, part] of parts.entries()) {
    table.set(part.table, i * part.table.length)
    silent.set(part.silent, i * part.silent.length)
  }
  return { table, silent }
}
