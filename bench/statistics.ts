/** Where a figure lies over the rounds: half of them are in [low, high]. */
export interface Spread {
  readonly median: number
  readonly low: number
  readonly high: number
}

/** Median and quartiles, between neighbours where they fall there. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number) => {
    const place = share * (sorted.length - 1)
    const below = Math.floor(place)
    const above = Math.min(sorted.length - 1, below + 1)
    return sorted[below]! + (place - below) * (sorted[above]! - sorted[below]!)
  }
  return { median: at(0.5), low: at(0.25), high: at(0.75) }
}

/**
 * How many times as large `values` are as `baseline`, round by round: what slows a whole round (another program, the clock) is in both,
 * and cancels.
 */
export function ratioOf(values: readonly number[], baseline: readonly number[]): Spread {
  return spreadOf(values.map((value, round) => value / baseline[round]!))
}
