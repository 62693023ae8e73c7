import { type Assignment, uniformMultiplier } from '../approx/assignment.ts'
import { domainName } from '../arith/domain.ts'
import type { Multiplier } from '../arith/multiplier.ts'
import { usageError } from '../base/errors.ts'
import { hashOf } from '../base/hash.ts'
import { indexBits } from '../base/integers.ts'
import type { QGraph } from '../quant/qgraph.ts'
import { type ArraySpec, checkArray } from './array.ts'
import { type FusedLayer, fuseLayers } from './fuse.ts'
import { hashImages, type MemoryImages, memoryImages, weightWords } from './images.ts'
import { bankModulus, bankWords, mapLayer } from './layer.ts'
import {
  type Memories,
  type Plan,
  type PlanLayer,
  type PlanStream,
  parameterBits,
  type Tile,
  type Widths,
} from './plan.ts'
import { coordinateBits, programBits, programFields } from './program.ts'
import { partialSumBits } from './range.ts'
import { layerCycles } from './steps.ts'

export interface Planned {
  readonly plan: Plan
  readonly images: MemoryImages
}

/** Maps a quantised network with its multipliers to an array. Refuses what does not fit, with the bits it needs. */
export function makePlan(graph: QGraph, assignment: Assignment, array: ArraySpec): Planned {
  checkArray(array)
  const fused = fuseLayers(graph)
  const chosen = fused.map(({ conv }) => multiplierOf(conv.name, assignment))
  const tiles = tilesOf(chosen)
  const maps = placeMaps(array, fused)
  const layers: PlanLayer[] = []
  let weightBase = 0
  let parameterBase = 0
  for (const [index, layer] of fused.entries()) {
    const bits = partialSumBits(layer.conv, chosen[index]!)
    if (bits > 32) {
      throw usageError(`layer "${layer.conv.name}" needs ${bits}-bit accumulators; the hardware has 32`, {
        where: layer.conv.name,
        hint: 'Use fewer weight or activation bits (quant.weights, quant.activations).',
      })
    }
    layers.push(
      mapLayer(array, layer, {
        tile: tiles.indexOf(tileOf(chosen[index]!)),
        inputBase: maps.bases[index]!,
        outputBase: maps.bases[index + 1]!,
        outputModulus: maps.moduli[index + 1]!,
        weightBase,
        parameterBase,
        accumulatorBits: bits,
      }),
    )
    weightBase += weightWords(array, layers[index]!.taps, layers[index]!.filters)
    parameterBase += layers[index]!.filters
  }
  const moduli = [...new Set(layers.map((layer) => layer.outputModulus))].sort((a, b) => a - b)
  const weightBits = Math.max(...fused.map(({ conv }) => conv.weightBits))
  const widths = widthsOf(layers, maps.depth, weightBase, parameterBase)
  const plainTiles = tiles.map((key, index): Tile => {
    const [multiplier, domain] = key.split(' ') as [string, string]
    return { name: `tile_${index}`, multiplier, domain }
  })
  const fields = programFields({ layers, array, widths, moduli, tiles: plainTiles })
  const memories = measureMemories(
    array,
    layers,
    maps.depth,
    weightBase,
    weightBits,
    parameterBase,
    widths,
    programBits(fields),
  )
  checkMemory(graph.name, array, memories)
  const images = memoryImages(array, fused)
  const draft: Plan = {
    format: 'xgen-plan-1',
    network: graph.name,
    array,
    tiles: plainTiles,
    layers,
    input: stream(graph, graph.input, maps.bases[0]!, maps.moduli[0]!),
    output: {
      ...stream(graph, graph.output, maps.bases.at(-1)!, maps.moduli.at(-1)!),
      shape: fused.at(-1)!.output.shape,
    },
    memories,
    widths,
    latency: { feeder: 2, accumulator: array.rows + 2, post: 5, aligned: array.rows + array.columns + 6 },
    moduli,
    contents: hashImages(images),
    hash: '',
  }
  const cycles = layerCycles(draft)
  const plan = { ...draft, layers: layers.map((layer, index) => ({ ...layer, cycles: cycles[index]! })) }
  return { plan: { ...plan, hash: hashOf({ ...plan, hash: undefined }) }, images }
}

function multiplierOf(layer: string, assignment: Assignment): Multiplier {
  const assigned = assignment.get(layer)
  const multiplier = assigned && uniformMultiplier(assigned)
  if (multiplier === undefined) {
    throw usageError(
      `layer "${layer}" has different multipliers for its filters or kernels: the hardware runs one multiplier a layer so far`,
      {
        where: layer,
        hint: 'Choose multipliers by layer for hardware; "xgen eval" emulates choices by filter and kernel.',
      },
    )
  }
  return multiplier
}

const tileOf = (multiplier: Multiplier) => `${multiplier.spec} ${domainName(multiplier.domain)}`

/** One tile for each distinct multiplier, in the order of first use. */
const tilesOf = (chosen: readonly Multiplier[]): readonly string[] => [...new Set(chosen.map(tileOf))]

/**
 * Maps alternate between the two ends of the banks: a layer reads one and writes the other, so the deepest pair decides
 * the depth. The result lies in every bank whole (modulus 1), so that the output reads bank 0 alone.
 */
function placeMaps(array: ArraySpec, fused: readonly FusedLayer[]) {
  const last = fused.at(-1)!
  const moduli = [...fused.map((layer) => bankModulus(array, layer.input.shape[0])), 1]
  const shapes = [...fused.map((layer) => layer.input.shape), last.output.shape]
  const words = shapes.map((shape, index) => bankWords(shape, moduli[index]!))
  const depth = Math.max(2, ...fused.map((_, index) => words[index]! + words[index + 1]!))
  const bases = words.map((count, index) => (index % 2 === 0 ? 0 : depth - count))
  return { moduli, bases, depth }
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

/** Words of partial sums: only layers with several row folds store any. */
function accumulatorDepth(layers: readonly PlanLayer[]): number {
  return Math.max(2, ...layers.map((layer) => (layer.rowFolds > 1 ? layer.positions : 0)))
}

function measureMemories(
  array: ArraySpec,
  layers: readonly PlanLayer[],
  bankDepth: number,
  weightWordCount: number,
  weightBits: number,
  parameterWords: number,
  widths: Widths,
  programWidth: number,
): Memories {
  const depth = accumulatorDepth(layers)
  const banks = array.rows * bankDepth * widths.code
  const weights = weightWordCount * array.columns * weightBits
  const parameters = parameterWords * parameterBits
  const accumulators = array.columns * depth * widths.accumulator
  const program = layers.length * programWidth
  const total = banks + weights + parameters + accumulators + program
  return {
    bankDepth,
    weightWords: weightWordCount,
    weightBits,
    parameterWords,
    accumulatorDepth: depth,
    bits: { banks, weights, parameters, accumulators, program, total },
  }
}

function checkMemory(network: string, array: ArraySpec, { bits }: Memories): void {
  if (bits.total <= array.memoryBits) return
  const count = (value: number) => value.toLocaleString('en-US')
  throw usageError(
    `"${network}" needs ${count(bits.total)} bits of on-chip memory (feature maps ${count(bits.banks)}, weights ${count(bits.weights)}, ` +
      `accumulators ${count(bits.accumulators)}, parameters ${count(bits.parameters)}, program ${count(bits.program)}); ` +
      `${count(array.memoryBits)} are allowed`,
    {
      where: 'array.memory_bits',
      hint: 'Allow more (--set array.memory_bits=<bits>), choose another array, or a smaller network.',
    },
  )
}

function stream(graph: QGraph, id: string, base: number, modulus: number): PlanStream {
  const { shape, bits, signed, scale } = graph.tensors[id]!
  return { shape, elements: shape[0] * shape[1] * shape[2], bits, signed, scale, base, modulus }
}
