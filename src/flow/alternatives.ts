import { inferenceCycles } from '../plan/any-plan.ts'
import type { ArraySpec } from '../plan/array.ts'
import { type Quantity, sumOf } from '../plan/counts/module-count.ts'
import { planCounts } from '../plan/counts.ts'
import { makePlan, type PlanOptions } from '../plan/make.ts'
import type { InterfaceName } from '../plan/names.ts'
import type { Prepared } from './preparation.ts'

/** One way to give a network with several multipliers its tiles, measured on the plan that it would have. */
export interface Alternative {
  readonly name: string
  /** What `array` of the configuration says for it. */
  readonly modes: boolean
  readonly parallel: boolean
  /** The design at hand. */
  readonly chosen: boolean
  readonly tiles: number
  /** Multiplier cores in PEs. */
  readonly multipliers: number
  /** Cycles of one inference. */
  readonly cycles: number
  readonly memoryBits: number
  readonly registers: number
}

/**
 * One tile a multiplier, its passes one after another or its tiles side by side, against tiles with run-time modes. Each has tiles as large
 * as the array; a design whose tiles have other sizes stands beside them. Empty where the network has one multiplier, and ways that make no
 * difference are left out.
 */
export function alternatives(
  prepared: Pick<Prepared, 'graph' | 'assignment'>,
  array: ArraySpec,
  interfaceName: InterfaceName,
  options: PlanOptions,
): readonly Alternative[] {
  const { tiles: sizes, modes: _modes, ...plain } = array
  const measure = (name: string, spec: ArraySpec) => {
    // what would not fit is compared all the same
    const unlimited = { ...spec, memoryBits: Number.POSITIVE_INFINITY }
    const { plan } = makePlan(prepared.graph, prepared.assignment, unlimited, options)
    const modules = planCounts(plan, interfaceName)
    const sum = (quantity: Quantity) =>
      modules.reduce((total, module) => total + module.instances * sumOf(module[quantity]), 0)
    const alternative = {
      name,
      modes: spec.modes === true,
      parallel: spec.parallel,
      tiles: plan.tiles.length,
      multipliers: sum('cores'),
      cycles: inferenceCycles(plan),
      memoryBits: plan.memories.bits.total,
      registers: sum('registers'),
    }
    return { plan, alternative }
  }
  const whole = sizes === undefined
  const way = (name: string, modes: boolean, parallel: boolean) =>
    measure(name, { ...plain, parallel, ...(modes ? { modes: true as const } : {}) })
  const passes = way('a tile a multiplier, passes one after another', false, false)
  if (passes.plan.tiles.length === 1) return []
  const modes = way('run-time modes, passes one after another', true, false)
  const found = [
    ...(whole ? [] : [measure('this design, with its sizes of tiles', array)]),
    passes,
    ...(passes.plan.masked ? [way('a tile a multiplier, tiles side by side', false, true)] : []),
    ...(modes.plan.modes === undefined ? [] : [modes]),
    ...(modes.plan.modes !== undefined && modes.plan.masked
      ? [way('run-time modes, tiles side by side', true, true)]
      : []),
  ]
  // a setting that makes no difference here has no line of its own
  const usesModes = array.modes === true && modes.plan.modes !== undefined
  const usesParallel = array.parallel && (usesModes ? modes : passes).plan.masked
  return found.map(({ alternative }, index) => ({
    ...alternative,
    chosen: whole ? alternative.modes === usesModes && alternative.parallel === usesParallel : index === 0,
  }))
}
