import type { Assignment, LayerAssignment } from '../approx/assignment.ts'
import { domainName } from '../arith/domain.ts'
import type { Multiplier } from '../arith/multiplier.ts'
import { usageError } from '../base/errors.ts'
import { hashOf } from '../base/hash.ts'
import { indexBits } from '../base/integers.ts'
import type { QGraph } from '../quant/qgraph.ts'
import { type ArraySpec, checkArray } from './array.ts'
import { bankModulus, bankWords, chooseModuli, mapSize, possibleModuli } from './banking.ts'
import { type FusedLayer, fuseLayers } from './fuse.ts'
import { hashImages, type MemoryImages, memoryImages } from './images.ts'
import { latencyOf, mapLayer, type Placement } from './layer.ts'
import { checkMemory } from './memory-check.ts'
import { type LayerMix, mixLayer, tilesOf } from './mix.ts'
import {
  type Memories,
  type Modes,
  type Plan,
  type PlanLayer,
  type PlanStream,
  parameterBits,
  type Tile,
  type Widths,
} from './plan.ts'
import { coordinateBits, passBits, passWords, programBits, programFields } from './program.ts'
import { anySumBits, partialSumBits } from './range.ts'
import { smaller } from './size.ts'
import { layerCycles, layerDuration } from './steps.ts'
import { structureOf } from './structure.ts'
import { ownerBits, ownerCode } from './tile.ts'

export interface Planned {
  readonly plan: Plan
  readonly images: MemoryImages
}

export interface PlanOptions {
  /** Weights can be loaded at run time. */
  readonly reload?: boolean
}

/** Maps a quantised network with its multipliers to an array. Refuses what does not fit, with the bits it needs. */
export function makePlan(
  graph: QGraph,
  assignment: Assignment,
  array: ArraySpec,
  { reload = false }: PlanOptions = {},
): Planned {
  checkArray(array)
  const { tiles: _sizes, ...envelope } = array
  const fused = fuseLayers(graph)
  const assigned = fused.map(({ conv }) => assignment.get(conv.name)!)
  const set = tilesOf(assigned, array)
  const mixes = fused.map((layer, index) =>
    mixLayer(array, layer, assigned[index]!, set, index < fused.length - 1),
  )
  const moduliOfMaps = mapModuli(array, fused, assigned, mixes)
  const maps = placeMaps(fused, moduliOfMaps)
  const modes = modesOf(set.tiles, mixes)
  const layers: PlanLayer[] = []
  let weightBase = 0
  let parameterBase = 0
  for (const [index, layer] of fused.entries()) {
    const bits = reload
      ? anySumBits(layer.conv, ofDomain(assigned, assigned[index]!))
      : partialSumBits(layer.conv, assigned[index]!)
    if (bits > 32) {
      const any = reload ? ' for any weights' : ''
      throw usageError(
        `layer "${layer.conv.name}" needs ${bits}-bit accumulators${any}; the hardware has 32`,
        {
          where: layer.conv.name,
          hint: `Use fewer weight or activation bits (quant.weights, quant.activations)${reload ? ', or give up loading weights at run time (reload: false)' : ''}.`,
        },
      )
    }
    layers.push(
      mapLayer(array, layer, {
        mix: mixes[index]!,
        // the rows of the layer before begin higher up by as many
        loadDelay: Math.max(0, (mixes[index - 1]?.size.rows ?? 0) - mixes[index]!.size.rows),
        modesByPass: modes.modes?.from === 'pass',
        inputBase: maps.bases[index]!,
        inputModulus: moduliOfMaps[index]!,
        outputBase: maps.bases[index + 1]!,
        outputModulus: moduliOfMaps[index + 1]!,
        weightBase,
        parameterBase,
        accumulatorBits: bits,
      }),
    )
    weightBase += layers[index]!.taps * layers[index]!.columnFolds
    parameterBase += layers[index]!.filters
  }
  const moduli = [...new Set(layers.map((layer) => layer.outputModulus))].sort((a, b) => a - b)
  const weightBits = Math.max(...fused.map(({ conv }) => conv.weightBits))
  const widths = widthsOf(layers, maps.depth, weightBase, parameterBase)
  const tiles = set.tiles.map((multipliers, index): Tile => {
    const specs = multipliers.map(({ spec }) => spec)
    const tile = {
      name: `tile_${index}`,
      multiplier: specs.join(' | '),
      domain: domainName(multipliers[0]!.domain),
    }
    return {
      ...tile,
      ...(specs.length === 1 ? {} : { modes: specs }),
      ...smaller(array, set.sizes[index]!),
    }
  })
  const fields = programFields({ layers, array, widths, moduli })
  const masked = layers.some(({ passes }) => passes.some((list) => list.flat().length > 1))
  const passes = passWords({ layers, tiles, ...modes }).length
  const needs = {
    bankDepth: maps.depth,
    weightBits,
    ownerBits: ownerBits({ tiles, masked, ...modes }),
    passWords: passes === 0 ? 0 : Math.max(2, passes),
    passBits: passBits({ tiles, ...modes }),
  }
  const memories = measureMemories(array, layers, needs, widths, programBits(fields))
  checkMemory({
    network: graph.name,
    array,
    memories,
    tiles: tiles.length,
    namedTiles: masked && modes.modes === undefined,
    masked,
    bitsOn: (other) => {
      const unlimited = { ...other, memoryBits: Number.POSITIVE_INFINITY }
      return makePlan(graph, assignment, unlimited, { reload }).plan.memories.bits.total
    },
  })
  const images = memoryImages(array, fused, mixes, layers, ownerCode({ tiles, masked, ...modes }))
  const draft: Plan = {
    format: 'xgen-plan-1',
    network: graph.name,
    array: envelope,
    tiles,
    layers,
    input: stream(graph, graph.input, maps.bases[0]!, moduliOfMaps[0]!),
    output: {
      ...stream(graph, graph.output, maps.bases.at(-1)!, moduliOfMaps.at(-1)!),
      shape: fused.at(-1)!.output.shape,
    },
    memories,
    widths,
    latency: latencyOf(array),
    masked,
    ...modes,
    sideBySide: layers.some(({ passes }) => passes.some((list) => list.some((tiles) => tiles.length > 1))),
    moduli,
    reload,
    contents: hashImages(images),
    structure: '',
    hash: '',
  }
  const cycles = layerCycles(draft)
  const counted = { ...draft, layers: layers.map((layer, index) => ({ ...layer, cycles: cycles[index]! })) }
  const plan = { ...counted, structure: structureOf(counted) }
  return { plan: { ...plan, hash: hashOf({ ...plan, hash: undefined }) }, images }
}

/** The multipliers that compute any product of the network with the domain of a layer. */
function ofDomain(assigned: readonly LayerAssignment[], layer: LayerAssignment): readonly Multiplier[] {
  const domain = domainName(layer.multipliers[0]!.domain)
  return assigned
    .flatMap(({ multipliers, ofKernel }) => [...new Set(ofKernel)].map((index) => multipliers[index]!))
    .filter((multiplier) => domainName(multiplier.domain) === domain)
}

/** The modes of a plan, where some tile has any: they come with the passes, unless weights of one pass differ in theirs. */
function modesOf(
  tiles: readonly (readonly Multiplier[])[],
  mixes: readonly LayerMix[],
): { readonly modes?: Modes } {
  const most = Math.max(...tiles.map((multipliers) => multipliers.length))
  if (most === 1) return {}
  const mixed = mixes.some(({ passes }) => passes.some((list) => list.some((pass) => pass.modes.length > 1)))
  return { modes: { bits: indexBits(most), from: mixed ? 'weight' : 'pass' } }
}

/**
 * The input map has the first words for itself, so that the next image can arrive while the network runs. The others alternate between
 * the two ends of the rest: a layer reads one and writes the other, so the deepest pair decides the depth.
 */
function placeMaps(fused: readonly FusedLayer[], moduli: readonly number[]) {
  const last = fused.at(-1)!
  const shapes = [...fused.map((layer) => layer.input.shape), last.output.shape]
  const words = shapes.map((shape, index) => bankWords(shape, moduli[index]!))
  const [input, ...others] = words as [number, ...number[]]
  const depth = Math.max(2, ...others.map((count, index) => input + count + (others[index + 1] ?? 0)))
  const bases = [0, ...others.map((count, index) => (index % 2 === 0 ? depth - count : input))]
  return { bases, depth }
}

/**
 * The moduli of all maps, the output's too. The host sends the input's channels alone, so that one has no channels added; a result of one
 * position lies in every bank whole (modulus 1), so that the output reads bank 0 alone. A layer has taps with a weight of 0 only where they add 0,
 * and where each weight word that they cost saves a cycle.
 */
function mapModuli(
  array: ArraySpec,
  fused: readonly FusedLayer[],
  assigned: readonly LayerAssignment[],
  mixes: readonly LayerMix[],
): readonly number[] {
  const size = (index: number) => mixes[index]?.size ?? array
  const options = fused.map((layer, index) => {
    const channels = layer.input.shape[0]
    const sides = mapSize(array, size(index), size(index - 1))
    const natural = [bankModulus(sides, channels)]
    if (index === 0 || assigned[index]!.multipliers.some(({ zeroExact }) => !zeroExact)) return natural
    return possibleModuli(sides, channels)
  })
  const nowhere = {
    loadDelay: 0,
    modesByPass: false,
    inputBase: 0,
    outputBase: 0,
    weightBase: 0,
    parameterBase: 0,
    accumulatorBits: 1,
  }
  const [channels, height, width] = fused.at(-1)!.output.shape
  const result =
    height * width === 1
      ? [1]
      : [...new Set([1, ...possibleModuli(mapSize(array, array, size(fused.length - 1)), channels)])]
  return chooseModuli([...options, result], (index, inputModulus, outputModulus) => {
    const placement: Placement = { ...nowhere, mix: mixes[index]!, inputModulus, outputModulus }
    const layer = mapLayer(array, fused[index]!, placement)
    const addedWords = layer.filler * layer.kernel[0] * layer.kernel[1] * layer.columnFolds
    return layerDuration(size(index).rows, layer) + addedWords
  })
}

function widthsOf(
  layers: readonly PlanLayer[],
  bankDepth: number,
  weightWordCount: number,
  parameterWords: number,
): Widths {
  return {
    code: 8,
    accumulator: Math.max(...layers.map((layer) => layer.accumulatorBits)),
    bankAddress: indexBits(bankDepth),
    accumulatorAddress: indexBits(accumulatorDepth(layers)),
    coordinate: coordinateBits(layers),
    weightAddress: indexBits(weightWordCount),
    parameterAddress: indexBits(parameterWords),
  }
}

const foldsStored = ({ rowFolds, passes }: PlanLayer) =>
  rowFolds > 1 || passes.some((list) => list.length > 1)

/** Words of partial sums: only column folds of several folds store any. */
function accumulatorDepth(layers: readonly PlanLayer[]): number {
  return Math.max(2, ...layers.map((layer) => (foldsStored(layer) ? layer.positions : 0)))
}

/** Words and widths of every memory. A memory has at least 2 words, so that it has an address. */
function measureMemories(
  array: ArraySpec,
  layers: readonly PlanLayer[],
  { bankDepth, weightBits, ownerBits, passWords, passBits }: MemoryNeeds,
  widths: Widths,
  programWidth: number,
): Memories {
  const last = layers.at(-1)!
  const weightWords = Math.max(2, last.weightBase + last.taps * last.columnFolds)
  const parameterWords = Math.max(2, last.parameterBase + last.filters)
  const programWords = Math.max(2, layers.length)
  const depth = accumulatorDepth(layers)
  const banks = array.rows * bankDepth * widths.code
  const weights = weightWords * array.columns * (weightBits + ownerBits)
  const parameters = parameterWords * parameterBits
  const accumulators = array.columns * depth * widths.accumulator
  const program = programWords * programWidth + passWords * passBits
  const total = banks + weights + parameters + accumulators + program
  return {
    bankDepth,
    weightWords,
    weightBits,
    ownerBits,
    programWords,
    passWords,
    parameterWords,
    accumulatorDepth: depth,
    bits: { banks, weights, parameters, accumulators, program, total },
  }
}

interface MemoryNeeds {
  readonly bankDepth: number
  readonly weightBits: number
  readonly ownerBits: number
  readonly passWords: number
  readonly passBits: number
}

function stream(graph: QGraph, id: string, base: number, modulus: number): PlanStream {
  const { shape, bits, signed, scale } = graph.tensors[id]!
  return { shape, elements: shape[0] * shape[1] * shape[2], bits, signed, scale, base, modulus }
}
