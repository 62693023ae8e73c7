/** Layers that look at each value by itself or move values, by their definition. Imports nothing. */

type Function =
  | { readonly name: 'clip'; readonly low: number; readonly high: number }
  | { readonly name: 'leaky-relu'; readonly slope: number }
  | { readonly name: 'elu'; readonly alpha: number }
  | { readonly name: 'hard-sigmoid'; readonly slope: number; readonly offset: number }
  | { readonly name: 'hard-swish' | 'swish' | 'sigmoid' | 'tanh' }

export function oracleFunction(f: Function, x: number): number {
  const sigmoid = Math.exp(x) / (Math.exp(x) + 1)
  if (f.name === 'clip') return [f.low, x, f.high].sort((a, b) => a - b)[1]!
  if (f.name === 'leaky-relu') return x < 0 ? x * f.slope : x
  if (f.name === 'elu') return x < 0 ? f.alpha * (Math.exp(x) - 1) : x
  if (f.name === 'hard-sigmoid') return Math.max(0, Math.min(1, f.slope * x + f.offset))
  if (f.name === 'hard-swish') return (x * Math.max(0, Math.min(6, x + 3))) / 6
  if (f.name === 'swish') return x * sigmoid
  return f.name === 'sigmoid' ? sigmoid : 2 / (1 + Math.exp(-2 * x)) - 1
}

/** Axis i of the result is axis order[i] of the input, whose axes are `from`. */
export function oracleTranspose(
  from: readonly number[],
  order: readonly number[],
  x: readonly number[],
): number[] {
  const to = order.map((axis) => from[axis]!)
  return x.map((_, index) => {
    // the place in the result, digit by digit, then in the input
    const place: number[] = []
    let rest = index
    for (const size of [...to].reverse()) {
      place.unshift(rest % size)
      rest = Math.floor(rest / size)
    }
    return x[from.reduce((at, size, axis) => at * size + place[order.indexOf(axis)]!, 0)]!
  })
}

/** Over the channels of each position of [channels, positions], or with one position over all. */
export function oracleSoftmax(channels: number, positions: number, x: readonly number[]): number[] {
  return x.map((value, i) => {
    let sum = 0
    for (let c = 0; c < channels; c++) sum += Math.exp(x[c * positions + (i % positions)]! - value)
    return 1 / sum
  })
}

interface IntegerSoftmax {
  readonly count: number
  readonly step: number
  readonly table: ArrayLike<number>
  readonly one: number
  readonly high: number
}

/** The integer rule: a term's share of the sum of its line, in units of 1/one, in exact integers. */
export function oracleIntegerSoftmax(
  { count, step, table, one, high }: IntegerSoftmax,
  x: readonly number[],
): number[] {
  return x.map((code, i) => {
    const first = i - (i % (count * step)) + (i % step)
    const line = Array.from({ length: count }, (_, k) => x[first + k * step]!)
    const largest = Math.max(...line)
    const sum = line.reduce((total, other) => total + BigInt(table[largest - other]!), 0n)
    const share = (2n * BigInt(table[largest - code]!) * BigInt(one) + sum) / (2n * sum)
    return share > BigInt(high) ? high : Number(share)
  })
}
