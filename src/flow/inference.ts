import type { LayerEvents, RunEvents } from '../../sim/events.ts'
import { invariant } from '../base/errors.ts'
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

/** Cycles of one inference without stalls, from `start` to `done`; the parts add up to `total`. */
export interface InferenceCycles {
  readonly total: number
  readonly input: number
  /** The first weights. */
  readonly load: number
  readonly layers: number
  readonly postProcessing: number
  readonly output: number
  /** The cycles with `start` and with `done`. */
  readonly handshake: number
}

/** What the cycle model saw of an inference of `total` cycles, and of its layers. */
export function inferenceCyclesOf(
  { input }: AnyPlan,
  { layers: events, runCycles, outputCycles }: RunEvents,
  total: number,
  layers: readonly { readonly cycles: number; readonly postCycles: number }[],
): InferenceCycles {
  return {
    total,
    input: input.elements,
    load: events[0]!.firstActivation,
    layers: layers.reduce((sum, { cycles }) => sum + cycles, 0),
    postProcessing: layers.reduce((sum, { postCycles }) => sum + postCycles, 0),
    output: outputCycles,
    handshake: total - input.elements - runCycles - outputCycles,
  }
}

/** Cycles from a layer's first activation to its last accumulator write, both included: as the plan says. */
export function measuredCycles(
  layer: { readonly name: string; readonly cycles: number },
  { firstActivation, lastWrite }: Pick<LayerEvents, 'firstActivation' | 'lastWrite'>,
): number {
  const measured = lastWrite - firstActivation + 1
  invariant(
    measured === layer.cycles,
    `the model took ${measured} cycles for "${layer.name}", the plan says ${layer.cycles}`,
  )
  return measured
}
