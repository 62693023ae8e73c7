import type { AdderClass } from '../src/plan/counts/module-count.ts'
import { type CountedDesign, planTally } from './count-comparison.ts'
import type { ModuleTally, Tally } from './module-tally.ts'

/** One number by each way of counting. */
export interface ThreeWays {
  readonly plan: number
  readonly netlist: number
  /** Null where Yosys did not count. */
  readonly yosys: number | null
}

/** What the whole design holds, by class (docs/counts.md). */
export interface CountTotals {
  readonly multipliers: ThreeWays & { readonly inPes: ThreeWays; readonly inRequantisers: ThreeWays }
  readonly adders: ThreeWays & { readonly datapath: ThreeWays; readonly control: ThreeWays }
  readonly registers: ThreeWays
  readonly memoryBits: ThreeWays
}

export function countTotals({ plan, netlist, yosys }: CountedDesign): CountTotals {
  const formulas = planTally(plan)
  const adderClass = new Map(plan.map((count) => [count.module, count.adderClass]))
  const sum = (tally: Tally, of: (module: ModuleTally, name: string) => number) =>
    [...tally].reduce((total, [name, module]) => total + module.instances * of(module, name), 0)
  const ways = (of: (module: ModuleTally, name: string) => number): ThreeWays => ({
    plan: sum(formulas, of),
    netlist: sum(netlist, of),
    yosys: yosys === undefined ? null : sum(yosys, of),
  })
  // Adders of a module that the plan does not know are in the sum, and in no class.
  const ofClass = (wanted: AdderClass) =>
    ways(({ holds }, name) => (adderClass.get(name) === wanted ? holds.adders : 0))
  return {
    multipliers: {
      ...ways(({ holds }) => holds.cores + holds.multiplications),
      inPes: ways(({ holds }) => holds.cores),
      inRequantisers: ways(({ holds }) => holds.multiplications),
    },
    adders: {
      ...ways(({ holds }) => holds.adders),
      datapath: ofClass('datapath'),
      control: ofClass('control'),
    },
    registers: ways(({ holds }) => holds.registers),
    memoryBits: ways(({ holds }) => holds.memoryBits),
  }
}
