// The words of the job: src/kernels/lookup.ts, in its order.
const input: usize = 0
const output: usize = 4
/** Blocks of `step` lines beside one another, whose codes stand `step` apart. */
const blocks: usize = 8
const length: usize = 12
const step: usize = 16
const table: usize = 20
const one: usize = 24
const high: usize = 28
const signed: usize = 32
const pieceBlocks: usize = 36

/** Some blocks of a softmax: t_i = table[largest - x_i]; min(high, floor((2 * t_i * one + sum) / (2 * sum))), sum = sum of t_i. */
export function softmaxCodes(at: usize, piece: i32, _scratch: usize): void {
  const lines = <usize>load<u32>(at + step)
  const size = lines * <usize>load<u32>(at + length)
  const from = piece * load<i32>(at + pieceBlocks)
  const until = min(load<i32>(at + blocks), from + load<i32>(at + pieceBlocks))
  for (let block = from; block < until; block++) {
    const first = <usize>block * size
    for (let line = first; line < first + lines; line++) {
      const x = <usize>load<u32>(at + input) + line
      const y = <usize>load<u32>(at + output) + line
      if (load<i32>(at + signed)) softmaxLine<i8>(at, x, y, lines, size)
      else softmaxLine<u8>(at, x, y, lines, size)
    }
  }
}

function softmaxLine<T>(at: usize, from: usize, to: usize, apart: usize, size: usize): void {
  const terms = <usize>load<u32>(at + table)
  let largest: i32 = -128
  for (let i: usize = 0; i < size; i += apart) largest = max(largest, <i32>load<T>(from + i))
  let sum: u64 = 0
  for (let i: usize = 0; i < size; i += apart) sum += term<T>(terms, largest, from + i)
  const twice = 2 * <u64>load<u32>(at + one)
  const most = <u64>load<u32>(at + high)
  for (let i: usize = 0; i < size; i += apart)
    store<u8>(to + i, <u8>min<u64>(most, (term<T>(terms, largest, from + i) * twice + sum) / (2 * sum)))
}

function term<T>(terms: usize, largest: i32, x: usize): u64 {
  return <u64>load<u32>(terms + ((<usize>(largest - <i32>load<T>(x))) << 2))
}
