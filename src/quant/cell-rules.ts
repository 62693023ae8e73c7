/**
 * The rules of recurrent cells (docs/numerics.md) on plain numbers. Gates before their functions are int16 in units of 2^-12 (Q3.12),
 * functions and states in units of 2^-15 (Q0.15), the cell state of an LSTM in units of 2^-11 (Q4.11). All are exact: every
 * intermediate value is an integer below 2^53.
 */

/** Bits behind the point of gates before their functions. */
export const gateBits = 12

/** The nearest value of 16 bits. */
export function saturate(x: number): number {
  return Math.max(-32768, Math.min(32767, x))
}

/** The functions at -8, -8 + 2^-5 .. 8, in units of 2^-15, at most 32767. */
const points = (real: (x: number) => number) =>
  Int16Array.from({ length: 513 }, (_, i) => Math.min(32767, Math.floor(32768 * real((i - 256) / 32) + 0.5)))
export const sigmoidPoints = points((x) => 1 / (1 + Math.exp(-x)))
export const tanhPoints = points(Math.tanh)

/** A function of a gate: between two points along the line through them, rounded half up. */
export function between(table: Int16Array, gate: number): number {
  const place = gate + 32768
  const at = place >> 7
  const first = table[at]!
  return first + (((table[at + 1]! - first) * (place & 127) + 64) >> 7)
}

export const sigmoidOf = (gate: number) => between(sigmoidPoints, gate)
export const tanhOf = (gate: number) => between(tanhPoints, gate)

/** round(a * b / 2^15), half up: a product with a function's value. */
export function gated(a: number, b: number): number {
  return Math.floor((a * b + 2 ** 14) / 2 ** 15)
}

/** The new state of a GRU: candidate + round(update * (state - candidate) / 2^15). */
export function blended(update: number, candidate: number, state: number): number {
  return saturate(candidate + gated(update, state - candidate))
}

/** The new cell state of an LSTM: round((16 * forget * cell + input * candidate) / 2^19), half up. */
export function nextCell(forget: number, cell: number, input: number, candidate: number): number {
  return saturate(Math.floor((16 * forget * cell + input * candidate + 2 ** 18) / 2 ** 19))
}

/** The state of an LSTM: round(output * tanh(cell) / 2^15). */
export function opened(output: number, cell: number): number {
  return gated(output, tanhOf(saturate(2 * cell)))
}

/** What the recurrent weights multiply: a state in units of 2^-point, as a code of so many bits, in units of 2^-(bits-1). */
export function stateCode(state: number, bits: number, point = 15): number {
  const shift = point + 1 - bits
  // below 2^31 also for a product of two states
  const code = (state + (1 << (shift - 1))) >> shift
  const top = 1 << (bits - 1)
  return Math.max(-top, Math.min(top - 1, code))
}
