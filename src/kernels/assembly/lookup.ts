// The words of the jobs: src/kernels/lookup.ts, in its order.
const first: usize = 0
const second: usize = 4
const output: usize = 8
const count: usize = 12
/** Codes of the first input for each code of the second one. */
const repeat: usize = 16
const table: usize = 20
const pieceCodes: usize = 24

/** A part of y = table[byte of x]. */
export function lookupCodes(at: usize, piece: i32, _scratch: usize): void {
  const from = <usize>piece * load<u32>(at + pieceCodes)
  const here = min(<usize>load<u32>(at + pieceCodes), <usize>load<u32>(at + count) - from)
  map(<usize>load<u32>(at + first) + from, <usize>load<u32>(at + output) + from, here, load<u32>(at + table))
}

/** A part of y = table[byte of x1][byte of x0]. */
export function lookupPairs(at: usize, piece: i32, _scratch: usize): void {
  const from = <usize>piece * load<u32>(at + pieceCodes)
  const end = min(from + load<u32>(at + pieceCodes), <usize>load<u32>(at + count))
  const a = <usize>load<u32>(at + first)
  const b = <usize>load<u32>(at + second)
  const to = <usize>load<u32>(at + output)
  const rows = <usize>load<u32>(at + table)
  const times = <usize>load<u32>(at + repeat)
  if (times === 1) {
    for (let i = from; i < end; i++)
      store<u8>(to + i, load<u8>(rows + (((<usize>load<u8>(b + i)) << 8) | load<u8>(a + i))))
    return
  }
  for (let i = from, n = from / times; i < end; n++) {
    const until = min(end, (n + 1) * times)
    map(a + i, to + i, until - i, rows + ((<usize>load<u8>(b + n)) << 8))
    i = until
  }
}

function map(from: usize, to: usize, length: usize, row: usize): void {
  for (const end = from + length; from < end; from++, to++) store<u8>(to, load<u8>(row + load<u8>(from)))
}
