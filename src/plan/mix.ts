import type { LayerAssignment } from '../approx/assignment.ts'
import { domainName } from '../arith/domain.ts'
import type { Multiplier } from '../arith/multiplier.ts'
import { divideUp } from '../base/integers.ts'
import type { ArraySpec } from './array.ts'
import type { FusedLayer } from './fuse.ts'

/** How the products of one layer are spread over the tiles. */
export interface LayerMix {
  /** Filter at each column position, in the order of the column folds. */
  readonly order: readonly number[]
  /** Tiles by column fold and pass: a pass runs all row folds of its column fold on its tiles. */
  readonly passes: readonly (readonly (readonly number[])[])[]
  /** The tile that computes the product of a filter and an input tap ([channel][ky][kx], flat). */
  owner(filter: number, tap: number): number
}

export const tileKey = (multiplier: Multiplier) => `${multiplier.spec} ${domainName(multiplier.domain)}`

/** The tiles of a network: one for each distinct multiplier that computes a product, in the order of first use. */
export function tilesOf(assignments: readonly LayerAssignment[]): readonly string[] {
  const keys = assignments.flatMap(({ multipliers, ofKernel }) =>
    [...new Set(ofKernel)].map((index) => tileKey(multipliers[index]!)),
  )
  return [...new Set(keys)]
}

/**
 * Spreads a layer over its tiles. Filters that need the same tiles are put side by side, where the output may be permuted
 * (`free`: the next layer's taps follow the permutation; the last layer's output is the host's and keeps its order), so that
 * fewer passes are needed.
 */
export function mixLayer(
  array: ArraySpec,
  layer: FusedLayer,
  assignment: LayerAssignment,
  tiles: readonly string[],
  free: boolean,
): LayerMix {
  const { conv } = layer
  const filters = conv.bias.length
  const kernels = assignment.ofKernel.length / filters
  const area = conv.weights.length / filters / kernels
  const tileOf = assignment.multipliers.map((multiplier) => tiles.indexOf(tileKey(multiplier)))
  const ownerOfKernel = (filter: number, kernel: number) =>
    tileOf[assignment.ofKernel[filter * kernels + kernel]!]!
  const needs = Array.from({ length: filters }, (_, filter) => {
    const used = new Set(Array.from({ length: kernels }, (_, kernel) => ownerOfKernel(filter, kernel)))
    return [...used].sort((a, b) => a - b)
  })
  const natural = needs.map((_, filter) => filter)
  const grouped = [...natural].sort((a, b) => compareLists(needs[a]!, needs[b]!) || a - b)
  const passesOf = (order: readonly number[]) => foldTiles(order, needs, array)
  const total = (order: readonly number[]) => passesOf(order).reduce((sum, passes) => sum + passes.length, 0)
  const order = free && total(grouped) < total(natural) ? grouped : natural
  return {
    order,
    passes: passesOf(order),
    owner: (filter, tap) => ownerOfKernel(filter, Math.floor(tap / area)),
  }
}

/** The passes of each column fold: one for all its tiles side by side, or one after another. */
function foldTiles(order: readonly number[], needs: readonly (readonly number[])[], array: ArraySpec) {
  const { columns, parallel } = array
  return Array.from({ length: divideUp(order.length, columns) }, (_, g) => {
    const used = new Set(order.slice(g * columns, (g + 1) * columns).flatMap((filter) => needs[filter]!))
    const list = [...used].sort((a, b) => a - b)
    return parallel ? [list] : list.map((tile) => [tile])
  })
}

function compareLists(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}
