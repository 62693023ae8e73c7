/** floor((value + 2^(shift-1)) / 2^shift), of an integer; itself for a shift of 0. */
export function roundShift(value: number, shift: number): number {
  const unit = 2 ** shift
  return Math.floor((value + unit / 2) / unit)
}

export function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value))
}
