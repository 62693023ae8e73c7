import type { AnyPlan } from './any-plan.ts'
import type { MemoryImages } from './images.ts'
import { type Memories, type Plan, parameterBits } from './plan.ts'
import type { RowEngine } from './row/plan.ts'

// The words of the weight and parameter memories, as the hardware holds them and as a weights packet carries them.

/** Lanes of a weight word: one a column of a systolic array, or one a row of a row-stationary grid. */
export const weightLaneCount = (engine: Plan | RowEngine): number =>
  'exits' in engine ? engine.array.rows : engine.array.columns

/** Bits of a weight word: a lane {owner, code} for each column or row, the first in the low bits. */
export const weightWordBits = (engine: Plan | RowEngine): number =>
  weightLaneCount(engine) * (engine.memories.ownerBits + engine.memories.weightBits)

/** All weight words, to the memory's depth. */
export function weightMemoryWords(
  { weights, owners, columns }: MemoryImages,
  { weightBits, ownerBits, weightWords }: Pick<Memories, 'weightBits' | 'ownerBits' | 'weightWords'>,
): bigint[] {
  const laneOf = (at: number) => {
    const code = BigInt.asUintN(weightBits, BigInt(weights[at] ?? 0))
    return ownerBits === 0 ? code : (BigInt(owners[at] ?? 0) << BigInt(weightBits)) | code
  }
  const wordOf = (word: number) => {
    let value = 0n
    for (let j = columns - 1; j >= 0; j--)
      value = (value << BigInt(ownerBits + weightBits)) | laneOf(word * columns + j)
    return value
  }
  return Array.from({ length: weightWords }, (_, word) => wordOf(word))
}

/** All parameter words {shift[5:0], multiplier[15:0], bias[31:0]}, to the memory's depth. */
export function parameterMemoryWords(
  { parameters }: MemoryImages,
  { parameterWords }: Pick<Memories, 'parameterWords'>,
): bigint[] {
  return Array.from({ length: parameterWords }, (_, n) => {
    const { bias, multiplier, shift } = parameters[n] ?? { bias: 0, multiplier: 0, shift: 1 }
    return (BigInt(shift) << 48n) | (BigInt(multiplier) << 32n) | BigInt.asUintN(32, BigInt(bias))
  })
}

/** A memory that a weights packet fills. */
export interface PacketPart {
  /** What its ports begin with. */
  readonly name: string
  /** The weight loader's state while it takes this part. */
  readonly state: number
  readonly words: number
  readonly bits: number
  readonly addressBits: number
  /** Beats of a word. */
  readonly beats: number
}

/** A weights packet in beats of 32 bits: structure hash, weight words, parameter words; then those of a grid beside the array. */
export interface PacketLayout {
  readonly hashBeats: 8
  readonly beatsPerWeight: number
  readonly beatsPerParameter: number
  readonly parts: readonly PacketPart[]
  readonly beats: number
}

/** The weight loader's states that belong to no part. */
export const loaderStates = { header: 0, drain: 3 } as const

export function packetLayout(plan: AnyPlan): PacketLayout {
  const grid = 'grid' in plan ? plan.grid : undefined
  const parts = [...engineParts(plan, '', 1), ...(grid === undefined ? [] : engineParts(grid, 'grid_', 4))]
  const beats = parts.reduce((sum, part) => sum + part.words * part.beats, 8)
  return { hashBeats: 8, beatsPerWeight: parts[0]!.beats, beatsPerParameter: parts[1]!.beats, parts, beats }
}

function engineParts(engine: Plan | RowEngine, prefix: string, state: number): readonly PacketPart[] {
  const { memories, widths } = engine
  const part = (name: string, at: number, words: number, bits: number, addressBits: number): PacketPart => ({
    name: prefix + name,
    state: at,
    words,
    bits,
    addressBits,
    beats: Math.ceil(bits / 32),
  })
  return [
    part('weight', state, memories.weightWords, weightWordBits(engine), widths.weightAddress),
    part('parameter', state + 1, memories.parameterWords, parameterBits, widths.parameterAddress),
  ]
}

/** The words of each part. */
export function packetWords(plan: AnyPlan, images: MemoryImages): readonly (readonly bigint[])[] {
  const of = (engine: Plan | RowEngine, own: MemoryImages) => [
    weightMemoryWords(own, engine.memories),
    parameterMemoryWords(own, engine.memories),
  ]
  const grid = 'grid' in plan ? plan.grid : undefined
  return [...of(plan, images), ...(grid === undefined ? [] : of(grid, images.grid!))]
}
