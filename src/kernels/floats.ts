import { createJob, words } from './job.ts'

// The words of the jobs: src/kernels/assembly/floats.ts, in its order.
export const floatWords = words('first second output count low high pieceValues')

/** Values of a piece, and what it takes as long as: two products for each. */
const valuesOfPiece = 2 ** 15
const productsOfPiece = 2 * valuesOfPiece

const pieces = (count: number) => Math.ceil(count / valuesOfPiece)

/** min(high, max(low, x)) of `count` float32 values at one address, to another. */
export function createFloatClamp(low: number, high: number) {
  const [lowBits, highBits] = new Int32Array(Float32Array.of(low, high).buffer) as unknown as [number, number]
  const known = { second: 0, low: lowBits, high: highBits, pieceValues: valuesOfPiece }
  const run = createJob('clampFloats', floatWords, known, productsOfPiece)
  return (input: number, output: number, count: number): void =>
    run({ first: input, output, count }, pieces(count))
}

/** Sums of `count` float32 values at two addresses, to a third. */
export function createFloatAddition() {
  const known = { low: 0, high: 0, pieceValues: valuesOfPiece }
  const run = createJob('addFloats', floatWords, known, productsOfPiece)
  return (first: number, second: number, output: number, count: number): void =>
    run({ first, second, output, count }, pieces(count))
}
