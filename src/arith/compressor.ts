import type { Comb } from '../comb/comb.ts'
import { bitsOf, fromBits } from '../comb/derived.ts'
import { type Adder, addGates, fullAdder, halfAdder } from './adder.ts'

/** The orders in which a compressor tree may work; `linear` is no tree, but the rows of a carry-save array. */
export const trees = ['dadda', 'wallace', 'arrival', 'linear'] as const
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
  const ones = columns.map((_, i) => ((constant >> BigInt(i)) & 1n) === 1n)
  for (const [i, column] of columns.entries()) if (ones[i]) column.push(c.constant(1, 1))
  const reduced = reductions[tree](c, columns, ones)
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

const reductions: Record<Tree, <T>(c: Comb<T>, columns: T[][], ones: readonly boolean[]) => T[][]> = {
  dadda: reduceDadda,
  wallace: reduceWallace,
  arrival: reduceByArrival,
  linear: reduceLinearly,
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

/** A bit and when it is there, in gate delays after the partial products; a constant always is. */
interface Timed<T> {
  readonly bit: T
  readonly at: number
}

/**
 * Column by column, the earliest three bits first, so that a late bit passes few adders (V. G. Oklobdzija, D. Villeger,
 * S. S. Liu, "A method for speed optimized partial product reduction", 1996). `ones` says which columns end in a constant 1.
 */
function reduceByArrival<T>(c: Comb<T>, columns: T[][], ones: readonly boolean[]): T[][] {
  const timed = columns.map((column, i) =>
    column.map(
      (bit, k): Timed<T> => ({
        bit,
        at: ones[i] && k === column.length - 1 ? Number.NEGATIVE_INFINITY : 0,
      }),
    ),
  )
  for (const [i, column] of timed.entries()) {
    while (column.length > 2) {
      column.sort((x, y) => x.at - y.at)
      const [x, y, z] = column.splice(0, 3) as [Timed<T>, Timed<T>, Timed<T>]
      const { sum, carry } = fullAdder(c, x.bit, y.bit, z.bit, i)
      // The last of three bits passes one exclusive OR, the others two, each as long as two simple gates.
      column.push({ bit: sum, at: Math.max(y.at + 4, z.at + 2) })
      timed[i + 1]?.push({ bit: carry, at: Math.max(y.at + 3, z.at + 1.5) })
    }
  }
  return timed.map((column) => column.map(({ bit }) => bit))
}

/** A carry-save array: a row of adders for each row of partial products, one after the other. The smallest wiring, and slow. */
function reduceLinearly<T>(c: Comb<T>, columns: T[][]): T[][] {
  let current = columns
  while (height(current) > 2) {
    const next: T[][] = current.map(() => [])
    for (const [i, column] of current.entries()) {
      if (column.length < 3) next[i]!.push(...column)
      else {
        const [x, y, z, ...rest] = column as [T, T, T, ...T[]]
        const { sum, carry } = fullAdder(c, x, y, z, i)
        // First what was added, so that the next row of adders takes it.
        next[i]!.unshift(sum)
        next[i]!.push(...rest)
        next[i + 1]?.unshift(carry)
      }
    }
    current = next
  }
  return current
}

const height = (columns: readonly (readonly unknown[])[]) =>
  columns.reduce((most, column) => Math.max(most, column.length), 0)
