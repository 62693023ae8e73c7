import type { Plan } from '../src/plan/plan.ts'

/**
 * The feature-map banks: one a row, 8-bit words, one read and one write port each. The model reads a bank in a cycle before
 * it writes it, so that a read of the word being written gives the old one.
 */
export interface Banks {
  /** Raw code at a word, the address taken modulo 2^bankAddress. Words beyond the depth do not exist and read as 0. */
  read(bank: number, address: number): number
  /** Stores a raw code in every bank i with i = residue (mod modulus). */
  writeResidue(residue: number, modulus: number, address: number, code: number): void
  write(bank: number, address: number, code: number): void
}

export function banks(plan: Plan): Banks {
  const { rows } = plan.array
  const depth = plan.memories.bankDepth
  const mask = 2 ** plan.widths.bankAddress - 1
  const words = new Uint8Array(rows * depth)
  const write = (bank: number, address: number, code: number) => {
    const word = address & mask
    if (word < depth) words[bank * depth + word] = code
  }
  return {
    read(bank, address) {
      const word = address & mask
      return word < depth ? words[bank * depth + word]! : 0
    },
    write,
    writeResidue(residue, modulus, address, code) {
      for (let bank = residue; bank < rows; bank += modulus) write(bank, address, code)
    },
  }
}
