import { onlyTable, outputSize, type Problem, tapsOf } from './problems.ts'

/**
 * The convolution in plain JavaScript as the emulator had it before it had kernels: codes as columns[tap][image * position], then four
 * rows of the table at a time.
 */
export function plainConvolution(problem: Problem) {
  const { shape, images, activations, weights } = problem
  const table = onlyTable(problem)
  const { filters } = shape
  const { positions } = outputSize(shape)
  const taps = tapsOf(shape)
  const rows = new Int32Array(65536)
  for (let a = 0; a < 256; a++) for (let w = 0; w < 256; w++) rows[w * 256 + a] = table.products[a * 256 + w]!
  const atOnce = Math.max(1, Math.floor(2048 / positions))
  const columns = new Uint8Array(taps * atOnce * positions)
  const line = new Int32Array(atOnce * positions)
  const sums = new Int32Array(images * filters * positions)
  return {
    sums,
    run(): void {
      for (let first = 0; first < images; first += atOnce) {
        const count = Math.min(atOnce, images - first)
        gather(shape, activations, first, count, columns)
        for (let n = 0; n < filters; n++) {
          line.fill(0, 0, count * positions)
          addRows(line, count * positions, columns, rows, weights.subarray(n * taps, (n + 1) * taps))
          for (let i = 0; i < count; i++)
            sums.set(
              line.subarray(i * positions, (i + 1) * positions),
              ((first + i) * filters + n) * positions,
            )
        }
      }
    },
  }
}

function gather(
  shape: Problem['shape'],
  activations: Int8Array,
  first: number,
  images: number,
  columns: Uint8Array,
): void {
  const { channels, height, width, kernel, stride, padding } = shape
  const { rows, columns: across } = outputSize(shape)
  let to = 0
  for (let c = 0; c < channels; c++) {
    for (let ky = 0; ky < kernel; ky++) {
      for (let kx = 0; kx < kernel; kx++) {
        for (let i = first; i < first + images; i++) {
          for (let y = 0; y < rows; y++) {
            const iy = y * stride - padding + ky
            const from = ((i * channels + c) * height + iy) * width
            for (let x = 0; x < across; x++) {
              const ix = x * stride - padding + kx
              const inside = iy >= 0 && iy < height && ix >= 0 && ix < width
              columns[to++] = inside ? activations[from + ix]! : 0
            }
          }
        }
      }
    }
  }
}

function addRows(
  sums: Int32Array,
  line: number,
  columns: Uint8Array,
  table: Int32Array,
  weights: Int8Array,
): void {
  const whole = weights.length & ~3
  for (let k = 0; k < whole; k += 4) {
    const c0 = k * line
    const c1 = c0 + line
    const c2 = c1 + line
    const c3 = c2 + line
    const f0 = (weights[k]! & 255) << 8
    const f1 = (weights[k + 1]! & 255) << 8
    const f2 = (weights[k + 2]! & 255) << 8
    const f3 = (weights[k + 3]! & 255) << 8
    for (let p = 0; p < line; p++) {
      const low = (table[f0 + columns[c0 + p]!]! + table[f1 + columns[c1 + p]!]!) | 0
      const high = (table[f2 + columns[c2 + p]!]! + table[f3 + columns[c3 + p]!]!) | 0
      sums[p] = (sums[p]! + low + high) | 0
    }
  }
  for (let k = whole; k < weights.length; k++) {
    const c = k * line
    const f = (weights[k]! & 255) << 8
    for (let p = 0; p < line; p++) sums[p] = (sums[p]! + table[f + columns[c + p]!]!) | 0
  }
}
