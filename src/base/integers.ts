/** Bits that hold the unsigned values 0..n-1, at least 1. */
export function indexBits(n: number): number {
  return Math.max(1, Math.ceil(Math.log2(n)))
}

/** Bits that hold the unsigned value `max`, at least 1. */
export function unsignedBits(max: number): number {
  return indexBits(max + 1)
}

/** Bits of the narrowest two's complement word that holds both values. */
export function signedBits(low: number, high: number): number {
  const magnitude = Math.max(high, -low - 1, 0)
  return unsignedBits(magnitude) + 1
}

export function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b]
  return a
}

export function divideUp(a: number, b: number): number {
  return Math.ceil(a / b)
}
