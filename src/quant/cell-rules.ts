/**
 * The formats of recurrent cells (docs/numerics.md, "Recurrent layers"; src/kernels/assembly/cells.ts has the arithmetic). Gates before
 * their functions are int16 in units of 2^-12 (Q3.12), functions and states in units of 2^-15 (Q0.15), the cell state of an LSTM in
 * units of 2^-11 (Q4.11).
 */

/** Bits behind the point of gates before their functions. */
export const gateBits = 12

/** The functions at -8, -8 + 2^-5 .. 8, in units of 2^-15, at most 32767. */
const points = (real: (x: number) => number) =>
  Int16Array.from({ length: 513 }, (_, i) => Math.min(32767, Math.floor(32768 * real((i - 256) / 32) + 0.5)))
export const sigmoidPoints = points((x) => 1 / (1 + Math.exp(-x)))
export const tanhPoints = points(Math.tanh)
