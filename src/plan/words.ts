import { type AnyPlan, isRowPlan } from './any-plan.ts'
import type { MemoryImages } from './images.ts'
import { type Memories, parameterBits } from './plan.ts'

// The words of the weight and parameter memories, as the hardware holds them and as a weights packet carries them.

/** Lanes of a weight word: one a column of a systolic array, or one a row of a row-stationary grid. */
export const weightLaneCount = (plan: AnyPlan): number =>
  isRowPlan(plan) ? plan.array.rows : plan.array.columns

/** Bits of a weight word: a lane {owner, code} for each column or row, the first in the low bits. */
export const weightWordBits = (plan: AnyPlan): number =>
  weightLaneCount(plan) * (plan.memories.ownerBits + plan.memories.weightBits)

/** All weight words, to the memory's depth. */
export function weightMemoryWords(
  { weights, owners, columns }: MemoryImages,
  { weightBits, ownerBits, weightWords }: Memories,
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
export function parameterMemoryWords({ parameters }: MemoryImages, { parameterWords }: Memories): bigint[] {
  return Array.from({ length: parameterWords }, (_, n) => {
    const { bias, multiplier, shift } = parameters[n] ?? { bias: 0, multiplier: 0, shift: 1 }
    return (BigInt(shift) << 48n) | (BigInt(multiplier) << 32n) | BigInt.asUintN(32, BigInt(bias))
  })
}

/** A weights packet in beats of 32 bits: structure hash, weight words, parameter words. */
export interface PacketLayout {
  readonly hashBeats: 8
  readonly beatsPerWeight: number
  readonly beatsPerParameter: number
  readonly beats: number
}

export function packetLayout(plan: AnyPlan): PacketLayout {
  const beatsPerWeight = Math.ceil(weightWordBits(plan) / 32)
  const beatsPerParameter = Math.ceil(parameterBits / 32)
  const { weightWords, parameterWords } = plan.memories
  const beats = 8 + weightWords * beatsPerWeight + parameterWords * beatsPerParameter
  return { hashBeats: 8, beatsPerWeight, beatsPerParameter, beats }
}
