import { seededRandom } from '../base/random.ts'
import type { AnyPlan } from '../plan/any-plan.ts'
import type { QGraph } from '../quant/qgraph.ts'

/** Raw codes of a made-up image: cycles and counts do not depend on the values. */
export function randomCodes({ input }: Pick<AnyPlan, 'input'>, seed: number): Uint8Array {
  const random = seededRandom(seed)
  const mask = input.signed ? 255 : 2 ** input.bits - 1
  const half = input.signed ? 2 ** (input.bits - 1) : 0
  return Uint8Array.from(
    { length: input.elements },
    () => (random.integer(0, 2 ** input.bits - 1) - half) & mask,
  )
}

/** The names of a graph's dense layers. */
export const denseLayers = (graph: QGraph): ReadonlySet<string> =>
  new Set(graph.nodes.flatMap((node) => (node.kind === 'conv' && node.dense ? [node.name] : [])))

/** Values moved, by where they come from or go to (docs/metrics.md): the nearer, the cheaper. */
export interface AccessLevels {
  /** Weights that a PE reads from its own register, one a product. */
  readonly register: number
  /** Activations and partial sums that a PE takes from the PE beside it. */
  readonly neighbour: number
  /** Values read from and written to memories: feature maps, weights, partial sums. */
  readonly buffer: number
}
