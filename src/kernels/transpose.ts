import { createJob, words } from './job.ts'

// The words of the job: src/kernels/assembly/transpose.ts, in its order.
export const transposeWords = words('input output rows columns pieceRows')

/** Rows of a piece: whole blocks of eight, and their columns fill lines of the cache. */
const rowsOfPiece = 64
/** What a piece of some hundred columns takes as long as. */
const productsOfPiece = 2 ** 17

/** [row][column] of bytes at one address to [column][row] at another one. */
export function createTranspose() {
  const run = createJob('transposeBytes', transposeWords, { pieceRows: rowsOfPiece }, productsOfPiece)
  return (input: number, output: number, rows: number, columns: number): void =>
    run({ input, output, rows, columns }, Math.ceil(rows / rowsOfPiece))
}
