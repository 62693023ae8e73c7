// The words of the job: src/kernels/transpose.ts, in its order.
const input: usize = 0
const output: usize = 4
const rows: usize = 8
const columns: usize = 12
const pieceRows: usize = 16

/** Some rows of a matrix of bytes become columns, eight by eight. */
export function transposeBytes(at: usize, piece: i32, _scratch: usize): void {
  const height = load<i32>(at + rows)
  const width = load<i32>(at + columns)
  const from = <usize>load<u32>(at + input)
  const to = <usize>load<u32>(at + output)
  const first = piece * load<i32>(at + pieceRows)
  const end = min(height, first + load<i32>(at + pieceRows))
  const wholeRows = first + ((end - first) & ~7)
  const wholeColumns = width & ~7
  for (let x = 0; x < wholeColumns; x += 8) {
    for (let y = first; y < wholeRows; y += 8)
      block(from + <usize>y * width + x, width, to + <usize>x * height + y, height)
  }
  single(from, to, width, height, first, wholeRows, wholeColumns, width)
  single(from, to, width, height, wholeRows, end, 0, width)
}

function single(from: usize, to: usize, width: i32, height: i32, y0: i32, y1: i32, x0: i32, x1: i32): void {
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) store<u8>(to + <usize>x * height + y, load<u8>(from + <usize>y * width + x))
  }
}

/** Bytes of two rows in turn, then pairs of two such, then fours: columns. */
function block(from: usize, width: usize, to: usize, height: usize): void {
  const a = pairs(from, width)
  const b = pairs(from + 2 * width, width)
  const c = pairs(from + 4 * width, width)
  const d = pairs(from + 6 * width, width)
  const low0 = v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
  const high0 = v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
  const low1 = v128.shuffle<i16>(c, d, 0, 8, 1, 9, 2, 10, 3, 11)
  const high1 = v128.shuffle<i16>(c, d, 4, 12, 5, 13, 6, 14, 7, 15)
  storeTwo(v128.shuffle<i32>(low0, low1, 0, 4, 1, 5), to, height)
  storeTwo(v128.shuffle<i32>(low0, low1, 2, 6, 3, 7), to + 2 * height, height)
  storeTwo(v128.shuffle<i32>(high0, high1, 0, 4, 1, 5), to + 4 * height, height)
  storeTwo(v128.shuffle<i32>(high0, high1, 2, 6, 3, 7), to + 6 * height, height)
}

function pairs(from: usize, width: usize): v128 {
  const a = v128.load64_zero(from)
  const b = v128.load64_zero(from + width)
  return v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
}

function storeTwo(columns: v128, to: usize, height: usize): void {
  v128.store64_lane(to, columns, 0)
  v128.store64_lane(to + height, columns, 1)
}
