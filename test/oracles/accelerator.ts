/**
 * What a network of integer layers computes, in plain loops. Imports nothing from src: the integer rules are written down
 * here a second time, from docs/numerics.md.
 */
export interface Conv {
  readonly kind: 'conv'
  readonly name: string
  readonly dense: boolean
  readonly kernel: readonly number[]
  readonly stride: readonly number[]
  readonly padding: readonly number[]
  readonly weights: ArrayLike<number>
  readonly bias: ArrayLike<number>
  readonly multiplier: ArrayLike<number>
  readonly shift: ArrayLike<number>
  readonly low: number
  readonly high: number
}

export interface Pool {
  readonly kind: 'pool'
  readonly mode: 'max' | 'average'
  readonly window: readonly number[]
  readonly stride: readonly number[]
}

export interface Reshape {
  readonly kind: 'reshape'
}

export interface Map3 {
  readonly shape: readonly number[]
  /** [channel][y][x]. */
  readonly values: readonly number[]
}

/** The product of a layer's weight of a filter and an input channel. */
export type Multiply = (
  layer: string,
  activation: number,
  weight: number,
  filter: number,
  channel: number,
) => number

export function evaluate(nodes: readonly (Conv | Pool | Reshape)[], input: Map3, multiply: Multiply): Map3 {
  let map = input
  for (const node of nodes) {
    if (node.kind === 'conv') map = convolve(node, map, multiply)
    else if (node.kind === 'pool') map = pool(node, map)
    else map = { shape: [map.values.length, 1, 1], values: map.values }
  }
  return map
}

function convolve(conv: Conv, input: Map3, multiply: Multiply): Map3 {
  const [channels, height, width] = input.shape as [number, number, number]
  const filters = conv.bias.length
  const [kh, kw] = conv.kernel as [number, number]
  const [top, left, bottom, right] = conv.padding as [number, number, number, number]
  const [sv, sh] = conv.stride as [number, number]
  const oh = Math.floor((height + top + bottom - kh) / sv) + 1
  const ow = Math.floor((width + left + right - kw) / sh) + 1
  const values: number[] = []
  for (let n = 0; n < filters; n++) {
    for (let oy = 0; oy < oh; oy++) {
      for (let ox = 0; ox < ow; ox++) {
        let acc = BigInt(conv.bias[n]!)
        for (let c = 0; c < channels; c++) {
          for (let ky = 0; ky < kh; ky++) {
            for (let kx = 0; kx < kw; kx++) {
              const y = oy * sv + ky - top
              const x = ox * sh + kx - left
              const outside = y < 0 || y >= height || x < 0 || x >= width
              const activation = outside ? 0 : input.values[(c * height + y) * width + x]!
              const weight = conv.weights[((n * channels + c) * kh + ky) * kw + kx]!
              acc += BigInt(multiply(conv.name, activation, weight, n, c))
            }
          }
        }
        const shift = BigInt(conv.shift[n]!)
        const code = Number((acc * BigInt(conv.multiplier[n]!) + (1n << (shift - 1n))) >> shift)
        values.push(Math.max(conv.low, Math.min(conv.high, code)))
      }
    }
  }
  return { shape: [filters, oh, ow], values }
}

function pool({ mode, window, stride }: Pool, input: Map3): Map3 {
  const [channels, height, width] = input.shape as [number, number, number]
  const [wh, ww] = window as [number, number]
  const oh = Math.floor((height - wh) / stride[0]!) + 1
  const ow = Math.floor((width - ww) / stride[1]!) + 1
  const values: number[] = []
  for (let c = 0; c < channels; c++) {
    for (let oy = 0; oy < oh; oy++) {
      for (let ox = 0; ox < ow; ox++) {
        const inside: number[] = []
        for (let dy = 0; dy < wh; dy++) {
          for (let dx = 0; dx < ww; dx++) {
            inside.push(input.values[(c * height + oy * stride[0]! + dy) * width + ox * stride[1]! + dx]!)
          }
        }
        const sum = inside.reduce((a, b) => a + b, 0)
        const area = inside.length
        values.push(mode === 'max' ? Math.max(...inside) : Math.floor((sum + Math.floor(area / 2)) / area))
      }
    }
  }
  return { shape: [channels, oh, ow], values }
}

/** Products by their definitions (the ROUP-style rounding of both operands), written from the formula. */
export function product(spec: string, activation: number, weight: number): number {
  const round = (x: number, bits: number) =>
    bits === 0 ? x : Math.floor((x + 2 ** (bits - 1)) / 2 ** bits) * 2 ** bits
  const cut = (x: number, bits: number) => Math.floor(x / 2 ** bits) * 2 ** bits
  const parameter = (key: string) => Number(new RegExp(`${key}=(\\d+)`).exec(spec)?.[1] ?? 0)
  if (spec.startsWith('exact')) return activation * weight
  if (spec.startsWith('trunc')) return cut(activation, parameter('ka')) * cut(weight, parameter('kb'))
  if (!spec.includes('asymmetric'))
    return round(activation, parameter('r')) * round(weight, 2 * parameter('p'))
  let sum = 0
  const bit = (i: number) => (i < 0 ? 0 : Math.floor(weight / 2 ** Math.min(i, 31)) & 1)
  for (let j = parameter('p'); j < 4; j++) {
    const digit = -2 * bit(2 * j + 1) + bit(2 * j) + bit(2 * j - 1)
    sum += digit * round(activation, Math.max(0, parameter('r') - 2 * j)) * 4 ** j
  }
  return sum
}
