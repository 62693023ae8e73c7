/**
 * A convolution of stored codes by plain loops, with dilation, a code of its own outside of the map, and any product of each
 * kernel. Imports nothing.
 */
export interface OracleCodes {
  readonly images: number
  readonly channels: number
  readonly height: number
  readonly width: number
  readonly filters: number
  readonly rows: number
  readonly columns: number
  readonly kernel: readonly [number, number]
  readonly stride: readonly [number, number]
  readonly padding: readonly [top: number, left: number]
  readonly dilation: readonly [number, number]
  readonly groups: number
  readonly outside: number
}

/** Sums [image][filter][row][column]; `product` gets the value, the filter, and the tap in the order channel, row, column. */
export function oracleSums(
  c: OracleCodes,
  values: ArrayLike<number>,
  bias: ArrayLike<number>,
  product: (value: number, filter: number, tap: number) => number,
): number[] {
  const sums: number[] = []
  const channelsOfGroup = c.channels / c.groups
  for (let image = 0; image < c.images; image++) {
    for (let n = 0; n < c.filters; n++) {
      const group = Math.floor(n / (c.filters / c.groups))
      for (let y = 0; y < c.rows; y++) {
        for (let x = 0; x < c.columns; x++) {
          let sum = bias[n]!
          let tap = 0
          for (let k = 0; k < channelsOfGroup; k++) {
            for (let ky = 0; ky < c.kernel[0]; ky++) {
              for (let kx = 0; kx < c.kernel[1]; kx++, tap++) {
                const iy = y * c.stride[0] + ky * c.dilation[0] - c.padding[0]
                const ix = x * c.stride[1] + kx * c.dilation[1] - c.padding[1]
                const inside = iy >= 0 && iy < c.height && ix >= 0 && ix < c.width
                const plane = image * c.channels + group * channelsOfGroup + k
                const value = inside ? values[(plane * c.height + iy) * c.width + ix]! : c.outside
                sum += product(value, n, tap)
              }
            }
          }
          sums.push(sum)
        }
      }
    }
  }
  return sums
}

/** clamp(round half up(sum * multiplier / 2^shift), low, high), in integers of any size. */
export function oracleCode(
  sum: number,
  multiplier: number,
  shift: number,
  low: number,
  high: number,
): number {
  const code = (BigInt(sum) * BigInt(multiplier) + (1n << BigInt(shift - 1))) >> BigInt(shift)
  return Number(code < BigInt(low) ? BigInt(low) : code > BigInt(high) ? BigInt(high) : code)
}

/** The nearest whole number; of two, the even one. */
export function oracleHalfToEven(x: number): number {
  const rounded = Math.round(x)
  return rounded - x === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded
}
