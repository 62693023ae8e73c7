import { operandBits } from '../src/plan/moments.ts'
import type { Plan } from '../src/plan/plan.ts'

/** The moment banks: one a row, a word of all orders' operands; one read and one write port each. */
export interface MomentBanks {
  read(order: number, row: number, word: number): number
  write(order: number, row: number, word: number, operand: number): void
}

export function momentBanks({ array, moments }: Plan): MomentBanks | undefined {
  if (moments === undefined) return undefined
  const { depth } = moments
  const words = operandBits(moments).map(() => new Int32Array(array.rows * depth))
  return {
    read: (order, row, word) => (word < depth ? words[order]![row * depth + word]! : 0),
    write(order, row, word, operand) {
      words[order]![row * depth + word] = operand
    },
  }
}
