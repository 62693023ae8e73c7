import { type ModuleCount, type Quantity, quantities, sumOf } from '../src/plan/counts/module-count.ts'
import type { Explanation } from './explain.ts'
import type { ModuleTally, Tally } from './module-tally.ts'

/** One design, counted in up to three ways. */
export interface CountedDesign {
  readonly plan: readonly ModuleCount[]
  readonly netlist: Tally
  /** Undefined where Yosys did not count. */
  readonly yosys: Tally | undefined
}

/** How often a module stands in the design, or what one instance holds, as each way counts; undefined where a way has no such module. */
export interface CountedNumber {
  readonly module: string
  readonly quantity: Quantity | 'instances'
  readonly plan: number | undefined
  readonly netlist: number | undefined
  /** Null where Yosys did not count. */
  readonly yosys: number | undefined | null
}

export type Way = 'plan' | 'netlist' | 'yosys'

/** Every number of every module that some way knows. */
export function countedNumbers(design: CountedDesign): readonly CountedNumber[] {
  const plan = planTally(design.plan)
  const { netlist, yosys } = design
  const modules = [
    ...new Set(
      [plan, netlist, ...(yosys === undefined ? [] : [yosys])].flatMap((tally) => [...tally.keys()]),
    ),
  ]
  return modules.flatMap((module) =>
    (['instances', ...quantities] as const).map((quantity) => ({
      module,
      quantity,
      plan: numberOf(plan, module, quantity),
      netlist: numberOf(netlist, module, quantity),
      yosys: yosys === undefined ? null : numberOf(yosys, module, quantity),
    })),
  )
}

function numberOf(tally: Tally, module: string, quantity: Quantity | 'instances'): number | undefined {
  const one = tally.get(module)
  return quantity === 'instances' ? one?.instances : one?.holds[quantity]
}

/** The plan's closed form as the other ways count. */
export function planTally(counts: readonly ModuleCount[]): Tally {
  const holds = (count: ModuleCount) =>
    Object.fromEntries(quantities.map((quantity) => [quantity, sumOf(count[quantity])]))
  return new Map(
    counts.map((count) => [
      count.module,
      { instances: count.instances, holds: holds(count) as ModuleTally['holds'] },
    ]),
  )
}

/** Says where two ways differ: class, module and all numbers. Undefined where they do not. */
export function explainCounts(
  { plan }: CountedDesign,
  numbers: readonly CountedNumber[],
  left: Way,
  right: Way,
): Explanation | undefined {
  const different = numbers.filter((number) => number[left] !== number[right])
  if (different.length === 0) return undefined
  const adderClass = new Map(plan.map((count) => [count.module, count.adderClass]))
  const lines = different.map(({ module, quantity, ...ways }) => {
    const what =
      quantity === 'adders' ? `${adderClass.get(module) ?? 'unclassified'} adders` : names[quantity]
    const each = quantity === 'instances' ? '' : ' in each instance'
    return `${what} of ${module}: ${said('plan', ways.plan)}, ${said('netlist', ways.netlist)}, ${said('Yosys', ways.yosys)}${each}`
  })
  const unknown = different.some((number) => number.plan === undefined)
  return {
    summary: lines[0]!,
    text: `${lines.join('\n')}\n${unknown ? 'A module that the plan does not count has no formula in src/plan/counts.\n' : ''}`,
  }
}

const names = {
  instances: 'instances',
  cores: 'multipliers',
  multiplications: 'requantiser multiplications',
  adders: 'adders',
  registers: 'register bits',
  memoryBits: 'memory bits',
} as const satisfies Record<CountedNumber['quantity'], string>

const said = (way: string, count: number | undefined | null) =>
  count === null ? `${way} not run` : count === undefined ? `${way} no such module` : `${way} ${count}`
