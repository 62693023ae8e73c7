import type { Comb } from '../comb/comb.ts'
import { bitsOf, fromBits } from '../comb/derived.ts'
import { type Adder, addGates, fullAdder, halfAdder } from './adder.ts'

/** The orders in which a compressor tree may work. */
export const trees = ['dadda', 'wallace'] as const
export type Tree = (typeof trees)[number]

/** What reduces partial products to the product. */
export interface Reduction {
  readonly tree: Tree
  readonly adder: Adder
}

/** Bits to be added, by weight: column i holds bits of weight 2^i. Bits beyond the width are dropped: a sum modulo 2^width. */
export interface Columns<T> {
  readonly width: number
  readonly columns: readonly T[][]
  /** What is added besides, modulo 2^width. */
  constant: bigint
}

export function emptyColumns<T>(width: number): Columns<T> {
  return { width, columns: Array.from({ length: width }, () => []), constant: 0n }
}

/** Adds an unsigned number, given by its bits from the lowest, times 2^place. */
export function addRow<T>({ columns }: Columns<T>, bits: readonly T[], place: number): void {
  bits.forEach((bit, i) => {
    columns[place + i]?.push(bit)
  })
}

/**
 * Adds a two's complement number times 2^place without copies of its sign s: -s 2^k = (1 - s) 2^k - 2^k, so the inverted
 * sign is one more bit, and the -2^k of all rows are one constant.
 */
export function addSignedRow<T>(c: Comb<T>, columns: Columns<T>, bits: readonly T[], place: number): void {
  addRow(columns, [...bits.slice(0, -1), c.not(bits.at(-1)!)], place)
  columns.constant -= 1n << BigInt(place + bits.length - 1)
}

/** The sum of the columns, in gates. */
export function compress<T>(c: Comb<T>, given: Columns<T>, { tree, adder }: Reduction): T {
  const { width } = given
  const columns = given.columns.map((column) => [...column])
  const constant = BigInt.asUintN(width, given.constant)
  for (let i = 0; i < width; i++) if ((constant >> BigInt(i)) & 1n) columns[i]!.push(c.constant(1, 1))
  const reduced = tree === 'dadda' ? reduceDadda(c, columns) : reduceWallace(c, columns)
  // Below the first column of two bits there is nothing to add.
  const start = Math.max(
    0,
    reduced.findIndex((column) => column.length === 2),
  )
  const row = (index: number) =>
    fromBits(
      c,
      reduced.slice(start).map((column) => column[index] ?? c.constant(0, 1)),
    )
  const low = reduced.slice(0, start).map((column) => column[0] ?? c.constant(0, 1))
  const high = reduced.some((column) => column.length === 2) ? addGates(c, adder, row(0), row(1)) : row(0)
  return start === 0 ? high : fromBits(c, [...low, ...bitsOf(c, high)])
}

/** Dadda's tree: each stage takes only as many bits as the next height (2, 3, 4, 6, 9, 13, ...) demands. */
function reduceDadda<T>(c: Comb<T>, columns: T[][]): T[][] {
  const heights = [2]
  while (heights.at(-1)! < height(columns)) heights.push(Math.floor(heights.at(-1)! * 1.5))
  for (const limit of heights.toReversed()) {
    // From the right, so that carries into a column are there when its turn comes.
    for (const [i, column] of columns.entries()) {
      while (column.length > limit) {
        const { sum, carry } =
          column.length === limit + 1
            ? halfAdder(c, column.shift()!, column.shift()!, i)
            : fullAdder(c, column.shift()!, column.shift()!, column.shift()!, i)
        column.push(sum)
        columns[i + 1]?.push(carry)
      }
    }
  }
  return columns
}

/** Wallace's tree: each stage takes as many bits as it can, three by three. */
function reduceWallace<T>(c: Comb<T>, columns: T[][]): T[][] {
  let current = columns
  while (height(current) > 2) {
    const next: T[][] = current.map(() => [])
    for (const [i, column] of current.entries()) {
      for (let j = 0; j < column.length; j += 3) {
        const [x, y, z] = column.slice(j, j + 3) as [T, T, T]
        if (j + 3 <= column.length) {
          const { sum, carry } = fullAdder(c, x, y, z, i)
          next[i]!.push(sum)
          next[i + 1]?.push(carry)
        } else if (j + 2 === column.length && column.length > 2) {
          const { sum, carry } = halfAdder(c, x, y, i)
          next[i]!.push(sum)
          next[i + 1]?.push(carry)
        } else next[i]!.push(...column.slice(j))
      }
    }
    current = next
  }
  return current
}

const height = (columns: readonly (readonly unknown[])[]) =>
  columns.reduce((most, column) => Math.max(most, column.length), 0)
