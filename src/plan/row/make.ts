import type { Assignment, LayerAssignment } from '../../approx/assignment.ts'
import { domainName } from '../../arith/domain.ts'
import { usageError } from '../../base/errors.ts'
import { hashOf } from '../../base/hash.ts'
import type { QGraph } from '../../quant/qgraph.ts'
import { type ArraySpec, checkArray } from '../array.ts'
import { type FusedLayer, fuseLayers } from '../fuse.ts'
import { hashImages, type MemoryImages } from '../images.ts'
import { ofDomain } from '../make.ts'
import { checkMemory } from '../memory-check.ts'
import { tilesOf } from '../mix.ts'
import type { Tile } from '../plan.ts'
import { anySumBits, partialSumBits } from '../range.ts'
import { ownerBits, ownerCode } from '../tile.ts'
import { foldTiles, rowImages } from './images.ts'
import { placeLayers, strideOf } from './layers.ts'
import { inputLayout, layoutWords, outputLayout } from './layout.ts'
import { mapRows, type RowMapping } from './mapping.ts'
import { measure, widthsOf } from './memories.ts'
import type { MapLayout, RowPlan, RowStream } from './plan.ts'
import { channelPlaces, storesOf } from './stores.ts'
import { rowStructure } from './structure.ts'

export interface RowPlanned {
  readonly plan: RowPlan
  readonly images: MemoryImages
}

/** Maps a quantised network with its multipliers to a row-stationary grid. Refuses what does not fit, with the reason. */
export function makeRowPlan(
  graph: QGraph,
  assignment: Assignment,
  array: ArraySpec,
  { reload = false }: { readonly reload?: boolean } = {},
): RowPlanned {
  checkArray(array)
  checkOptions(array)
  const fused = fuseLayers(graph)
  const assigned = fused.map(({ conv }) => assignment.get(conv.name)!)
  const set = tilesOf(assigned, array)
  const tiles = set.tiles.map(
    ([multiplier], index): Tile => ({
      name: `tile_${index}`,
      multiplier: multiplier!.spec,
      domain: domainName(multiplier!.domain),
    }),
  )
  const tileOf = (layer: number, multiplier: number) => set.owner(assigned[layer]!, multiplier).tile
  const mappings = mapLayers(array, fused)
  const maps = placeMaps(array, fused, mappings)
  const layers = placeLayers(fused, mappings, maps.layouts, (index) => ({
    bits: sumBits(fused[index]!, assigned, index, reload),
    tiles: (layer) => foldTiles(layer, assigned[index]!, (multiplier) => tileOf(index, multiplier)),
  }))
  const masked = layers.some(({ passes }) => passes.some((list) => list.length > 1))
  const store = storesOf(layers, maps.layouts)
  const widths = widthsOf(layers, tiles, store, maps.depth)
  const parts = { layers, tiles, widths, shifts: store.shifts }
  const memories = measure(array, parts, store, maps.depth, {
    weightBits: Math.max(...fused.map(({ conv }) => conv.weightBits)),
    ownerBits: ownerBits({ tiles, masked }),
    banks: store.banks,
  })
  checkMemory({
    network: graph.name,
    array,
    memories,
    tiles: tiles.length,
    namedTiles: masked,
    masked: false,
    bitsOn: (other) => {
      const unlimited = { ...other, memoryBits: Number.POSITIVE_INFINITY }
      return makeRowPlan(graph, assignment, unlimited, { reload }).plan.memories.bits.total
    },
  })
  const codeOf = ownerCode({ tiles, masked })
  const ownerOf = (layer: number, filter: number, tap: number) => {
    const { weights, bias } = fused[layer]!.conv
    const { ofKernel } = assigned[layer]!
    // of a dense layer behind a flatten each weight is a kernel
    const tapsOfKernel = weights.length / ofKernel.length
    const kernels = ofKernel.length / bias.length
    const multiplier = ofKernel[filter * kernels + Math.floor(tap / tapsOfKernel)]!
    return { tile: tileOf(layer, multiplier), mode: 0 }
  }
  const images = rowImages(array.rows, fused, layers, ownerOf, codeOf)
  const draft: RowPlan = {
    format: 'xgen-row-plan-1',
    network: graph.name,
    array,
    tiles,
    layers,
    input: stream(graph, graph.input, maps.layouts[0]!),
    output: { ...stream(graph, graph.output, maps.layouts.at(-1)!), shape: fused.at(-1)!.output.shape },
    memories,
    widths,
    exits: Math.max(...layers.map((layer) => layer.chains)),
    kernelWidth: Math.max(...layers.map((layer) => layer.kernel[1])),
    stages: Math.max(...layers.map((layer) => layer.chainKernel)),
    ...store,
    channels: layers.flatMap((layer) => channelPlaces(layer)),
    masked,
    reload,
    contents: hashImages(images),
    structure: '',
    hash: '',
  }
  const plan = { ...draft, structure: rowStructure(draft) }
  return { plan: { ...plan, hash: hashOf({ ...plan, hash: undefined }) }, images }
}

function checkOptions(array: ArraySpec): void {
  const refuse = (setting: string, what: string) => {
    throw usageError(`the row-stationary array has no ${what}`, {
      where: setting,
      hint: 'It runs one tile a multiplier, each as large as the array, one after another. Leave the setting out, or use --dataflow weight-stationary.',
    })
  }
  if (array.modes === true) refuse('array.modes', 'tiles with run-time modes')
  if (array.parallel) refuse('array.parallel', 'tiles that work side by side')
  if (array.tiles !== undefined) refuse('array.tiles', 'tiles smaller than the array')
}

/** From the last layer to the first: a layer writes at most as many rows side by side as the next one's banks tell apart. */
function mapLayers(array: ArraySpec, fused: readonly FusedLayer[]): readonly RowMapping[] {
  const mappings: RowMapping[] = []
  let most = Number.POSITIVE_INFINITY
  for (const layer of fused.toReversed()) {
    const { conv, pool, kernel } = layer
    const window = pool?.window ?? ([1, 1] as const)
    if (window[0] > array.columns) {
      throw usageError(
        `"${pool!.name}" pools ${window[0]} rows, and the row-stationary array has ${array.columns} columns, one output row each`,
        { where: pool!.name, hint: `Give the array at least ${window[0]} columns.` },
      )
    }
    const mapping = mapRows(array, {
      kernel,
      positions: [layer.output.shape[1] * window[0], layer.output.shape[2] * window[1]],
      channels: layer.input.shape[0] / conv.groups,
      filters: conv.bias.length / conv.groups,
      groups: conv.groups,
      multiple: window[0],
      most: most * window[0],
    })
    mappings.unshift(mapping)
    const { period, blocks } = inputLayout(layer, mapping, strideOf(layer)[0])
    most = blocks === 1 ? Number.POSITIVE_INFINITY : period
  }
  return mappings
}

/**
 * The layouts of all maps, the result's last. The input map has the first words for itself, so that the next image can arrive while the network runs; the others
 * alternate between the two ends of the rest.
 */
function placeMaps(array: ArraySpec, fused: readonly FusedLayer[], mappings: readonly RowMapping[]) {
  const last = fused.at(-1)!
  const lanes = mappings.at(-1)!.columns / (last.pool?.window[0] ?? 1)
  const unplaced = [
    ...fused.map((layer, index) => inputLayout(layer, mappings[index]!, strideOf(layer)[0])),
    outputLayout(last.output.shape, lanes),
  ]
  const [input, ...others] = unplaced.map(layoutWords) as [number, ...number[]]
  const depth = Math.max(2, ...others.map((count, index) => input + count + (others[index + 1] ?? 0)))
  const bases = [0, ...others.map((count, index) => (index % 2 === 0 ? depth - count : input))]
  return {
    layouts: unplaced.map((layout, index): MapLayout => ({ base: bases[index]!, ...layout })),
    depth,
    array,
  }
}

function sumBits(
  { conv }: FusedLayer,
  assigned: readonly LayerAssignment[],
  index: number,
  reload: boolean,
): number {
  const bits = reload
    ? anySumBits(conv, ofDomain(assigned, assigned[index]!))
    : partialSumBits(conv, assigned[index]!)
  if (bits <= 32) return bits
  throw usageError(
    `layer "${conv.name}" needs ${bits}-bit accumulators${reload ? ' for any weights' : ''}; the hardware has 32`,
    {
      where: conv.name,
      hint: `Use fewer weight or activation bits (quant.weights, quant.activations)${reload ? ', or give up loading weights at run time (reload: false)' : ''}.`,
    },
  )
}

function stream(graph: QGraph, id: string, layout: MapLayout): RowStream {
  const { shape, bits, signed, scale } = graph.tensors[id]!
  return { shape, elements: shape[0] * shape[1] * shape[2], bits, signed, scale, layout }
}
