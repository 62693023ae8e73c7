/** Rows of weights that multiply the same values: row n begins at weights[from + n * features]. */
export interface Rows {
  readonly weights: Float32Array
  readonly from: number
  readonly bias: Float32Array
  /** Of row 0 in `bias`. */
  readonly firstBias: number
  /** Whether a sum begins with its bias, or gets it last. */
  readonly biasFirst: boolean
}

/** y[n] of rows from..until-1: sums in double precision in the order of the features, rounded once. */
export function multiplyRows(
  rows: Rows,
  from: number,
  until: number,
  x: Float32Array,
  y: Float32Array,
): void {
  for (let n = from; n < until; n += 4) multiplyFour(rows, n, until - 1, x, y)
}

/** Four rows at a time, whose sums do not wait for one another; behind the last one it is that again. */
function multiplyFour(
  { weights, from, bias, firstBias, biasFirst }: Rows,
  n: number,
  last: number,
  x: Float32Array,
  y: Float32Array,
): void {
  const features = x.length
  const [n1, n2, n3] = [Math.min(n + 1, last), Math.min(n + 2, last), Math.min(n + 3, last)]
  const [r0, r1] = [from + n * features, from + n1 * features]
  const [r2, r3] = [from + n2 * features, from + n3 * features]
  const [b0, b1] = [bias[firstBias + n]!, bias[firstBias + n1]!]
  const [b2, b3] = [bias[firstBias + n2]!, bias[firstBias + n3]!]
  let [s0, s1, s2, s3] = biasFirst ? [b0, b1, b2, b3] : [0, 0, 0, 0]
  for (let k = 0; k < features; k++) {
    const value = x[k]!
    s0 += weights[r0 + k]! * value
    s1 += weights[r1 + k]! * value
    s2 += weights[r2 + k]! * value
    s3 += weights[r3 + k]! * value
  }
  y[n] = biasFirst ? s0 : b0 + s0
  y[n1] = biasFirst ? s1 : b1 + s1
  y[n2] = biasFirst ? s2 : b2 + s2
  y[n3] = biasFirst ? s3 : b3 + s3
}
