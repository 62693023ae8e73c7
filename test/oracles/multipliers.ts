// Approximate multipliers by their plain definitions on integers, for comparison. Nothing here knows of gates.

/** ((x + 2^(m-1)) >> m) << m: round half up at bit m. */
export function rnd(x: number, m: number): number {
  if (m === 0) return x
  return ((x + (1 << (m - 1))) >> m) * (1 << m)
}

const oddBit = (b: number, i: number) => (i < 0 ? 0 : (b >> i) & 1)

/** Digit j of the radix-4 Booth recoding of a two's complement number (>> repeats its sign as far as needed). */
export function boothDigit(b: number, j: number): number {
  return -2 * oddBit(b, 2 * j + 1) + oddBit(b, 2 * j) + oddBit(b, 2 * j - 1)
}

export const exactProduct = (a: number, b: number): number => a * b

export const truncProduct = (a: number, b: number, ka: number, kb: number): number =>
  (a >> ka) * (1 << ka) * ((b >> kb) * (1 << kb))

export const roupSymmetric = (a: number, b: number, p: number, r: number): number => rnd(a, r) * rnd(b, 2 * p)

export function roupAsymmetric(a: number, b: number, p: number, r: number, nB: number): number {
  let sum = 0
  for (let j = p; j < Math.ceil(nB / 2); j++)
    sum += boothDigit(b, j) * rnd(a, Math.max(0, r - 2 * j)) * 4 ** j
  return sum
}
