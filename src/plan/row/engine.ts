import type { LayerAssignment } from '../../approx/assignment.ts'
import { domainName } from '../../arith/domain.ts'
import type { ArraySpec } from '../array.ts'
import type { FusedLayer } from '../fuse.ts'
import type { MemoryImages } from '../images.ts'
import { sumBits } from '../make.ts'
import { tilesOf } from '../mix.ts'
import type { Tile } from '../plan.ts'
import type { Rotation } from '../rotation.ts'
import { ownerBits, ownerCode } from '../tile.ts'
import { foldTiles, rowImages } from './images.ts'
import { type LayerMaps, placeLayers } from './layers.ts'
import type { RowMapping } from './mapping.ts'
import { measure, widthsOf } from './memories.ts'
import type { RowEngine } from './plan.ts'
import { channelPlaces, storesOf } from './stores.ts'

/** The layers that a grid runs, in order, and where their maps lie. */
export interface EngineWork {
  readonly array: ArraySpec
  readonly fused: readonly FusedLayer[]
  readonly assigned: readonly LayerAssignment[]
  readonly mappings: readonly RowMapping[]
  readonly maps: readonly LayerMaps[]
  /** Words of a bank. */
  readonly depth: number
  readonly reload: boolean
  /** What the names of the tiles begin with. */
  readonly tileName: string
  /** Present where the banks are shared with a systolic array. */
  readonly rotation?: Rotation
}

/** The grid for these layers. The images are made when they are asked for: memory may be refused before. */
export function engineOf(work: EngineWork): {
  readonly engine: RowEngine
  images(): MemoryImages
} {
  const { array, fused, assigned, mappings, reload, rotation, depth } = work
  const set = tilesOf(assigned, array)
  const tiles = set.tiles.map(
    ([multiplier], index): Tile => ({
      name: `${work.tileName}_${index}`,
      multiplier: multiplier!.spec,
      domain: domainName(multiplier!.domain),
    }),
  )
  const tileOf = (layer: number, multiplier: number) => set.owner(assigned[layer]!, multiplier).tile
  const layers = placeLayers(fused, mappings, work.maps, (index) => ({
    bits: sumBits(fused[index]!.conv, assigned[index]!, reload ? assigned : undefined),
    tiles: (layer) => foldTiles(layer, assigned[index]!, (multiplier) => tileOf(index, multiplier)),
  }))
  const masked = layers.some(({ passes }) => passes.some((list) => list.length > 1))
  const store = storesOf(layers, rotation)
  const widths = widthsOf(layers, tiles, store, depth, rotation)
  const parts = { layers, tiles, widths, shifts: store.shifts, ...(rotation && { rotation }) }
  const memories = measure(array, parts, store, depth, {
    weightBits: Math.max(...fused.map(({ conv }) => conv.weightBits)),
    ownerBits: ownerBits({ tiles, masked }),
    banks: rotation === undefined ? store.banks : 0,
  })
  const ownerOf = (layer: number, filter: number, tap: number) => {
    const { weights, bias } = fused[layer]!.conv
    const { ofKernel } = assigned[layer]!
    // of a dense layer behind a flatten each weight is a kernel
    const tapsOfKernel = weights.length / ofKernel.length
    const kernels = ofKernel.length / bias.length
    const multiplier = ofKernel[filter * kernels + Math.floor(tap / tapsOfKernel)]!
    return { tile: tileOf(layer, multiplier), mode: 0 }
  }
  const engine: RowEngine = {
    array,
    tiles,
    layers,
    memories,
    widths,
    exits: Math.max(...layers.map((layer) => layer.chains)),
    kernelWidth: Math.max(...layers.map((layer) => layer.kernel[1])),
    stages: Math.max(...layers.map((layer) => layer.chainKernel)),
    ...store,
    channels: layers.flatMap((layer) => channelPlaces(layer)),
    masked,
    reload,
    ...(rotation && { rotation }),
  }
  return { engine, images: () => rowImages(array.rows, fused, layers, ownerOf, ownerCode({ tiles, masked })) }
}
