import type { Assignment, LayerAssignment } from '../../approx/assignment.ts'
import { domainName } from '../../arith/domain.ts'
import { usageError } from '../../base/errors.ts'
import { hashOf } from '../../base/hash.ts'
import { divideUp, indexBits, signedBits, unsignedBits } from '../../base/integers.ts'
import type { QGraph } from '../../quant/qgraph.ts'
import { type ArraySpec, checkArray } from '../array.ts'
import { type FusedLayer, fuseLayers } from '../fuse.ts'
import { hashImages, type MemoryImages } from '../images.ts'
import { convolutionMacs } from '../layer.ts'
import { ofDomain } from '../make.ts'
import { checkMemory } from '../memory-check.ts'
import { tilesOf } from '../mix.ts'
import { parameterBits, type Tile } from '../plan.ts'
import { anySumBits, partialSumBits } from '../range.ts'
import { ownerBits, ownerCode } from '../tile.ts'
import { filtersInOrder, foldTiles, rowImages, weightWordsOf } from './images.ts'
import {
  channelPlace,
  inputLayout,
  inputShift,
  layoutWords,
  outputLayout,
  type PieceStore,
  pieceStore,
  storePattern,
} from './layout.ts'
import { mapRows, type RowMapping } from './mapping.ts'
import type {
  ChannelPlace,
  MapLayout,
  Route,
  RowLayer,
  RowMemories,
  RowPlan,
  RowStream,
  RowWidths,
  StorePattern,
} from './plan.ts'
import { channelBits, routeBits, rowFields, rowPassBits, rowPassWords, rowProgramBits } from './program.ts'
import { rowLayerCycles } from './steps.ts'
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
    throw usageError(`${setting}: the row-stationary array has no ${what}`, {
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

const strideOf = ({ conv }: FusedLayer) => (conv.dense ? ([1, 1] as const) : conv.stride)

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

type Mixed = (index: number) => {
  readonly bits: number
  readonly tiles: (layer: Parameters<typeof foldTiles>[0]) => RowLayer['passes']
}

/** The layers one behind the other in the memories. */
function placeLayers(
  fused: readonly FusedLayer[],
  mappings: readonly RowMapping[],
  layouts: readonly MapLayout[],
  mixed: Mixed,
): readonly RowLayer[] {
  const layers: RowLayer[] = []
  const known = new Map<string, number>()
  const bases = { weightBase: 0, parameterBase: 0, routeBase: 0, passBase: 0 }
  for (const [index, layer] of fused.entries()) {
    const { bits, tiles } = mixed(index)
    const plain = shapeLayer(layer, mappings[index]!, layouts[index]!, layouts[index + 1]!)
    const key = geometryKey(plain)
    const geometry = known.get(key) ?? known.size
    known.set(key, geometry)
    const passes = tiles(plain)
    const placed = { ...plain, ...bases, geometry, passes, accumulatorBits: bits }
    const timed = { ...placed, ...durations(placed) }
    const made = { ...timed, cycles: rowLayerCycles(timed) }
    layers.push(made)
    bases.weightBase += weightWordsOf(made)
    bases.parameterBase += timed.parameterWords
    bases.routeBase += timed.rowFolds * timed.pieces
    bases.passBase += passes.reduce((sum, list) => sum + list.length, 0)
  }
  return layers
}

/** All that decides how the grid is wired for a layer. */
const geometryKey = (layer: ReturnType<typeof shapeLayer>): string =>
  JSON.stringify([
    layer.chain,
    layer.chainKernel,
    layer.kernelFolds,
    layer.chains,
    layer.pieces,
    layer.columns,
    layer.sides,
    layer.stride[0],
    layer.layout.lines,
    layer.layout.channels,
    layer.window[0],
  ])

function shapeLayer(fused: FusedLayer, mapping: RowMapping, layout: MapLayout, output: MapLayout) {
  const { conv, pool, kernel } = fused
  const window = pool?.window ?? ([1, 1] as const)
  const [filters, height, width] = fused.output.shape
  const groupChannels = fused.input.shape[0] / conv.groups
  const chain = mapping.channels * mapping.chainKernel
  const channelsLast = groupChannels - (mapping.channelFolds - 1) * mapping.channels
  const kernelLast = kernel[0] - (mapping.kernelFolds - 1) * mapping.chainKernel
  return {
    name: conv.name,
    ...mapping,
    kernel,
    stride: strideOf(fused),
    padding: conv.dense ? ([0, 0] as const) : ([conv.padding[0], conv.padding[1]] as const),
    groups: conv.groups,
    groupChannels,
    groupFilters: filters / conv.groups,
    window,
    average: pool?.mode === 'average',
    poolShift: pool?.mode === 'average' ? Math.log2(window[0] * window[1]) : 0,
    positions: [height * window[0], width * window[1]] as const,
    outputShape: fused.output.shape,
    outputSigned: fused.output.signed,
    macs: convolutionMacs(fused),
    low: conv.low,
    high: conv.high,
    layout,
    output,
    chain,
    chains: mapping.filterSets * mapping.pieces,
    chainLast: mapping.kernelFolds > 1 ? kernelLast : channelsLast * mapping.chainKernel,
    loadWords: mapping.sides * kernel[1],
    parameterWords: conv.groups * mapping.filterFolds * mapping.filterSets * mapping.sides,
    lanes: mapping.columns / window[0],
  }
}

/** An accumulator word written in one pass may be read for the next one a cycle later at the earliest. */
const written = 1
/** Parameters of the next filters arrive while those at work are still used: multiplier and shift later than the bias. */
const parameterHold = 3

/** A sum is not finished before the one before it is drained; loading a pass takes a cycle for each word. */
function durations(
  layer: Omit<
    RowLayer,
    'cyclesFill' | 'cyclesPartial' | 'cyclesFinal' | 'cyclesDrain' | 'interval' | 'slot' | 'cycles'
  >,
) {
  const { positions, kernel, window, sides, chains, chain, loadWords } = layer
  const interval = divideUp(sides, window[1])
  const slot = Math.max(positions[1] * interval, sides + parameterHold)
  const cyclesPartial = Math.max(positions[1] * kernel[1], loadWords, kernel[1] + written)
  const shortest =
    Math.min(...layer.passes.map((tiles) => tiles.length)) * layer.channelFolds * layer.kernelFolds
  const lastRead = (chains - 1) * slot + (positions[1] - 1) * interval
  return {
    interval,
    slot,
    // the first cycle takes the layer's numbers up
    cyclesFill: 1 + loadWords,
    cyclesPartial,
    cyclesFinal: Math.max(cyclesPartial, chains * slot - (shortest - 1) * cyclesPartial),
    // down the chain, the drain's first cycle, all reads, six registers, down the window, a word for each side
    cyclesDrain: chain + 2 + 1 + lastRead + 6 + window[0] + sides + 1,
  }
}

interface Stores {
  readonly banks: number
  readonly shifts: readonly number[]
  readonly patterns: readonly StorePattern[]
  readonly routes: readonly Route[]
}

/** Where every piece of every layer is stored, and the few ways in which lanes meet banks. */
function storesOf(layers: readonly RowLayer[], layouts: readonly MapLayout[]): Stores {
  const banks = Math.max(...layouts.map(({ channels, lines }) => channels * lines))
  const pieces = layers.flatMap((layer) =>
    Array.from({ length: layer.rowFolds * layer.pieces }, (_, at) => {
      const fold = Math.floor(at / layer.pieces)
      return { layer, stored: pieceStore(layer, fold, at % layer.pieces, layer.output) }
    }),
  )
  const input = layouts[0]!
  const shifts = [
    ...new Set([
      ...pieces.flatMap(({ stored }) => stored.sources.map(({ blocks }) => blocks)),
      ...Array.from({ length: input.lines }, (_, i) => inputShift(input, i)),
    ]),
  ].sort((a, b) => a - b)
  const patterns = new Map<string, { readonly index: number; readonly pattern: StorePattern }>()
  const routes = pieces.map(({ layer, stored }): Route => {
    const pattern = storePattern(banks, stored, shifts)
    const key = JSON.stringify(pattern)
    const known = patterns.get(key) ?? { index: patterns.size, pattern }
    patterns.set(key, known)
    return routeOf(layer.output, stored, shifts, known.index)
  })
  return { banks, shifts, patterns: [...patterns.values()].map(({ pattern }) => pattern), routes }
}

function routeOf(
  next: MapLayout,
  { block, rows }: PieceStore,
  shifts: readonly number[],
  pattern: number,
): Route {
  const exists = (shift: number) => block + shift >= 0 && block + shift < next.blocks
  return { pattern, rows, address: next.base + block * next.width, enabled: shifts.map(exists) }
}

/** The place of each filter's channel in the next map. */
function channelPlaces(layer: RowLayer): readonly ChannelPlace[] {
  return filtersInOrder(layer).map((filter) =>
    filter === undefined
      ? { exists: false, channel: 0, address: 0 }
      : { exists: true, ...channelPlace(layer.output, filter) },
  )
}

function widthsOf(
  layers: readonly RowLayer[],
  tiles: readonly Tile[],
  { patterns, routes }: Stores,
  depth: number,
): RowWidths {
  const most = (value: (layer: RowLayer) => number) => Math.max(...layers.map(value))
  const last = layers.at(-1)!
  const lastX = ({ positions, stride, kernel, padding, layout }: RowLayer) =>
    Math.max(layout.width, (positions[1] - 1) * stride[1] + kernel[1] - 1 - padding[1])
  const layouts = layers.flatMap(({ layout, output }) => [layout, output])
  return {
    code: 8,
    accumulator: most((l) => l.accumulatorBits),
    bankAddress: indexBits(depth),
    accumulatorAddress: indexBits(accumulatorDepth(layers)),
    coordinate: signedBits(-most((l) => l.padding[1]), most(lastX)),
    weightAddress: indexBits(Math.max(2, last.weightBase + weightWordsOf(last))),
    parameterAddress: indexBits(Math.max(2, last.parameterBase + last.parameterWords)),
    routeAddress: indexBits(Math.max(2, routes.length)),
    passAddress: indexBits(Math.max(2, rowPassWords({ layers, tiles }).length)),
    kernelColumn: indexBits(most((l) => l.kernel[1])),
    kernelFold: indexBits(most((l) => l.kernelFolds)),
    side: indexBits(most((l) => l.sides)),
    chain: unsignedBits(most((l) => l.chain)),
    line: unsignedBits(
      most((l) => Math.max(l.layout.top + l.layout.height, l.layout.period, l.layout.lines)),
    ),
    exit: indexBits(most((l) => l.chains)),
    lane: unsignedBits(most((l) => l.lanes)),
    channel: indexBits(Math.max(...layouts.map(({ channels }) => channels))),
    pattern: indexBits(patterns.length),
  }
}

/** Words of each of a chain's two memories. */
const accumulatorDepth = (layers: readonly RowLayer[]) =>
  Math.max(2, ...layers.map(({ positions }) => positions[1]))

/** Words and widths of every memory. A memory has at least 2 words, so that it has an address. */
function measure(
  array: ArraySpec,
  parts: Pick<RowPlan, 'layers' | 'tiles' | 'widths' | 'shifts'>,
  { routes }: Stores,
  bankDepth: number,
  {
    weightBits,
    ownerBits,
    banks,
  }: { readonly weightBits: number; readonly ownerBits: number; readonly banks: number },
): RowMemories {
  const { layers, tiles, widths } = parts
  const last = layers.at(-1)!
  const exits = Math.max(...layers.map((layer) => layer.chains))
  const words = {
    bankDepth,
    weightWords: Math.max(2, last.weightBase + weightWordsOf(last)),
    weightBits,
    ownerBits,
    programWords: Math.max(2, layers.length),
    passWords: tiles.length > 1 ? Math.max(2, rowPassWords({ layers, tiles }).length) : 0,
    routeWords: Math.max(2, routes.length),
    parameterWords: Math.max(2, last.parameterBase + last.parameterWords),
    accumulatorDepth: accumulatorDepth(layers),
  }
  const none = { banks: 0, weights: 0, parameters: 0, accumulators: 0, program: 0, total: 0 }
  const fields = rowFields({ ...parts, memories: { ...words, bits: none } })
  const bits = {
    banks: banks * bankDepth * widths.code,
    weights: words.weightWords * array.rows * (weightBits + ownerBits),
    parameters: words.parameterWords * parameterBits,
    accumulators: 2 * exits * array.columns * words.accumulatorDepth * widths.accumulator,
    program:
      words.programWords * rowProgramBits(fields) +
      words.passWords * rowPassBits({ tiles }) +
      words.routeWords * routeBits(parts) +
      words.parameterWords * channelBits(parts),
  }
  const total = Object.values(bits).reduce((sum, count) => sum + count, 0)
  return { ...words, bits: { ...bits, total } }
}

function stream(graph: QGraph, id: string, layout: MapLayout): RowStream {
  const { shape, bits, signed, scale } = graph.tensors[id]!
  return { shape, elements: shape[0] * shape[1] * shape[2], bits, signed, scale, layout }
}
