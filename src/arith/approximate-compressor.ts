import type { Comb } from '../comb/comb.ts'
import { fullAdder, halfAdder } from './adder.ts'

/** Momeni's approximate 4:2 compressors (A. Momeni et al., "Design and analysis of approximate compressors for multiplication", 2015). */
export type CompressorDesign = 1 | 2

/** A compressor in a tree: stage and column, both from 0, and whether a carry of the column below comes in (design 1). */
export interface PlacedCompressor {
  readonly stage: number
  readonly column: number
  readonly carryIn: boolean
}

export interface ApproximateTree {
  readonly design: CompressorDesign
  /** Columns below this one have approximate compressors. */
  readonly columns: number
  readonly place?: (compressor: PlacedCompressor) => void
}

/**
 * Reduces columns to two bits each in stages of 4:2 compressors, after Dadda: a stage leaves each column 2, 4, 8, ... bits, as many as
 * the next one can take, and adds no more than that needs: an approximate compressor for three bits too many, else a full adder for two, a half adder
 * for one. Columns from `columns` on have full and half adders alone.
 */
export function reduceApproximately<T>(
  c: Comb<T>,
  given: readonly (readonly T[])[],
  tree: ApproximateTree,
): T[][] {
  let columns = given.map((column) => [...column])
  const limits = [2]
  while (2 * limits.at(-1)! < Math.max(...columns.map(({ length }) => length)))
    limits.push(2 * limits.at(-1)!)
  for (const [stage, limit] of limits.toReversed().entries())
    columns = reduceStage(c, columns, limit, stage, tree)
  return columns
}

/** One stage: adders and compressors take bits of the stage before first, and sums of this one only where a column has no others. */
function reduceStage<T>(
  c: Comb<T>,
  given: readonly (readonly T[])[],
  limit: number,
  stage: number,
  { design, columns: below, place }: ApproximateTree,
): T[][] {
  const columns = given.map((column) => [...column])
  // carries that a compressor of design 1 may take for its carry in
  const chained: T[][] = given.map(() => [])
  for (const [i, column] of columns.entries()) {
    const chain = chained[i]!
    while (column.length + chain.length > limit) {
      const excess = column.length + chain.length - limit
      const take = () => (column.length > 0 ? column.shift()! : chain.shift()!)
      if (i < below && excess >= 3 && column.length >= 4) {
        const inputs = [take(), take(), take(), take()] as const
        const carryIn = design === 1 ? chain.shift() : undefined
        place?.({ stage, column: i, carryIn: carryIn !== undefined })
        const { sum, carry } = approximate(c, inputs, carryIn, i)
        column.push(sum)
        if (design === 1) chained[i + 1]?.push(carry)
        else columns[i + 1]?.push(carry)
        if (carryIn !== undefined) columns[i + 1]?.push(carryIn)
      } else {
        const { sum, carry } =
          excess >= 2 ? fullAdder(c, take(), take(), take(), i) : halfAdder(c, take(), take(), i)
        column.push(sum)
        columns[i + 1]?.push(carry)
      }
    }
    column.push(...chain)
  }
  return columns
}

/**
 * Design 2: carry = (x1|x2)(x3|x4), sum = ~(x1^x2) | ~(x3^x4). Design 1 has the same carry, as its carry out, and passes its carry in on to the
 * next column; its sum is 0 where the carry in is 1.
 */
function approximate<T>(
  c: Comb<T>,
  [x1, x2, x3, x4]: readonly [T, T, T, T],
  carryIn: T | undefined,
  column: number,
): { readonly sum: T; readonly carry: T } {
  const carry = c.and(c.or(x1, x2), c.or(x3, x4))
  const equal = c.not(c.and(c.xor(x1, x2), c.xor(x3, x4)))
  return {
    sum: c.label(carryIn === undefined ? equal : c.and(equal, c.not(carryIn)), `approximate_sum_${column}`),
    carry: c.label(carry, `approximate_carry_${column + 1}`),
  }
}
