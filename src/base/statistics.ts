/** The 95 % Wilson score interval of a share: `hits` out of `trials`. */
export function wilsonInterval(hits: number, trials: number): readonly [low: number, high: number] {
  const z = 1.959963984540054
  if (trials === 0) return [0, 1]
  const share = hits / trials
  const centre = share + (z * z) / (2 * trials)
  const spread = z * Math.sqrt((share * (1 - share)) / trials + (z * z) / (4 * trials * trials))
  const divisor = 1 + (z * z) / trials
  // at both ends the interval begins or ends exactly where shares do, rounded or not
  const low = hits === 0 ? 0 : (centre - spread) / divisor
  const high = hits === trials ? 1 : (centre + spread) / divisor
  return [low, high]
}

/**
 * How many values stand before `index` in descending order; of equal values the one with the lower index is first. What is no number
 * stands behind all others.
 */
export function rankOf(values: ArrayLike<number>, index: number): number {
  if (Number.isNaN(values[index])) return values.length
  let before = 0
  for (let i = 0; i < values.length; i++) {
    if (values[i]! > values[index]! || (values[i]! === values[index]! && i < index)) before++
  }
  return before
}
