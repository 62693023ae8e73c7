import type { Module } from '../hdl/module.ts'
import { type AnyPlan, isRowPlan } from '../plan/any-plan.ts'
import type { MemoryImages } from '../plan/images.ts'
import { topName } from '../plan/names.ts'
import { buildAccelerator } from './accelerator.ts'
import { buildRowAccelerator } from './row/accelerator.ts'

/** The accelerator of a plan of either dataflow, with the native interface. */
export const buildCore = (plan: AnyPlan, images: MemoryImages, name = topName(plan.network)): Module =>
  isRowPlan(plan) ? buildRowAccelerator(plan, images, name) : buildAccelerator(plan, images, name)
