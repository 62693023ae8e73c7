/**
 * TensorFlow Lite's 8-bit rules by 64-bit integers and plain loops, one output at a time, after the words of its kernels: rounding
 * is done on BigInt as the definitions state it. Imports nothing. Maps are flat arrays [height][width][channels].
 */

const truncate = (a: bigint, b: bigint) => a / b

/** High 32 bits of twice the product, with a nudge of half a unit away from zero, cut towards zero. */
export function oracleHighProduct(a: number, b: number): number {
  if (a === b && a === -2147483648) return 2147483647
  const product = BigInt(a) * BigInt(b)
  const nudge = product >= 0n ? 1n << 30n : 1n - (1n << 30n)
  return Number(truncate(product + nudge, 1n << 31n))
}

/** An arithmetic shift to the right; the bits that leave round up where they are more than the half, for negatives not at it. */
export function oracleShift(x: number, places: number): number {
  const mask = (1n << BigInt(places)) - 1n
  const remainder = BigInt(x) & mask
  const threshold = (mask >> 1n) + (x < 0 ? 1n : 0n)
  return Number((BigInt(x) >> BigInt(places)) + (remainder > threshold ? 1n : 0n))
}

/** A factor as a fraction of 31 bits in [1/2, 1) and a power of two. */
export function oracleFactor(real: number): [multiplier: number, exponent: number] {
  let exponent = 0
  let fraction = real
  while (fraction >= 1) {
    fraction /= 2
    exponent++
  }
  while (fraction < 0.5) {
    fraction *= 2
    exponent--
  }
  let multiplier = Math.floor(fraction * 2147483648 + 0.5)
  if (multiplier === 2147483648) {
    multiplier /= 2
    exponent++
  }
  return exponent < -31 ? [0, 0] : [multiplier, exponent]
}

export function oracleScaled(x: number, multiplier: number, exponent: number): number {
  const left = Math.max(exponent, 0)
  const right = Math.max(-exponent, 0)
  return oracleShift(
    oracleHighProduct(Number(BigInt.asIntN(32, BigInt(x) << BigInt(left))), multiplier),
    right,
  )
}

export interface OracleTensor {
  readonly scale: number
  readonly zeroPoint: number
}

export interface OracleTfliteConvolution {
  readonly input: readonly [height: number, width: number, channels: number]
  readonly filters: number
  readonly kernel: readonly [height: number, width: number]
  readonly stride: readonly [vertical: number, horizontal: number]
  readonly dilation: readonly [vertical: number, horizontal: number]
  readonly same: boolean
  /** Channels that a filter reads; of a depthwise convolution, 1. */
  readonly channelsOfFilter: number
}

/** Results along one axis, and the padding before the first. */
export function oracleExtent(
  size: number,
  kernel: number,
  stride: number,
  dilation: number,
  same: boolean,
): [count: number, before: number] {
  const reach = (kernel - 1) * dilation + 1
  if (!same) return [Math.ceil((size - reach + 1) / stride), 0]
  const count = Math.ceil(size / stride)
  return [count, Math.floor(Math.max(0, (count - 1) * stride + reach - size) / 2)]
}

/**
 * The codes of a convolution: taps outside the map add nothing, since the padding's real value is 0. `weight` tells the code of a
 * filter's tap, so that the order in which a file stores weights is the caller's matter.
 */
export function oracleTfliteConvolution(
  c: OracleTfliteConvolution,
  x: readonly number[],
  weight: (filter: number, ky: number, kx: number, channel: number) => number,
  bias: readonly number[],
  input: OracleTensor,
  weightScale: (filter: number) => number,
  output: OracleTensor,
  low: number,
  high: number,
): number[] {
  const [height, width, channels] = c.input
  const [rows, top] = oracleExtent(height, c.kernel[0], c.stride[0], c.dilation[0], c.same)
  const [columns, left] = oracleExtent(width, c.kernel[1], c.stride[1], c.dilation[1], c.same)
  const filtersOfGroup = c.filters / (channels / c.channelsOfFilter)
  const result: number[] = []
  for (let oy = 0; oy < rows; oy++) {
    for (let ox = 0; ox < columns; ox++) {
      for (let n = 0; n < c.filters; n++) {
        const first = Math.floor(n / filtersOfGroup) * c.channelsOfFilter
        let sum = bias[n]!
        for (let ky = 0; ky < c.kernel[0]; ky++) {
          for (let kx = 0; kx < c.kernel[1]; kx++) {
            const y = oy * c.stride[0] + ky * c.dilation[0] - top
            const xx = ox * c.stride[1] + kx * c.dilation[1] - left
            if (y < 0 || y >= height || xx < 0 || xx >= width) continue
            for (let k = 0; k < c.channelsOfFilter; k++)
              sum += (x[(y * width + xx) * channels + first + k]! - input.zeroPoint) * weight(n, ky, kx, k)
          }
        }
        const [multiplier, exponent] = oracleFactor((input.scale * weightScale(n)) / output.scale)
        result.push(clamp(oracleScaled(sum, multiplier, exponent) + output.zeroPoint, low, high))
      }
    }
  }
  return result
}

const clamp = (x: number, low: number, high: number) => Math.min(high, Math.max(low, x))

/** The sum of two codes, each scaled from 20 more bits. */
export function oracleTfliteAdd(
  x0: number,
  x1: number,
  first: OracleTensor,
  second: OracleTensor,
  output: OracleTensor,
  low: number,
  high: number,
): number {
  const twice = 2 * Math.max(first.scale, second.scale)
  const part = (x: number, tensor: OracleTensor) =>
    oracleScaled((x - tensor.zeroPoint) * 1048576, ...oracleFactor(tensor.scale / twice))
  const sum = part(x0, first) + part(x1, second)
  return clamp(
    oracleScaled(sum, ...oracleFactor(twice / (1048576 * output.scale))) + output.zeroPoint,
    low,
    high,
  )
}

/** The mean or the largest of the codes of each window that lie in the map; a mean is rounded half away from zero. */
export function oracleTflitePool(
  mode: 'max' | 'average',
  [height, width, channels]: readonly [number, number, number],
  window: readonly [number, number],
  stride: readonly [number, number],
  same: boolean,
  x: readonly number[],
): number[] {
  const [rows, top] = oracleExtent(height, window[0], stride[0], 1, same)
  const [columns, left] = oracleExtent(width, window[1], stride[1], 1, same)
  const result: number[] = []
  for (let oy = 0; oy < rows; oy++) {
    for (let ox = 0; ox < columns; ox++) {
      for (let c = 0; c < channels; c++) {
        const seen: number[] = []
        for (let ky = 0; ky < window[0]; ky++) {
          for (let kx = 0; kx < window[1]; kx++) {
            const y = oy * stride[0] + ky - top
            const xx = ox * stride[1] + kx - left
            if (y >= 0 && y < height && xx >= 0 && xx < width) seen.push(x[(y * width + xx) * channels + c]!)
          }
        }
        const sum = seen.reduce((a, b) => a + b, 0)
        const half = BigInt(Math.floor(seen.length / 2))
        const nudged = sum > 0 ? BigInt(sum) + half : BigInt(sum) - half
        result.push(mode === 'max' ? Math.max(...seen) : Number(truncate(nudged, BigInt(seen.length))))
      }
    }
  }
  return result
}

/** The mean of codes: their sum less the zero points, by one factor that has been divided by their number in 64-bit integers. */
export function oracleTfliteMean(x: readonly number[], input: OracleTensor, output: OracleTensor): number {
  let [multiplier, exponent] = oracleFactor(input.scale / output.scale)
  let places = -1
  for (let n = x.length; n > 0; n = Math.floor(n / 2)) places++
  places = Math.min(places, 32, 31 + exponent)
  multiplier = Number(truncate(BigInt(multiplier) << BigInt(places), BigInt(x.length)))
  exponent -= places
  const sum = x.reduce((a, b) => a + b, 0) - input.zeroPoint * x.length
  return clamp(oracleScaled(sum, multiplier, exponent) + output.zeroPoint, -128, 127)
}
