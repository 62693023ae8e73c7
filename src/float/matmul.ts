import { createTileKernel, tileColumns, tileRows } from './kernel.ts'

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

const kernel = createTileKernel()
const sums = tileRows * tileColumns

/**
 * c[m][n] (+)= sum over k of a[m][k] * b[k][n], in float32 in the order of k. Both operands are copied into panels of a
 * tile's height or width, which the kernel reads in sequence; missing rows and columns are 0.
 */
export function multiplyMatrices(
  [m, n, k]: readonly [m: number, n: number, k: number],
  a: Strided,
  b: Strided,
  c: Target,
): void {
  const panels = Math.ceil(m / tileRows)
  const startOfA = sums
  const startOfB = startOfA + panels * tileRows * k
  kernel.reserve(4 * (startOfB + tileColumns * k))
  const memory = kernel.memory()
  for (let i = 0; i < m; i += tileRows) {
    pack(
      memory,
      startOfA + i * k,
      tileRows,
      a.data,
      a.offset + i * a.row,
      Math.min(tileRows, m - i),
      a.row,
      k,
      a.column,
    )
  }
  for (let j = 0; j < n; j += tileColumns) {
    const columns = Math.min(tileColumns, n - j)
    pack(memory, startOfB, tileColumns, b.data, b.offset + j * b.column, columns, b.column, k, b.row)
    for (let i = 0; i < m; i += tileRows) {
      kernel.tile(4 * (startOfA + i * k), 4 * startOfB, 0, k)
      unpack(
        memory,
        c.data,
        c.offset + i * c.row + j,
        c.row,
        Math.min(tileRows, m - i),
        columns,
        c.accumulate,
      )
    }
  }
}

/** to[step * width + line]; lines that are not there are 0. Goes through `from` in the order in which it is stored. */
function pack(
  to: Float32Array,
  at: number,
  width: number,
  from: Float32Array,
  offset: number,
  lines: number,
  lineStep: number,
  k: number,
  kStep: number,
): void {
  if (lines < width) to.fill(0, at, at + width * k)
  if (lineStep === 1) {
    for (let step = 0; step < k; step++, at += width, offset += kStep) {
      for (let line = 0; line < lines; line++) to[at + line] = from[offset + line]!
    }
    return
  }
  const last = at + width * k
  for (let line = 0; line < lines; line++) {
    let source = offset + line * lineStep
    for (let target = at + line; target < last; target += width, source += kStep) to[target] = from[source]!
  }
}

function unpack(
  memory: Float32Array,
  to: Float32Array,
  at: number,
  rowStep: number,
  rows: number,
  columns: number,
  accumulate: boolean,
): void {
  for (let r = 0; r < rows; r++, at += rowStep) {
    if (accumulate) for (let q = 0; q < columns; q++) to[at + q] = to[at + q]! + memory[r * tileColumns + q]!
    else for (let q = 0; q < columns; q++) to[at + q] = memory[r * tileColumns + q]!
  }
}
