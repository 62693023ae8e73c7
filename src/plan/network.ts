import type { Assignment } from '../approx/assignment.ts'
import type { QGraph } from '../quant/qgraph.ts'
import type { AnyPlan } from './any-plan.ts'
import type { ArraySpec } from './array.ts'
import type { MemoryImages } from './images.ts'
import { makePlan, type PlanOptions } from './make.ts'
import { makeRowPlan } from './row/make.ts'

export interface AnyPlanned {
  readonly plan: AnyPlan
  readonly images: MemoryImages
}

/** Maps a quantised network with its multipliers to an array of the dataflow that it asks for. */
export const planNetwork = (
  graph: QGraph,
  assignment: Assignment,
  array: ArraySpec,
  options: PlanOptions = {},
): AnyPlanned =>
  array.dataflow === 'row-stationary'
    ? makeRowPlan(graph, assignment, array, options)
    : makePlan(graph, assignment, array, options)
