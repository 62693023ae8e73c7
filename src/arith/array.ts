import type { Comb } from '../comb/comb.ts'
import { bit } from '../comb/derived.ts'
import { adders } from './adder.ts'
import { addRow, type Columns, compress, emptyColumns, type Reduction, trees } from './compressor.ts'
import type { Domain } from './domain.ts'

/** How partial products are added where a spec does not say it. */
export const plainReduction: Reduction = { tree: trees[0], adder: adders[0] }

/**
 * Adds the cells a_i AND b_j that `keep` keeps; of a signed operand the cells of the top bit weigh negative (Baugh and
 * Wooley, 1973).
 */
export function addCells<T>(
  c: Comb<T>,
  columns: Columns<T>,
  a: T,
  b: T,
  { signedA, signedB }: Pick<Domain, 'signedA' | 'signedB'>,
  keep: (i: number, j: number) => boolean = () => true,
): void {
  const [nA, nB] = [c.width(a), c.width(b)]
  for (let j = 0; j < nB; j++) {
    for (let i = 0; i < nA; i++) {
      if (!keep(i, j)) continue
      const cell = c.label(c.and(bit(c, a, i), bit(c, b, j)), `cell_${i}_${j}`)
      const negative = (signedA && i === nA - 1) !== (signedB && j === nB - 1)
      addRow(columns, [negative ? c.not(cell) : cell], i + j)
      // -x 2^k = (1 - x) 2^k - 2^k
      if (negative) columns.constant -= 1n << BigInt(i + j)
    }
  }
}

/** x * y of unsigned values, width(x) + width(y) bits: the exact core of multipliers that shorten their operands. */
export function unsignedProduct<T>(c: Comb<T>, x: T, y: T, reduction: Reduction = plainReduction): T {
  const columns = emptyColumns<T>(c.width(x) + c.width(y))
  addCells(c, columns, x, y, { signedA: false, signedB: false })
  return compress(c, columns, reduction)
}
