import type { LayerAssignment } from '../../approx/assignment.ts'
import type { FusedLayer } from '../fuse.ts'
import type { MemoryImages, Parameter } from '../images.ts'
import type { Owner } from '../tile.ts'
import { chainPlace, type RowLayer } from './plan.ts'

/** A filter that does not exist: its sums are never stored. */
const filler: Parameter = { bias: 0, multiplier: 0, shift: 1 }

/**
 * Weight words have a lane for each row of the grid, in the order group, filter fold, channel fold, kernel fold, side, kernel column. Rows without work hold 0.
 * Parameters stand in the order group, filter fold, filter set, side.
 */
export function rowImages(
  rows: number,
  fused: readonly FusedLayer[],
  layers: readonly RowLayer[],
  ownerOf: (layer: number, filter: number, tap: number) => Owner,
  codeOf: (owner: Owner) => number,
): MemoryImages {
  const words = layers.reduce((sum, layer) => sum + weightWordsOf(layer), 0)
  const weights = new Int8Array(words * rows)
  const owners = new Uint16Array(words * rows)
  for (const [index, layer] of layers.entries()) {
    const { conv } = fused[index]!
    const [height, width] = layer.kernel
    for (const [word, row, filter, channel, ky, kx] of weightPlaces(rows, layer)) {
      const at = word * rows + row
      const tap = (channel * height + ky) * width + kx
      weights[at] = conv.weights[filter * layer.groupChannels * height * width + tap]!
      owners[at] = codeOf(ownerOf(index, filter, tap))
    }
  }
  const parameters = layers.flatMap((layer, index) => {
    const { conv } = fused[index]!
    return filtersInOrder(layer).map((filter) =>
      filter === undefined
        ? filler
        : { bias: conv.bias[filter]!, multiplier: conv.multiplier[filter]!, shift: conv.shift[filter]! },
    )
  })
  return { columns: rows, weights, owners, parameters }
}

/** Words of a layer in the weight memory. */
export const weightWordsOf = (layer: RowLayer): number =>
  layer.groups * layer.filterFolds * layer.channelFolds * layer.kernelFolds * layer.loadWords

/** The filters as they are finished in a row fold; undefined for those that do not exist. */
export function filtersInOrder(
  layer: Pick<RowLayer, 'groups' | 'groupFilters' | 'filterFolds' | 'filterSets' | 'sides' | 'filters'>,
): readonly (number | undefined)[] {
  const order: (number | undefined)[] = []
  for (let group = 0; group < layer.groups; group++) {
    for (let fold = 0; fold < layer.filterFolds; fold++) {
      for (let at = 0; at < layer.filterSets * layer.sides; at++) {
        const filter = fold * layer.filters + at
        const exists = at < layer.filters && filter < layer.groupFilters
        order.push(exists ? group * layer.groupFilters + filter : undefined)
      }
    }
  }
  return order
}

type WeightPlace = readonly [
  word: number,
  row: number,
  filter: number,
  channel: number,
  ky: number,
  kx: number,
]

/** Where each weight stands; a filter's rows stand once for each piece. */
function* weightPlaces(rows: number, layer: RowLayer): Generator<WeightPlace> {
  const filters = filtersInOrder(layer)
  const [height, width] = layer.kernel
  let word = layer.weightBase
  for (let fold = 0; fold < layer.groups * layer.filterFolds; fold++) {
    for (let channelFold = 0; channelFold < layer.channelFolds; channelFold++) {
      for (let kernelFold = 0; kernelFold < layer.kernelFolds; kernelFold++) {
        for (let side = 0; side < layer.sides; side++) {
          for (let kx = 0; kx < width; kx++, word++) {
            for (let row = 0; row < rows; row++) {
              const place = chainPlace(layer, row)
              if (place === undefined) continue
              const set = Math.floor(place.chain / layer.pieces)
              const filter = filters[(fold * layer.filterSets + set) * layer.sides + side]
              const channel = channelFold * layer.channels + Math.floor(place.row / layer.chainKernel)
              const ky = kernelFold * layer.chainKernel + (place.row % layer.chainKernel)
              if (filter === undefined || channel >= layer.groupChannels || ky >= height) continue
              yield [word, row, filter, channel, ky, kx]
            }
          }
        }
      }
    }
  }
}

/** The tiles that compute products of a group's filter fold, ascending. */
export function foldTiles(
  layer: Pick<RowLayer, 'groups' | 'groupFilters' | 'filterFolds' | 'filterSets' | 'sides' | 'filters'>,
  assignment: LayerAssignment,
  tileOf: (multiplier: number) => number,
): readonly (readonly number[])[] {
  const filters = filtersInOrder(layer)
  const size = layer.filterSets * layer.sides
  const kernels = assignment.ofKernel.length / (layer.groups * layer.groupFilters)
  return Array.from({ length: layer.groups * layer.filterFolds }, (_, fold) => {
    const used = filters
      .slice(fold * size, (fold + 1) * size)
      .flatMap((filter) =>
        filter === undefined
          ? []
          : Array.from(assignment.ofKernel.subarray(filter * kernels, (filter + 1) * kernels), tileOf),
      )
    return [...new Set(used)].sort((a, b) => a - b)
  })
}
