import { sha256 } from '../base/hash.ts'
import type { ArraySpec } from './array.ts'
import type { FusedLayer } from './fuse.ts'

/** What the weight and parameter memories hold. The order is the order of use, so both are read by counting. */
export interface MemoryImages {
  readonly columns: number
  /** One code a column, [word][column]; columns without a filter hold 0. */
  readonly weights: Int8Array
  readonly parameters: readonly Parameter[]
}

/** Requantisation of one filter. */
export interface Parameter {
  readonly bias: number
  readonly multiplier: number
  readonly shift: number
}

/** Weight words of a layer: every tap of every column fold. */
export function weightWords(array: ArraySpec, taps: number, filters: number): number {
  return taps * Math.ceil(filters / array.columns)
}

export function memoryImages(array: ArraySpec, layers: readonly FusedLayer[]): MemoryImages {
  const { columns } = array
  const parts = layers.map((layer) => layerWeights(columns, layer))
  const weights = new Int8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    weights.set(part, at)
    at += part.length
  }
  const parameters = layers.flatMap(({ conv }) =>
    Array.from(conv.bias, (bias, n) => ({ bias, multiplier: conv.multiplier[n]!, shift: conv.shift[n]! })),
  )
  return { columns, weights, parameters }
}

/** Words in the order column fold, tap; tap = (ky * kernel width + kx) * channels + channel. */
function layerWeights(columns: number, { conv, kernel, input }: FusedLayer): Int8Array {
  const filters = conv.bias.length
  const channels = input.shape[0]
  const area = kernel[0] * kernel[1]
  const taps = area * channels
  const words = new Int8Array(Math.ceil(filters / columns) * taps * columns)
  for (let n = 0; n < filters; n++) {
    const g = Math.floor(n / columns)
    for (let pixel = 0; pixel < area; pixel++) {
      for (let c = 0; c < channels; c++) {
        const word = g * taps + pixel * channels + c
        words[word * columns + (n % columns)] = conv.weights[(n * channels + c) * area + pixel]!
      }
    }
  }
  return words
}

export function hashImages(images: MemoryImages): string {
  return sha256(`${sha256(new Uint8Array(images.weights.buffer))}${JSON.stringify(images.parameters)}`)
}
