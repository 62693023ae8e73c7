import type { Plan } from '../src/plan/plan.ts'

/**
 * The feature-map banks: one a row in each set, or those that are shared with a grid, 8-bit words, one read and one write port each. The model reads a bank in a cycle before
 * it writes it, so that a read of the word being written gives the old one.
 */
export interface Banks {
  /** Raw code at a word of a set, the address taken modulo 2^bankAddress. Words beyond the depth do not exist and read as 0. */
  read(set: number, bank: number, address: number): number
  /** Stores a raw code in every bank i with i = residue (mod modulus) of the sets (as bits). */
  writeResidue(sets: number, residue: number, modulus: number, address: number, code: number): void
  write(sets: number, bank: number, address: number, code: number): void
}

export function banks(plan: Plan): Banks {
  const bankCount = plan.grid?.rotation?.banks ?? plan.array.rows
  const depth = plan.memories.bankDepth
  const mask = 2 ** plan.widths.bankAddress - 1
  const count = plan.merge?.sets ?? 1
  const words = Array.from({ length: count }, () => new Uint8Array(bankCount * depth))
  const write = (sets: number, bank: number, address: number, code: number) => {
    const word = address & mask
    if (word >= depth) return
    for (let set = 0; set < count; set++)
      if (((sets >> set) & 1) === 1) words[set]![bank * depth + word] = code
  }
  return {
    read(set, bank, address) {
      const word = address & mask
      return word < depth ? words[set]![bank * depth + word]! : 0
    },
    write,
    writeResidue(sets, residue, modulus, address, code) {
      for (let bank = residue; bank < bankCount; bank += modulus) write(sets, bank, address, code)
    },
  }
}
