import { hashOf } from '../base/hash.ts'
import type { Plan } from './plan.ts'

/**
 * SHA-256 of all that the hardware is made from. It leaves out what only the memories' contents and the meaning of codes depend on: the
 * weights and parameters, the order of filters (it stands in the weights), the layers' own accumulator bits (the widest decides), the
 * scales and the memory that was allowed. So weights fit a design exactly where these hashes are equal.
 */
export function structureOf(plan: Plan): string {
  const { contents: _contents, structure: _structure, hash: _hash, ...rest } = plan
  return hashOf({
    ...rest,
    array: { ...plan.array, memoryBits: undefined },
    input: { ...plan.input, scale: undefined },
    output: { ...plan.output, scale: undefined },
    layers: plan.layers.map((layer) => ({ ...layer, order: undefined, accumulatorBits: undefined })),
  })
}

/** The hash as words, the first eight hexadecimal digits first. */
export const hashWords = (hash: string): readonly number[] =>
  Array.from({ length: 8 }, (_, i) => Number.parseInt(hash.slice(8 * i, 8 * i + 8), 16))
