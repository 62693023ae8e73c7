import type { LayerAssignment } from '../approx/assignment.ts'
import { operandValue } from '../arith/batch.ts'
import { integerFactors } from '../arith/factors.ts'
import type { Multiplier } from '../arith/multiplier.ts'
import type { DotProducts, Products, TableProducts } from '../kernels/products.ts'
import { type ProductRows, placeRows, rowCodes } from '../kernels/rows.ts'
import type { QConv } from '../quant/qgraph.ts'
import { curveSums } from './curve.ts'
import type { PlainProducts } from './plain.ts'

/**
 * How a layer's products are computed: as int16 products where they have factors, else by tables. `codes` is how many activation codes
 * occur, from 0 on, where not all do.
 */
export function productsOf(
  node: QConv,
  assignment: LayerAssignment,
  codes?: number,
): Products | PlainProducts {
  if (node.curve !== undefined) return { kind: 'curve', sums: curveSums(node, node.curve, assignment) }
  return (
    dotProducts(node, assignment) ??
    tableProducts(node, assignment, codes) ?? {
      kind: 'wide',
      ...wideProducts(node, assignment),
    }
  )
}

const tapsOf = (node: QConv) => node.weights.length / node.bias.length

/** Calls back for every weight, filter by filter, with the place of its multiplier. */
function eachWeight(
  node: QConv,
  { ofKernel }: LayerAssignment,
  visit: (at: number, weight: number, multiplier: number) => void,
): void {
  const area = node.kernel[0] * node.kernel[1]
  for (let kernel = 0, at = 0; at < node.weights.length; kernel++) {
    const multiplier = ofKernel[kernel]!
    for (let i = 0; i < area; i++, at++) visit(at, node.weights[at]!, multiplier)
  }
}

/** One term of a multiplier, by codes: of the activation, and of the weight. */
interface Term {
  readonly ofA: Int16Array
  readonly ofB: Int16Array
}

/** More values than this for each activation, and tables are faster. */
const mostTerms = 2

/** Where all multipliers have factors, and few different ones of the activation, so that filters share them. */
function dotProducts(node: QConv, assignment: LayerAssignment): DotProducts | undefined {
  const used = new Set(assignment.ofKernel)
  if (assignment.multipliers.every((multiplier, index) => multiplier.exact || !used.has(index)))
    return { kind: 'dot', terms: 1, values: undefined, weights: Int16Array.from(node.weights) }
  const values: Int16Array[] = []
  /** By multiplier and value: what the weight becomes. */
  const weightsOf: (Int16Array | undefined)[][] = assignment.multipliers.map(() => [])
  for (const [index, multiplier] of assignment.multipliers.entries()) {
    if (!used.has(index)) continue
    const terms = termsOf(multiplier)
    if (terms === undefined) return undefined
    for (const { ofA, ofB } of terms) {
      let place = values.findIndex((known) => known.every((value, code) => value === ofA[code]))
      if (place < 0) place = values.push(ofA) - 1
      if (values.length > mostTerms || weightsOf[index]![place] !== undefined) return undefined
      weightsOf[index]![place] = ofB
    }
  }
  const terms = values.length
  const weights = new Int16Array(node.weights.length * terms)
  eachWeight(node, assignment, (at, weight, multiplier) => {
    for (let t = 0; t < terms; t++) {
      const of = weightsOf[multiplier]![t]
      if (of !== undefined) weights[at * terms + t] = of[weight & (of.length - 1)]!
    }
  })
  const lookup = new Int16Array(terms * 256)
  for (const [t, of] of values.entries()) lookup.set(of, t * 256)
  return { kind: 'dot', terms, values: lookup, weights }
}

const knownTerms = new WeakMap<Multiplier, readonly Term[] | 'none'>()

/** The terms of a multiplier whose products are at most two products of int16: as its family says, or as its table shows. */
function termsOf(multiplier: Multiplier): readonly Term[] | undefined {
  let terms = knownTerms.get(multiplier)
  if (terms === undefined) {
    terms = findTerms(multiplier) ?? 'none'
    knownTerms.set(multiplier, terms)
  }
  return terms === 'none' ? undefined : terms
}

function findTerms(multiplier: Multiplier): readonly Term[] | undefined {
  const { nA, nB, signedA, signedB } = multiplier.domain
  const byCodes = (of: (value: number) => number, bits: number, signed: boolean) =>
    Array.from({ length: 2 ** bits }, (_, code) => of(operandValue(code, bits, signed)))
  const factors =
    multiplier.factors?.map(({ ofA, ofB }) => ({
      ofA: byCodes(ofA, nA, signedA),
      ofB: byCodes(ofB, nB, signedB),
    })) ?? integerFactors(multiplier.table(), 2 ** nA, 2 ** nB, mostTerms)
  if (factors === undefined || factors.length > mostTerms) return undefined
  const short = (values: readonly number[]) => values.every((value) => value >= -32768 && value <= 32767)
  if (!factors.every(({ ofA, ofB }) => short(ofA) && short(ofB))) return undefined
  return factors.map(({ ofA, ofB }) => ({ ofA: Int16Array.from(ofA), ofB: Int16Array.from(ofB) }))
}

/** By the number of codes that occur. */
const knownRows = new WeakMap<Multiplier, Map<number, ProductRows | 'wide'>>()

function rowsOf(multiplier: Multiplier, codes: number): ProductRows | 'wide' {
  const known = knownRows.get(multiplier) ?? new Map<number, ProductRows | 'wide'>()
  knownRows.set(multiplier, known)
  let rows = known.get(codes)
  if (rows === undefined) {
    rows = placeRows(multiplier.table(), multiplier.domain.nA, multiplier.domain.nB, codes) ?? 'wide'
    known.set(codes, rows)
  }
  return rows
}

function tableProducts(node: QConv, assignment: LayerAssignment, codes?: number): TableProducts | undefined {
  const rows: ProductRows[] = []
  for (const multiplier of assignment.multipliers) {
    const own = rowsOf(multiplier, codes ?? rowCodes(multiplier.domain.nA))
    if (own === 'wide') return undefined
    rows.push(own)
  }
  const index = new Uint16Array(node.weights.length)
  eachWeight(node, assignment, (at, weight, multiplier) => {
    index[at] = multiplier * 256 + (weight & (2 ** node.weightBits - 1))
  })
  return { kind: 'table', rows, index }
}

/** Taps of one filter that can add something: `factors` are the starts of their weights' rows in the table. */
export interface FilterTaps {
  readonly taps: Int32Array
  readonly factors: Int32Array
}

/** Products of any size, one at a time. */
function wideProducts(
  node: QConv,
  assignment: LayerAssignment,
): { readonly table: Int32Array; readonly taps: readonly FilterTaps[] } {
  const { table, silent } = rowTables(assignment.multipliers)
  const row = 2 ** assignment.multipliers[0]!.domain.nA
  const weightCodes = 2 ** node.weightBits
  const count = tapsOf(node)
  const filters = Array.from(node.bias, () => ({ taps: [] as number[], factors: [] as number[] }))
  eachWeight(node, assignment, (at, weight, multiplier) => {
    const code = multiplier * weightCodes + (weight & (weightCodes - 1))
    if (silent[code]) return
    const { taps, factors } = filters[Math.floor(at / count)]!
    taps.push(at % count)
    factors.push(code * row)
  })
  return {
    table,
    taps: filters.map((one) => ({ taps: Int32Array.from(one.taps), factors: Int32Array.from(one.factors) })),
  }
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
