import { type AnyPlan, enginesOf } from '../../plan/any-plan.ts'
import { axiCounts } from '../../plan/counts/axi.ts'
import { type ModuleCount, sumOf } from '../../plan/counts/module-count.ts'
import { planCounts } from '../../plan/counts.ts'
import { curvePeName, type InterfaceName } from '../../plan/names.ts'

/** What a part of an accelerator is for. `memory ports`: the logic around memories; the memories themselves are apart. */
export const blocks = ['PEs', 'post-processing', 'memory ports', 'control', 'interface', 'memories'] as const
export type Block = (typeof blocks)[number]

/** An amount for each block. */
export type ByBlock = Readonly<Record<Block, number>>

export const addUp = (amounts: readonly { readonly block: Block; readonly amount: number }[]): ByBlock => {
  const sums = Object.fromEntries(blocks.map((block) => [block, 0])) as Record<Block, number>
  for (const { block, amount } of amounts) sums[block] += amount
  return sums
}

/** The block of each module, as the plan's counts describe it. */
export function blocksOf(plan: AnyPlan, interfaceName: InterfaceName): (module: string) => Block {
  const outer = new Set(interfaceName === 'axi' ? axiCounts(plan).map(({ module }) => module) : [])
  const counts = new Map(planCounts(plan, interfaceName).map((count) => [count.module, count]))
  // their multipliers stand in a module without registers, which counts with the PE
  const ofCurves = new Set(enginesOf(plan).flatMap(({ tiles }) => tiles.map(({ name }) => curvePeName(name))))
  return (module) => {
    if (outer.has(module)) return 'interface'
    if (ofCurves.has(module)) return 'PEs'
    const count = counts.get(module)
    return count === undefined ? 'control' : blockOf(count)
  }
}

function blockOf({ cores, multiplications, memoryBits, adderClass }: ModuleCount): Block {
  if (sumOf(cores) > 0) return 'PEs'
  if (sumOf(multiplications) > 0) return 'post-processing'
  const stored = Object.keys(memoryBits)
  if (stored.some((name) => ['codes', 'weights', 'parameters', 'moments', 'lines above'].includes(name)))
    return 'memory ports'
  return adderClass === 'datapath' ? 'post-processing' : 'control'
}
