import { type AnyPlan, isRowPlan } from '../src/plan/any-plan.ts'
import type { MemoryImages } from '../src/plan/images.ts'
import { cycleModel } from './model.ts'
import type { CycleModel } from './phases.ts'
import { rowModel } from './row/model.ts'

/** The cycle model of a plan of either dataflow. */
export const designModel = (plan: AnyPlan, images: MemoryImages): CycleModel =>
  isRowPlan(plan) ? rowModel(plan, images) : cycleModel(plan, images)
