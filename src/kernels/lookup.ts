import { createJob, words } from './job.ts'
import { bytesAt, hold, wordsAt } from './memory.ts'

// The words of the jobs: src/kernels/assembly/lookup.ts and softmax.ts, in their order.
export const lookupWords = words('first second output count repeat table pieceCodes')
export const softmaxWords = words('input output blocks length step table one high signed pieceBlocks')

/** Codes of a piece, and the products for which one takes as long as. */
const codesOfPiece = 2 ** 15
const productsOfCode = 16

/** A code for each code, by its byte: 256 of them. */
export function createLookup(table: ArrayLike<number>) {
  const run = job('lookupCodes', table)
  return (input: number, output: number, count: number): void =>
    run({ first: input, second: 0, output, count, repeat: 1 }, Math.ceil(count / codesOfPiece))
}

/** A code for each pair of codes, by their bytes: [second][first]. `repeat` codes of the first input meet the same one of the second. */
export function createPairLookup(table: ArrayLike<number>) {
  const run = job('lookupPairs', table)
  return (first: number, second: number, output: number, count: number, repeat = 1): void =>
    run({ first, second, output, count, repeat }, Math.ceil(count / codesOfPiece))
}

function job(kernel: 'lookupCodes' | 'lookupPairs', values: ArrayLike<number>) {
  const holder = {}
  const table = hold(holder, values.length)
  bytesAt(table, values.length).set(values)
  const known = { table, pieceCodes: codesOfPiece }
  return createJob(kernel, lookupWords, known, codesOfPiece * productsOfCode, holder)
}

/** y_i = min(high, floor((2 * t_i * one + sum) / (2 * sum))), t_i = table[largest - x_i], over lines of codes that stand `step` apart. */
export interface LineShares {
  readonly count: number
  readonly step: number
  /** By difference of codes; sums of a line stay below 2^32. */
  readonly table: Int32Array
  readonly one: number
  readonly high: number
  readonly signed: boolean
}

/** `blocks` blocks of count * step codes at one address to as many at another. */
export function createSoftmax({ count, step, table, one, high, signed }: LineShares) {
  const holder = {}
  const at = hold(holder, 4 * table.length)
  wordsAt(at, table.length).set(table)
  const pieceBlocks = Math.max(1, Math.floor(codesOfPiece / (count * step)))
  const run = createJob(
    'softmaxCodes',
    softmaxWords,
    { length: count, step, table: at, one, high, signed: Number(signed), pieceBlocks },
    codesOfPiece * productsOfCode,
    holder,
  )
  return (input: number, output: number, blocks: number): void =>
    run({ input, output, blocks }, Math.ceil(blocks / pieceBlocks))
}
