import type { Assignment } from '../approx/assignment.ts'
import { multiplyingNodes } from '../approx/build.ts'
import { XgenError } from '../base/errors.ts'
import type { QGraph } from '../quant/qgraph.ts'
import { type AnyPlan, inferenceCycles } from './any-plan.ts'
import { type ArraySpec, type Dataflow, dataflows } from './array.ts'
import type { MemoryImages } from './images.ts'
import { makePlan, type PlanOptions } from './make.ts'
import { dataflowsOf, type LayerDataflows } from './mixed/choice.ts'
import { type DataflowOf, makeMixedPlan } from './mixed/make.ts'
import { makeRowPlan } from './row/make.ts'
import { checkSupported } from './supported.ts'

export interface AnyPlanned {
  readonly plan: AnyPlan
  readonly images: MemoryImages
}

/** The array that the user asks for; `auto` leaves the dataflow to the cycles, and a map says it layer by layer. */
export type ArrayChoice = Omit<ArraySpec, 'dataflow'> & {
  readonly dataflow: ArraySpec['dataflow'] | 'auto' | LayerDataflows
}

/**
 * Maps a quantised network with its multipliers to an array of the dataflow that it asks for. With `auto`, to what takes the fewest cycles for an inference of
 * what can run the network on this array: one dataflow or the other for all layers, or both side by side with the faster one for each layer.
 */
export function planNetwork(
  graph: QGraph,
  assignment: Assignment,
  array: ArrayChoice,
  options: PlanOptions = {},
): AnyPlanned {
  checkSupported(graph)
  const { dataflow } = array
  const plan = (chosen: Dataflow): AnyPlanned =>
    chosen === 'row-stationary'
      ? makeRowPlan(graph, assignment, { ...array, dataflow: chosen }, options)
      : makePlan(graph, assignment, { ...array, dataflow: chosen }, options)
  const mixed = (dataflowOf: DataflowOf) =>
    makeMixedPlan(graph, assignment, { ...array, dataflow: 'mixed' }, dataflowOf, options)
  if (typeof dataflow !== 'string') {
    const dataflowOf = dataflowsOf(graph, dataflow)
    const [first, ...others] = new Set(multiplyingNodes(graph).map(({ name }) => dataflowOf(name)))
    if (first !== undefined && others.length === 0) return plan(first)
    const made = mixed(dataflowOf)
    return typeof made === 'string' ? plan(made) : made
  }
  if (dataflow !== 'auto' && dataflow !== 'mixed') return plan(dataflow)
  const ways = [...dataflows.map((chosen) => () => plan(chosen)), () => mixed(() => undefined)].map((way) =>
    attempt<AnyPlanned | Dataflow>(way),
  )
  const possible = ways.flatMap((way) => (way instanceof XgenError || typeof way === 'string' ? [] : [way]))
  if (possible.length === 0) throw ways[0]
  return possible.reduce((a, b) => (inferenceCycles(b.plan) < inferenceCycles(a.plan) ? b : a))
}

/** What a plan comes to, or why the network cannot have it. */
function attempt<T>(plan: () => T): T | XgenError {
  try {
    return plan()
  } catch (error) {
    if (error instanceof XgenError && error.kind === 'usage') return error
    throw error
  }
}
