import type { RowPlan } from '../../src/plan/row/plan.ts'

/** The feature-map banks: one an input line, 8-bit words. A layer never reads the map that it writes. */
export interface RowBanks {
  /** Raw code at a word, the address taken modulo 2^bankAddress. Words beyond the depth do not exist and read as 0. */
  read(bank: number, address: number): number
  write(bank: number, address: number, code: number): void
}

export function rowBanks({ banks, memories, widths }: RowPlan): RowBanks {
  const depth = memories.bankDepth
  const mask = 2 ** widths.bankAddress - 1
  const words = new Uint8Array(banks * depth)
  return {
    read(bank, address) {
      const word = address & mask
      return word < depth ? words[bank * depth + word]! : 0
    },
    write(bank, address, code) {
      const word = address & mask
      if (word < depth) words[bank * depth + word] = code
    },
  }
}
