import { sha256 } from '../base/hash.ts'
import { divideUp } from '../base/integers.ts'
import type { QConv } from '../quant/qgraph.ts'
import type { ArraySpec } from './array.ts'
import { isCurve, momentsSeen } from './curve-shape.ts'
import type { ArrayWork } from './lower.ts'
import type { LayerMix } from './mix.ts'
import type { PlanLayer } from './plan.ts'
import { firstWord } from './steps.ts'
import type { Owner } from './tile.ts'

/** What the weight and parameter memories hold. The order is the order of use, so both are read by counting. */
export interface MemoryImages {
  /** Lanes of a word: the columns of a systolic array, the rows of a row-stationary grid. */
  readonly columns: number
  /** One code a lane, [word][lane]; lanes without a filter hold 0. */
  readonly weights: Int8Array | Int32Array
  /** The owner of each weight (`ownerCode`), laid out as the weights. */
  readonly owners: Uint8Array | Uint16Array
  readonly parameters: readonly Parameter[]
  /** Those of the grid beside the array, where there is one. */
  readonly grid?: MemoryImages
}

/** Requantisation of one filter. */
export interface Parameter {
  readonly bias: number
  readonly multiplier: number
  readonly shift: number
}

/** A layer with products, as it is planned. */
export interface PlannedArray {
  readonly work: ArrayWork
  readonly layer: PlanLayer
  readonly mix: LayerMix
  /** Channel at each position of the map that it reads, where they do not stand in order. */
  readonly stored: readonly number[] | undefined
}

type OwnerCode = (owner: Owner | undefined) => number

export function memoryImages(
  { columns }: ArraySpec,
  planned: readonly PlannedArray[],
  codeOf: OwnerCode,
): MemoryImages {
  const parts = planned.map((one) => layerWords(columns, one, codeOf))
  const length = parts.reduce((sum, part) => sum + part.weights.length, 0)
  const weights = new (planned.some(({ work }) => work.conv.curve !== undefined) ? Int32Array : Int8Array)(
    length,
  )
  const owners = new (
    parts.some((part) => part.owners.some((code) => code > 255)) ? Uint16Array : Uint8Array
  )(length)
  let at = 0
  for (const part of parts) {
    weights.set(part.weights, at)
    owners.set(part.owners, at)
    at += part.weights.length
  }
  const parameters = planned.flatMap(({ work: { conv }, mix }) =>
    mix.order.map((filter) => ({
      bias: conv.bias[filter]!,
      multiplier: conv.multiplier[filter]!,
      shift: conv.shift[filter]!,
    })),
  )
  return { columns, weights, owners, parameters }
}

/**
 * Words in the order column fold, tap; tap = (ky * kernel width + kx) * channels + channel, of those that the column fold sees. Channels stand as the layer before
 * stored them. Those that do not exist, or are not of a filter's group, have weight 0, and nobody computes the product of the latter, and of the former where they are moments.
 */
function layerWords(lanes: number, { work, layer, mix, stored }: PlannedArray, codeOf: OwnerCode) {
  const { conv, input } = work
  const { kernel } = layer
  const own = isCurve(work) ? momentsSeen(work) : input.shape[0] / conv.groups
  const filters = mix.order.length
  const area = kernel[0] * kernel[1]
  const { columns } = mix.size
  const size = divideUp(filters, columns) * layer.taps * lanes
  const codeAt = weightCodes(conv, area, own)
  const weights = new Int32Array(size)
  const owners = new Uint16Array(size).fill(
    conv.groups === 1 && conv.curve === undefined ? 0 : codeOf(undefined),
  )
  for (const [position, filter] of mix.order.entries()) {
    const g = Math.floor(position / columns)
    const seen = firstWord(layer, g) * layer.inputModulus
    const group = Math.floor((filter * conv.groups) / filters)
    for (let pixel = 0; pixel < area; pixel++) {
      for (let c = 0; c < own; c++) {
        const slot = conv.groups === 1 ? c : group * own + c - seen
        const at = (g * layer.taps + pixel * layer.channels + slot) * lanes + (position % columns)
        const tap = (stored?.[c] ?? c) * area + pixel
        weights[at] = codeAt(filter, tap)
        owners[at] = codeOf(mix.owner(filter, tap))
      }
    }
  }
  return { weights, owners }
}

/** What the weight memory has for a filter and a tap: its code, or the coefficients of all orders side by side, order 0 in the low bits. */
function weightCodes({ weights, curve }: QConv, area: number, channels: number) {
  if (curve === undefined) return (filter: number, tap: number) => weights[filter * area * channels + tap]!
  const orders = curve.degree + 1
  return (filter: number, tap: number) => {
    let code = 0
    for (let order = orders - 1; order >= 0; order--) {
      const coefficient = curve.coefficients[(filter * area * channels + tap) * orders + order]!
      code = (code << curve.bits) | (coefficient & (2 ** curve.bits - 1))
    }
    return code
  }
}

export function hashImages({ weights, owners, parameters, grid }: MemoryImages): string {
  const ofGrid = grid === undefined ? '' : hashImages(grid)
  return sha256(
    `${sha256(new Uint8Array(weights.buffer))}${sha256(new Uint8Array(owners.buffer))}${JSON.stringify(parameters)}${ofGrid}`,
  )
}
