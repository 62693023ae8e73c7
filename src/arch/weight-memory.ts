import { defineModule, type Module } from '../hdl/module.ts'
import type { MemoryImages } from '../plan/images.ts'
import type { Plan } from '../plan/plan.ts'
import { follow } from './gates.ts'

/** Reads one row of weights a cycle, and delays column j by j cycles, so that weights meet the load bits on their way right. */
export function weightMemory(plan: Plan, images: MemoryImages): Module {
  const { columns } = plan.array
  const { weightBits, weightWords } = plan.memories
  return defineModule(
    'weight_memory',
    `Weights of all layers, ${columns} codes of ${weightBits} bits a word, in the order of use.`,
    (m) => {
      const read = m.input('read', 1)
      const address = m.input('address', plan.widths.weightAddress)
      const memory = m.memory('weights', {
        width: columns * weightBits,
        depth: Math.max(2, weightWords),
        init: { file: 'weights.hex', words: weightImage(images, weightBits, Math.max(2, weightWords)) },
      })
      const word = memory.read('word', address, read)
      for (let j = 0; j < columns; j++) {
        let weight = m.c.slice(word, (j + 1) * weightBits - 1, j * weightBits)
        for (let delay = 1; delay <= j; delay++) weight = follow(m, `column_${j}_delay_${delay}`, weight)
        m.output(`weight_${j}`, weight)
      }
    },
  )
}

/** Column 0 in the low bits. */
function weightImage({ weights, columns }: MemoryImages, weightBits: number, depth: number): bigint[] {
  const hexWord = (word: number) => {
    let value = 0n
    for (let j = columns - 1; j >= 0; j--)
      value =
        (value << BigInt(weightBits)) | BigInt.asUintN(weightBits, BigInt(weights[word * columns + j] ?? 0))
    return value
  }
  return Array.from({ length: depth }, (_, word) => hexWord(word))
}
