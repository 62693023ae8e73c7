/** The rounding rules of docs/numerics.md in exact integers (BigInt). Imports nothing. */

/** floor(a / b) for b > 0. */
function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b
  return a % b < 0n ? quotient - 1n : quotient
}

/** clamp(floor((acc * m + 2^(s-1)) / 2^s), low, high). */
export function oracleRequantise(
  acc: number,
  multiplier: number,
  shift: number,
  low: number,
  high: number,
): number {
  const scaled = BigInt(acc) * BigInt(multiplier)
  const rounded = Number(floorDivide(scaled + 2n ** BigInt(shift - 1), 2n ** BigInt(shift)))
  return Math.max(low, Math.min(high, rounded))
}

/** clamp(floor((x0 * m0 + x1 * m1 + 2^(s-1)) / 2^s), low, high). */
export function oracleAdd(
  [x0, x1]: readonly [number, number],
  [m0, m1]: readonly [number, number],
  shift: number,
  low: number,
  high: number,
): number {
  const sum = BigInt(x0) * BigInt(m0) + BigInt(x1) * BigInt(m1)
  const rounded = Number(floorDivide(sum + 2n ** BigInt(shift - 1), 2n ** BigInt(shift)))
  return Math.max(low, Math.min(high, rounded))
}

/** floor((sum + floor(area / 2)) / area). */
export function oracleAverage(sum: number, area: number): number {
  return Number(floorDivide(BigInt(sum) + BigInt(area) / 2n, BigInt(area)))
}

/** The code of a byte for an input range of [0, 1] and codes up to `top`: round half up of byte * top / 255. */
export function oracleInputCode(byte: number, top: number): number {
  return Number(floorDivide(BigInt(2 * byte * top + 255), 510n))
}
