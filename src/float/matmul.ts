/** A matrix inside a larger array: element [i][j] is data[offset + i * row + j * column]. */
export interface Strided {
  readonly data: Float32Array
  readonly offset: number
  readonly row: number
  readonly column: number
}

export function rowMajor(data: Float32Array, columns: number, offset = 0): Strided {
  return { data, offset, row: columns, column: 1 }
}

export function transposed({ data, offset, row, column }: Strided): Strided {
  return { data, offset, row: column, column: row }
}

/** Where a product goes: rows of a row-major matrix from `offset` on, `row` elements apart. */
export interface Target {
  readonly data: Float32Array
  readonly offset: number
  readonly row: number
  /** Add to what is there instead of replacing it. */
  readonly accumulate: boolean
}

let panelsOfA = new Float64Array(0)
let panelOfB = new Float64Array(0)

/**
 * c[m][n] (+)= sum over k of a[m][k] * b[k][n], summed in double precision in the order of k and rounded once. Both
 * operands are copied into panels of four rows or columns, which the innermost loop reads in sequence.
 */
export function multiplyMatrices(
  [m, n, k]: readonly [m: number, n: number, k: number],
  a: Strided,
  b: Strided,
  c: Target,
): void {
  const panels = Math.ceil(m / 4)
  if (panelsOfA.length < panels * 4 * k) panelsOfA = new Float64Array(panels * 4 * k)
  if (panelOfB.length < 4 * k) panelOfB = new Float64Array(4 * k)
  for (let i = 0; i < panels; i++)
    pack(panelsOfA, i * 4 * k, a.data, a.offset + i * 4 * a.row, Math.min(4, m - i * 4), a.row, k, a.column)
  for (let j = 0; j < n; j += 4) {
    const columns = Math.min(4, n - j)
    pack(panelOfB, 0, b.data, b.offset + j * b.column, columns, b.column, k, b.row)
    for (let i = 0; i < panels; i++) {
      tile(panelsOfA, i * 4 * k, panelOfB, k)
      store(c, c.offset + i * 4 * c.row + j, Math.min(4, m - i * 4), columns)
    }
  }
}

/** to[4 * step + line] for up to four lines; missing lines are 0. */
function pack(
  to: Float64Array,
  at: number,
  from: Float32Array,
  offset: number,
  lines: number,
  lineStep: number,
  k: number,
  kStep: number,
): void {
  for (let line = 0; line < 4; line++) {
    let source = offset + line * lineStep
    const end = at + 4 * k
    if (line < lines) {
      for (let target = at + line; target < end; target += 4, source += kStep) to[target] = from[source]!
    } else {
      for (let target = at + line; target < end; target += 4) to[target] = 0
    }
  }
}

const sums = new Float64Array(16)

/** 16 sums in registers. */
function tile(A: Float64Array, p: number, B: Float64Array, k: number): void {
  let c00 = 0
  let c01 = 0
  let c02 = 0
  let c03 = 0
  let c10 = 0
  let c11 = 0
  let c12 = 0
  let c13 = 0
  let c20 = 0
  let c21 = 0
  let c22 = 0
  let c23 = 0
  let c30 = 0
  let c31 = 0
  let c32 = 0
  let c33 = 0
  for (let q = 0; q < 4 * k; q += 4, p += 4) {
    const b0 = B[q]!
    const b1 = B[q + 1]!
    const b2 = B[q + 2]!
    const b3 = B[q + 3]!
    const a0 = A[p]!
    c00 += a0 * b0
    c01 += a0 * b1
    c02 += a0 * b2
    c03 += a0 * b3
    const a1 = A[p + 1]!
    c10 += a1 * b0
    c11 += a1 * b1
    c12 += a1 * b2
    c13 += a1 * b3
    const a2 = A[p + 2]!
    c20 += a2 * b0
    c21 += a2 * b1
    c22 += a2 * b2
    c23 += a2 * b3
    const a3 = A[p + 3]!
    c30 += a3 * b0
    c31 += a3 * b1
    c32 += a3 * b2
    c33 += a3 * b3
  }
  sums[0] = c00
  sums[1] = c01
  sums[2] = c02
  sums[3] = c03
  sums[4] = c10
  sums[5] = c11
  sums[6] = c12
  sums[7] = c13
  sums[8] = c20
  sums[9] = c21
  sums[10] = c22
  sums[11] = c23
  sums[12] = c30
  sums[13] = c31
  sums[14] = c32
  sums[15] = c33
}

function store({ data, row, accumulate }: Target, at: number, rows: number, columns: number): void {
  for (let r = 0; r < rows; r++) {
    for (let q = 0; q < columns; q++) {
      const to = at + r * row + q
      data[to] = accumulate ? data[to]! + sums[r * 4 + q]! : sums[r * 4 + q]!
    }
  }
}
