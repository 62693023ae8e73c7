import { divideUp } from '../../base/integers.ts'
import type { FusedLayer } from '../fuse.ts'
import { convolutionMacs } from '../layer.ts'
import { type foldTiles, weightWordsOf } from './images.ts'
import type { RowMapping } from './mapping.ts'
import type { MapLayout, RowLayer } from './plan.ts'
import { rowLayerCycles } from './steps.ts'

type Mixed = (index: number) => {
  readonly bits: number
  readonly tiles: (layer: Parameters<typeof foldTiles>[0]) => RowLayer['passes']
}

/** Where a layer's maps lie. */
export interface LayerMaps {
  readonly input: MapLayout
  readonly output: MapLayout
}

/** The layers one behind the other in the memories. */
export function placeLayers(
  fused: readonly FusedLayer[],
  mappings: readonly RowMapping[],
  maps: readonly LayerMaps[],
  mixed: Mixed,
): readonly RowLayer[] {
  const layers: RowLayer[] = []
  const known = new Map<string, number>()
  const bases = { weightBase: 0, parameterBase: 0, routeBase: 0, passBase: 0 }
  for (const [index, layer] of fused.entries()) {
    const { bits, tiles } = mixed(index)
    const plain = shapeLayer(layer, mappings[index]!, maps[index]!)
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

function shapeLayer(fused: FusedLayer, mapping: RowMapping, { input: layout, output }: LayerMaps) {
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

export const strideOf = ({ conv }: FusedLayer) => (conv.dense ? ([1, 1] as const) : conv.stride)

/** An accumulator word written in one pass may be read for the next one a cycle later at the earliest. */
const written = 1

/** Parameters of the next filters arrive while those at work are still used: multiplier and shift later than the bias. */
const parameterHold = 3

/** A sum is not finished before the one before it is drained; loading a pass takes a cycle for each word. */
export function durations(
  layer: Pick<
    RowLayer,
    | 'positions'
    | 'kernel'
    | 'window'
    | 'sides'
    | 'chains'
    | 'chain'
    | 'loadWords'
    | 'passes'
    | 'channelFolds'
    | 'kernelFolds'
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
