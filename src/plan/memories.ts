import { indexBits } from '../base/integers.ts'
import type { ArraySpec } from './array.ts'
import { type Memories, type PlanLayer, parameterBits, type Widths } from './plan.ts'
import { coordinateBits } from './program.ts'

/** Widths of addresses, sums and map coordinates. */
export function widthsOf(
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
export function measureMemories(
  array: ArraySpec,
  layers: readonly PlanLayer[],
  { bankDepth, banks: bankCount, momentBits, weightBits, ownerBits, passWords, passBits }: MemoryNeeds,
  widths: Widths,
  programWidth: number,
): Memories {
  const last = layers.at(-1)!
  const weightWords = Math.max(2, last.weightBase + last.taps * last.columnFolds)
  const parameterWords = Math.max(2, last.parameterBase + (last.does === undefined ? last.filters : 0))
  const programWords = Math.max(2, layers.length)
  const depth = accumulatorDepth(layers)
  const banks = bankCount * bankDepth * widths.code + momentBits
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

/** What is not told by the layers alone. */
export interface MemoryNeeds {
  readonly bankDepth: number
  /** Feature-map banks. */
  readonly banks: number
  readonly momentBits: number
  readonly weightBits: number
  readonly ownerBits: number
  readonly passWords: number
  readonly passBits: number
}
