import { hashOf } from '../../base/hash.ts'
import type { RowPlan } from './plan.ts'

/** SHA-256 of all that the hardware is made from, as `structureOf` of a weight-stationary plan: weights fit a design exactly where these are equal. */
export function rowStructure(plan: RowPlan): string {
  const { contents: _contents, structure: _structure, hash: _hash, ...rest } = plan
  return hashOf({
    ...rest,
    array: { ...plan.array, memoryBits: undefined },
    input: { ...plan.input, scale: undefined },
    output: { ...plan.output, scale: undefined },
    layers: plan.layers.map((layer) => ({ ...layer, accumulatorBits: undefined })),
  })
}
