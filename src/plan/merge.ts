import { unsignedBits } from '../base/integers.ts'
import { averageLimit } from './average.ts'
import type { Plan } from './plan.ts'

// Widths of the merge columns' registers, which the hardware has and the counts name.

const areasOf = ({ layers }: Pick<Plan, 'layers'>) =>
  layers.flatMap(({ average, window }) => (average ? [window[0] * window[1]] : []))

/** How the merge columns make a mean of a sum: by a shift where every area is a power of two, else by a reciprocal; undefined where no layer averages. */
export function meanBy({
  merge,
  layers,
}: Pick<Plan, 'merge' | 'layers'>): 'shift' | 'reciprocal' | undefined {
  if (merge?.reciprocal !== undefined) return 'reciprocal'
  return layers.some(({ poolShift }) => poolShift > 0) ? 'shift' : undefined
}

/** A signed code, and the sum of a window of them; the offset of a mean. */
export function mergeBits(plan: Plan): { readonly window: number; readonly offset: number } {
  const largest = Math.max(1, ...areasOf(plan))
  return {
    window: plan.widths.code + 1 + Math.ceil(Math.log2(largest)),
    offset: unsignedBits(Math.max(...plan.layers.map(({ merge }) => merge?.offset ?? 0))),
  }
}

/** A sum with its offset, which is not negative. */
export const meanBits = (plan: Plan): number => unsignedBits(Math.max(...areasOf(plan).map(averageLimit)) - 1)

/** Bits of a scaled code: 9 bits signed times 16 bits. */
export const scaledBits = 26

/** The most words of banks that the map reader takes at once. */
export const banksRead = ({ merge }: Pick<Plan, 'merge'>): number => merge?.moduli.at(-1) ?? 0
