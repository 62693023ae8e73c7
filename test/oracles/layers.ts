/**
 * Layers by plain loops over what docs/numerics.md says, one output at a time. Imports nothing: what it shares with the
 * program is only that page. Maps are arrays of numbers [channel][y][x], flat.
 */

export interface OracleConvolution {
  readonly input: readonly [channels: number, height: number, width: number]
  readonly filters: number
  readonly kernel: readonly [height: number, width: number]
  readonly stride: readonly [vertical: number, horizontal: number]
  readonly padding: readonly [top: number, left: number, bottom: number, right: number]
  readonly groups: number
  readonly dilation?: readonly [vertical: number, horizontal: number] | undefined
}

export function oracleOutputSize(c: OracleConvolution): [number, number] {
  const [down, right] = c.dilation ?? [1, 1]
  const [tall, wide] = [1 + (c.kernel[0] - 1) * down, 1 + (c.kernel[1] - 1) * right]
  let height = 0
  for (let top = -c.padding[0]; top + tall <= c.input[1] + c.padding[2]; top += c.stride[0]) height++
  let width = 0
  for (let left = -c.padding[1]; left + wide <= c.input[2] + c.padding[3]; left += c.stride[1]) width++
  return [height, width]
}

/**
 * Sums bias + product(x, w) over all taps. `product` gets the filter and the input channel within its group, so that
 * every kernel may have a multiplier of its own. Padding is the value 0, and is multiplied like any other.
 */
export function oracleConvolution(
  c: OracleConvolution,
  x: readonly number[],
  weights: readonly number[],
  bias: readonly number[],
  product: (x: number, w: number, filter: number, channel: number) => number = (a, b) => a * b,
): number[] {
  const [channels, height, width] = c.input
  const [rows, columns] = oracleOutputSize(c)
  const [down, right] = c.dilation ?? [1, 1]
  const channelsOfGroup = channels / c.groups
  const filtersOfGroup = c.filters / c.groups
  const result: number[] = []
  for (let n = 0; n < c.filters; n++) {
    const group = Math.floor(n / filtersOfGroup)
    for (let oy = 0; oy < rows; oy++) {
      for (let ox = 0; ox < columns; ox++) {
        let sum = bias[n]!
        for (let k = 0; k < channelsOfGroup; k++) {
          for (let ky = 0; ky < c.kernel[0]; ky++) {
            for (let kx = 0; kx < c.kernel[1]; kx++) {
              const y = oy * c.stride[0] + ky * down - c.padding[0]
              const xx = ox * c.stride[1] + kx * right - c.padding[1]
              const outside = y < 0 || y >= height || xx < 0 || xx >= width
              const value = outside ? 0 : x[((group * channelsOfGroup + k) * height + y) * width + xx]!
              const weight = weights[((n * channelsOfGroup + k) * c.kernel[0] + ky) * c.kernel[1] + kx]!
              sum += product(value, weight, n, k)
            }
          }
        }
        result.push(sum)
      }
    }
  }
  return result
}

export interface OraclePool {
  readonly mode: 'max' | 'average'
  readonly input: readonly [channels: number, height: number, width: number]
  readonly window: readonly [height: number, width: number]
  readonly stride: readonly [vertical: number, horizontal: number]
  readonly padding?: readonly [top: number, left: number, bottom: number, right: number] | undefined
  /** A last window that does not fit is kept if it begins before the padding at its end; what lies behind it counts nowhere. */
  readonly ceil?: boolean | undefined
  /** Whether an average counts the padding (absent: it does). */
  readonly countPadding?: boolean | undefined
}

/**
 * The largest value of each window that lies in the map, or the mean of the window where what lies outside is 0. `mean` decides
 * how an average is rounded; by default it is not.
 */
export function oraclePool(
  p: OraclePool,
  x: readonly number[],
  mean: (sum: number, area: number) => number = (s, a) => s / a,
): number[] {
  const [channels, height, width] = p.input
  const [above, before, below, behind] = p.padding ?? [0, 0, 0, 0]
  const keeps = (start: number, stride: number, window: number, size: number, padding: number) => {
    const end = size + padding
    if (start + window <= end) return true
    const before = start - stride + window
    return p.ceil === true && before < end && start < size
  }
  const result: number[] = []
  for (let c = 0; c < channels; c++) {
    for (let top = -above; keeps(top, p.stride[0], p.window[0], height, below); top += p.stride[0]) {
      for (let left = -before; keeps(left, p.stride[1], p.window[1], width, behind); left += p.stride[1]) {
        const seen: number[] = []
        let area = 0
        for (let y = top; y < top + p.window[0]; y++) {
          for (let xx = left; xx < left + p.window[1]; xx++) {
            const inside = y >= 0 && y < height && xx >= 0 && xx < width
            if (inside) seen.push(x[(c * height + y) * width + xx]!)
            const padding = !inside && y < height + below && xx < width + behind
            if (inside || (padding && p.countPadding !== false)) area++
          }
        }
        result.push(
          p.mode === 'max'
            ? Math.max(...seen)
            : mean(
                seen.reduce((a, b) => a + b, 0),
                area,
              ),
        )
      }
    }
  }
  return result
}

type Shape = readonly [channels: number, height: number, width: number]

/** Channels of zeros before and behind a map, and zeros around its edges. */
export function oraclePad(
  [channels, height, width]: Shape,
  before: number,
  after: number,
  x: readonly number[],
  [top, left, bottom, right]: readonly [number, number, number, number] = [0, 0, 0, 0],
): number[] {
  const result: number[] = []
  for (let c = -before; c < channels + after; c++)
    for (let y = -top; y < height + bottom; y++)
      for (let xx = -left; xx < width + right; xx++) {
        const inside = c >= 0 && c < channels && y >= 0 && y < height && xx >= 0 && xx < width
        result.push(inside ? x[(c * height + y) * width + xx]! : 0)
      }
  return result
}

/** The values whose row and column are multiples of the stride. */
export function oracleSubsample(
  [channels, height, width]: Shape,
  stride: readonly [number, number],
  x: readonly number[],
): number[] {
  const result: number[] = []
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      for (let xx = 0; xx < width; xx++) {
        if (y % stride[0] === 0 && xx % stride[1] === 0) result.push(x[(c * height + y) * width + xx]!)
      }
    }
  }
  return result
}

/** A dense layer: weights [units][features]. */
export function oracleDense(
  x: readonly number[],
  weights: readonly number[],
  bias: readonly number[],
  product: (x: number, w: number, unit: number, feature: number) => number = (a, b) => a * b,
): number[] {
  return bias.map((b, n) =>
    x.reduce((sum, value, k) => sum + product(value, weights[n * x.length + k]!, n, k), b),
  )
}
