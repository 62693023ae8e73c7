import type { Plan, PlanLayer } from './plan.ts'
import type { RowEngine, RowLayer, RowPlan } from './row/plan.ts'
import { rowRunCycles } from './row/steps.ts'
import { runCycles as systolicCycles } from './steps.ts'

/** A network on an array of either dataflow. */
export type AnyPlan = Plan | RowPlan

/** The input or output feature map as the host sees it. */
export type HostStream = AnyPlan['input']

export const isRowPlan = (plan: AnyPlan): plan is RowPlan => plan.format === 'xgen-row-plan-1'

/** The engines of a plan: one, or an array and the grid beside it. */
export const enginesOf = (plan: AnyPlan): readonly (Plan | RowEngine)[] =>
  isRowPlan(plan) || plan.grid === undefined ? [plan] : [plan, plan.grid]

/** The layers that an engine runs itself. */
export const layersOf = (engine: Plan | RowEngine): readonly (PlanLayer | RowLayer)[] =>
  (engine.layers as readonly (PlanLayer | RowLayer)[]).filter(
    (layer) => !('grid' in layer) || layer.grid === undefined,
  )

/** Cycles from the first step to the first cycle in which outputs may be read. */
export const runCycles = (plan: AnyPlan): number =>
  isRowPlan(plan) ? rowRunCycles(plan) : systolicCycles(plan)

/**
 * Cycles of one inference without stalls, from the cycle of `start` to the cycle of `done`, both included: one cycle an input element
 * (the first one may come with `start`), the run, one cycle to fetch the first output element, one cycle an output element, done.
 */
export function inferenceCycles(plan: AnyPlan): number {
  return Math.max(plan.input.elements, handshake) + runCycles(plan) + outputCycles(plan) + 1
}

/** The same where the whole input map came while the run before was at work. */
export function overlappedCycles(plan: AnyPlan): number {
  return handshake + runCycles(plan) + outputCycles(plan) + 1
}

/** The cycle of `start` and the one that finds the input map whole. */
const handshake = 2

const outputCycles = (plan: AnyPlan) => 1 + plan.output.elements
