// Approximate multipliers by their plain definitions on integers, for comparison. Nothing here knows of gates.

import { approximateFamilies, approximateProduct, type Operands } from './approximate-multipliers.ts'

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

/** The product of a multiplier by its spec (roup of up to 8 bits), written from the formulas a second time. */
export function product(spec: string, operands: Operands, activation: number, weight: number): number {
  if (approximateFamilies.includes(spec.split(':')[0]!))
    return approximateProduct(spec, operands, activation, weight)
  const round = (x: number, bits: number) =>
    bits === 0 ? x : Math.floor((x + 2 ** (bits - 1)) / 2 ** bits) * 2 ** bits
  const cut = (x: number, bits: number) => Math.floor(x / 2 ** bits) * 2 ** bits
  const parameter = (key: string) => Number(new RegExp(`${key}=(\\d+)`).exec(spec)?.[1] ?? 0)
  if (spec.startsWith('exact')) return activation * weight
  if (spec.startsWith('trunc')) return cut(activation, parameter('ka')) * cut(weight, parameter('kb'))
  if (!spec.includes('asymmetric'))
    return round(activation, parameter('r')) * round(weight, 2 * parameter('p'))
  let sum = 0
  const bit = (i: number) => (i < 0 ? 0 : Math.floor(weight / 2 ** Math.min(i, 31)) & 1)
  for (let j = parameter('p'); j < 4; j++) {
    const digit = -2 * bit(2 * j + 1) + bit(2 * j) + bit(2 * j - 1)
    sum += digit * round(activation, Math.max(0, parameter('r') - 2 * j)) * 4 ** j
  }
  return sum
}
