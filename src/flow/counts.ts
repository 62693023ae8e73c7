import type { CountTotals } from '../../testbench/count-totals.ts'
import { countDesign, type YosysChoice } from '../../testbench/counts.ts'
import { verdictOf } from '../../testbench/verdict.ts'
import type { Check } from '../../testbench/verification.ts'
import type { Progress } from '../base/progress.ts'
import type { AnyPlan } from '../plan/any-plan.ts'
import type { ModuleCount } from '../plan/counts/module-count.ts'
import { layerCounts } from '../plan/counts.ts'
import type { Configuration } from './configuration.ts'
import type { Prepared } from './preparation.ts'
import { filesBelow, generate } from './rtl.ts'

export interface CountOptions {
  readonly yosys: YosysChoice
  readonly signal: AbortSignal
  readonly progress: Progress
}

/** What `xgen counts --json` prints. docs/counts.md defines what counts. */
export interface CountsReport {
  readonly net: string
  readonly array: string
  /** The ways of counting agree, as far as they ran. */
  readonly pass: boolean
  /** Version of the Yosys that counted, or null with the reason. */
  readonly yosys: string | null
  readonly notRun?: string
  readonly designs: readonly DesignCounts[]
}

export interface DesignCounts {
  readonly dataflow: AnyPlan['array']['dataflow']
  /** The netlist's numbers of the whole design: multipliers in PEs and requantisers, adders of datapath and control. */
  readonly multipliers: number
  readonly adders: number
  readonly registers: number
  readonly memoryBits: number
  /** By class, and by each way of counting. */
  readonly totals: CountTotals
  /** Hardware at work for each layer: multipliers in PEs and requantisers, adders of the datapath. */
  readonly layers: readonly {
    readonly name: string
    readonly multipliers: number
    readonly adders: number
    readonly inPes: number
    readonly inRequantisers: number
  }[]
  /** The plan's closed form, one instance of each module: amounts by what they are for. */
  readonly modules: readonly ModuleCount[]
}

export interface CountedNetwork {
  readonly report: CountsReport
  readonly checks: readonly Check[]
}

/** Generates a design, writes nothing, and counts it by plan, netlist and Yosys. A missing Yosys that was asked for is an error. */
export async function countNetwork(
  configuration: Configuration,
  prepared: Prepared,
  { yosys, signal, progress }: CountOptions,
): Promise<CountedNetwork> {
  progress.step('generate')
  const design = generate(configuration, prepared)
  const { plan, top, interfaceName } = design
  progress.done(`${design.files.size} files`)
  signal.throwIfAborted()
  const printed = { verilog: filesBelow(design, 'rtl/'), memories: filesBelow(design, 'mem/') }
  const { counted, totals, checks, version, notRun, missing } = await countDesign({
    plan,
    top,
    interfaceName,
    ...printed,
    yosys,
    signal,
    progress,
  })
  if (missing !== undefined) throw missing
  return { report: reportOf(plan, counted.plan, totals, checks, version, notRun), checks }
}

function reportOf(
  plan: AnyPlan,
  modules: readonly ModuleCount[],
  totals: CountTotals,
  checks: readonly Check[],
  version: string | undefined,
  notRun: string | undefined,
): CountsReport {
  return {
    net: plan.network,
    array: `${plan.array.rows}x${plan.array.columns}`,
    pass: checks.every((check) => verdictOf(check).kind !== 'failed'),
    yosys: version ?? null,
    ...(notRun === undefined ? {} : { notRun }),
    designs: [
      {
        dataflow: plan.array.dataflow,
        multipliers: totals.multipliers.netlist,
        adders: totals.adders.netlist,
        registers: totals.registers.netlist,
        memoryBits: totals.memoryBits.netlist,
        totals,
        layers: layerCounts(plan).map(({ name, cores, multiplications, adders }) => ({
          name,
          multipliers: cores + multiplications,
          adders,
          inPes: cores,
          inRequantisers: multiplications,
        })),
        modules,
      },
    ],
  }
}
