/**
 * A convolution as the kernels read it: 32-bit words at these byte offsets. Lengths are in elements, addresses in bytes.
 * `src/kernels/convolution.ts` writes it; the two lists are compared by a test.
 */
export const input: usize = 0
export const output: usize = 4
export const images: usize = 8
export const channels: usize = 12
export const height: usize = 16
export const width: usize = 20
export const filters: usize = 24
export const rows: usize = 28
export const columns: usize = 32
export const kernelHeight: usize = 36
export const kernelWidth: usize = 40
export const strideY: usize = 44
export const strideX: usize = 48
export const top: usize = 52
export const left: usize = 56
export const dilationY: usize = 60
export const dilationX: usize = 64
export const groups: usize = 68
/** What a window reads outside of the map: a code. */
export const padding: usize = 72
/** Bits of a code that count. */
export const mask: usize = 76
/** 1 where codes are signed. */
export const signed: usize = 80
/** By filter: int32 bias, multiplier, shift. */
export const bias: usize = 84
export const multiplier: usize = 88
export const shift: usize = 92
export const low: usize = 96
export const high: usize = 100
/** What a piece of work takes: images, or rows, or columns of one image; and filters of one group. */
export const pieceImages: usize = 104
export const pieceRows: usize = 108
export const pieceColumns: usize = 112
export const pieceFilters: usize = 116
/** Bytes of one channel's plane in the scratch memory of a thread. */
export const planeBytes: usize = 120
/** Products: what the kernel multiplies by (see each kernel). */
export const factors: usize = 124
export const variants: usize = 128
export const terms: usize = 132
export const lookup: usize = 136
/**
 * What becomes of sums. 0: codes by a 16-bit factor; 1: they are stored as int32; 2: codes by a multiplier of 31 bits and an exponent,
 * which stands in the place of the shift; 3: codes by factors of float32, which stand in the place of the multipliers; 4: sums and
 * biases are of float32, and are stored; 5: as 0, codes of 16 bits.
 */
export const finish: usize = 140
/** Codes that tables have rows for. */
export const codes: usize = 144
/** Added to codes of kinds 2 and 3. */
export const zeroPoint: usize = 148
/** Codes that tables are made for: the first half of them where codes are never negative. */
export const tableCodes: usize = 152
/** Values of dot products without a lookup: (code + offset) & mask. */
export const valueOffset: usize = 156
export const valueMask: usize = 160

export function word(job: usize, field: usize): i32 {
  return load<i32>(job + field)
}
