import { defineModule, type Module } from '../hdl/module.ts'
import type { MemoryImages } from '../plan/images.ts'
import type { Plan } from '../plan/plan.ts'
import { follow } from './gates.ts'

/** Reads one row of weights a cycle, and delays column j by j cycles, so that weights meet the load bits on their way right. */
export function weightMemory(plan: Plan, images: MemoryImages): Module {
  const { columns } = plan.array
  const { weightBits, ownerBits, weightWords } = plan.memories
  const lane = ownerBits + weightBits
  return defineModule(
    'weight_memory',
    `Weights of all layers in the order of use: ${columns} lanes of ${ownerBits > 0 ? `{tile[${ownerBits - 1}:0], code[${weightBits - 1}:0]}` : `${weightBits} bits`} a word.`,
    (m) => {
      const read = m.input('read', 1)
      const address = m.input('address', plan.widths.weightAddress)
      const memory = m.memory('weights', {
        width: columns * lane,
        depth: weightWords,
        init: { file: 'weights.hex', words: weightImage(images, weightBits, ownerBits, weightWords) },
      })
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

/** Column 0 in the low bits. */
function weightImage(
  { weights, owners, columns }: MemoryImages,
  weightBits: number,
  ownerBits: number,
  depth: number,
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
  return Array.from({ length: depth }, (_, word) => wordOf(word))
}
