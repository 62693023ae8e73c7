import type { Assignment } from '../approx/assignment.ts'
import { XgenError } from '../base/errors.ts'
import type { QGraph } from '../quant/qgraph.ts'
import { type AnyPlan, inferenceCycles } from './any-plan.ts'
import { type ArraySpec, dataflows } from './array.ts'
import type { MemoryImages } from './images.ts'
import { makePlan, type PlanOptions } from './make.ts'
import { makeRowPlan } from './row/make.ts'

export interface AnyPlanned {
  readonly plan: AnyPlan
  readonly images: MemoryImages
}

/** The array that the user asks for; `auto` leaves the dataflow to the network. */
export type ArrayChoice = Omit<ArraySpec, 'dataflow'> & {
  readonly dataflow: ArraySpec['dataflow'] | 'auto'
}

/**
 * Maps a quantised network with its multipliers to an array of the dataflow that it asks for: with `auto`, to the one that takes fewer cycles for
 * an inference, of those that can run the network on this array.
 */
export function planNetwork(
  graph: QGraph,
  assignment: Assignment,
  array: ArrayChoice,
  options: PlanOptions = {},
): AnyPlanned {
  const { dataflow } = array
  const plan = (chosen: ArraySpec['dataflow']): AnyPlanned =>
    chosen === 'row-stationary'
      ? makeRowPlan(graph, assignment, { ...array, dataflow: chosen }, options)
      : makePlan(graph, assignment, { ...array, dataflow: chosen }, options)
  if (dataflow !== 'auto') return plan(dataflow)
  const ways = dataflows.map((chosen) => attempt(() => plan(chosen)))
  const possible = ways.flatMap((way) => (way instanceof XgenError ? [] : [way]))
  if (possible.length === 0) throw ways[0]
  return possible.reduce((a, b) => (inferenceCycles(b.plan) < inferenceCycles(a.plan) ? b : a))
}

/** What a plan comes to, or why the network cannot have it. */
function attempt(plan: () => AnyPlanned): AnyPlanned | XgenError {
  try {
    return plan()
  } catch (error) {
    if (error instanceof XgenError && error.kind === 'usage') return error
    throw error
  }
}
