import { sha256 } from '../base/hash.ts'
import { divideUp } from '../base/integers.ts'
import type { ArraySpec } from './array.ts'
import type { FusedLayer } from './fuse.ts'
import type { LayerMix } from './mix.ts'
import type { PlanLayer } from './plan.ts'
import type { Owner } from './tile.ts'

/** What the weight and parameter memories hold. The order is the order of use, so both are read by counting. */
export interface MemoryImages {
  readonly columns: number
  /** One code a column, [word][column]; columns without a filter hold 0. */
  readonly weights: Int8Array
  /** The owner of each weight (`ownerCode`), laid out as the weights. */
  readonly owners: Uint8Array | Uint16Array
  readonly parameters: readonly Parameter[]
}

/** Requantisation of one filter. */
export interface Parameter {
  readonly bias: number
  readonly multiplier: number
  readonly shift: number
}

export function memoryImages(
  array: ArraySpec,
  layers: readonly FusedLayer[],
  mixes: readonly LayerMix[],
  planned: readonly Pick<PlanLayer, 'channels'>[],
  codeOf: (owner: Owner) => number,
): MemoryImages {
  const { columns } = array
  const parts = layers.map((layer, index) =>
    layerWords(columns, layer, planned[index]!.channels, mixes[index]!, mixes[index - 1]?.order, codeOf),
  )
  const length = parts.reduce((sum, part) => sum + part.weights.length, 0)
  const weights = new Int8Array(length)
  const owners = new (
    parts.some((part) => part.owners.some((code) => code > 255)) ? Uint16Array : Uint8Array
  )(length)
  let at = 0
  for (const part of parts) {
    weights.set(part.weights, at)
    owners.set(part.owners, at)
    at += part.weights.length
  }
  const parameters = layers.flatMap(({ conv }, index) =>
    mixes[index]!.order.map((filter) => ({
      bias: conv.bias[filter]!,
      multiplier: conv.multiplier[filter]!,
      shift: conv.shift[filter]!,
    })),
  )
  return { columns, weights, owners, parameters }
}

/**
 * Words in the order column fold, tap; tap = (ky * kernel width + kx) * channels + channel. Channels stand as the layer before
 * stored them: `stored[position]` is the channel at a position. Those that do not exist have weight 0.
 */
function layerWords(
  lanes: number,
  { conv, kernel, input }: FusedLayer,
  slots: number,
  mix: LayerMix,
  stored: readonly number[] | undefined,
  codeOf: (owner: Owner) => number,
) {
  const channels = input.shape[0]
  const area = kernel[0] * kernel[1]
  const taps = area * slots
  const { columns } = mix.size
  const size = divideUp(mix.order.length, columns) * taps * lanes
  const weights = new Int8Array(size)
  const owners = new Uint16Array(size)
  for (const [position, filter] of mix.order.entries()) {
    const g = Math.floor(position / columns)
    for (let pixel = 0; pixel < area; pixel++) {
      for (let c = 0; c < channels; c++) {
        const at = (g * taps + pixel * slots + c) * lanes + (position % columns)
        const tap = (stored?.[c] ?? c) * area + pixel
        weights[at] = conv.weights[filter * area * channels + tap]!
        owners[at] = codeOf(mix.owner(filter, tap))
      }
    }
  }
  return { weights, owners }
}

export function hashImages(images: MemoryImages): string {
  return sha256(
    `${sha256(new Uint8Array(images.weights.buffer))}${sha256(new Uint8Array(images.owners.buffer))}${JSON.stringify(images.parameters)}`,
  )
}
