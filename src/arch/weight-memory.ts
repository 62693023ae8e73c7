import { defineModule, type Memory, type Module, type ModuleBuilder } from '../hdl/module.ts'
import type { MemoryImages } from '../plan/images.ts'
import type { Plan } from '../plan/plan.ts'
import { weightMemoryWords, weightWordBits } from '../plan/words.ts'
import { follow } from './gates.ts'

/** Reads one row of weights a cycle, and delays column j by j cycles, so that weights meet the load bits on their way right. */
export function weightMemory(plan: Plan, images: MemoryImages): Module {
  const { columns } = plan.array
  const { weightBits, ownerBits, weightWords } = plan.memories
  const owner = plan.modes?.from === 'weight' ? 'owner' : 'tile'
  const lane = ownerBits + weightBits
  return defineModule(
    'weight_memory',
    `Weights of all layers in the order of use: ${columns} lanes of ${ownerBits > 0 ? `{${owner}[${ownerBits - 1}:0], code[${weightBits - 1}:0]}` : `${weightBits} bits`} a word.`,
    (m) => {
      const read = m.input('read', 1)
      const address = m.input('address', plan.widths.weightAddress)
      const memory = m.memory('weights', {
        width: weightWordBits(plan),
        depth: weightWords,
        init: { file: 'weights.hex', words: weightMemoryWords(images, plan.memories) },
      })
      if (plan.reload) writePort(m, memory, plan.widths.weightAddress, weightWordBits(plan))
      const word = memory.read('word', address, read)
      for (let j = 0; j < columns; j++) {
        let weight = m.c.slice(word, (j + 1) * lane - 1, j * lane)
        for (let delay = 1; delay <= j; delay++) weight = follow(m, `column_${j}_delay_${delay}`, weight)
        m.output(`weight_${j}`, m.c.slice(weight, weightBits - 1, 0))
        if (ownerBits > 0) m.output(`owner_${j}`, m.c.slice(weight, lane - 1, weightBits))
      }
    },
  )
}

/** A write port of a memory that can be loaded at run time; the loader writes only while nothing reads. */
export function writePort(m: ModuleBuilder, memory: Memory, addressBits: number, width: number): void {
  memory.write(m.input('write', 1), m.input('write_address', addressBits), m.input('write_data', width))
}
