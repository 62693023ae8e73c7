import { XgenError } from '../src/base/errors.ts'
import type { Progress } from '../src/base/progress.ts'
import type { Module } from '../src/hdl/module.ts'
import type { AnyPlan } from '../src/plan/any-plan.ts'
import { planCounts } from '../src/plan/counts.ts'
import type { InterfaceName } from '../src/plan/names.ts'
import { openYosys } from '../src/tools/yosys.ts'
import {
  type CountedDesign,
  type CountedNumber,
  countedNumbers,
  explainCounts,
  type Way,
} from './count-comparison.ts'
import { type CountTotals, countTotals } from './count-totals.ts'
import { netlistTally } from './netlist-counts.ts'
import type { Check } from './verification.ts'
import { yosysTally } from './yosys-counts.ts'

export interface CountingRun {
  readonly plan: AnyPlan
  readonly top: Module
  readonly interfaceName: InterfaceName
  /** Verilog and memory images by file name, as printed. */
  readonly verilog: ReadonlyMap<string, string>
  readonly memories: ReadonlyMap<string, string>
  readonly yosys: YosysChoice
  readonly signal: AbortSignal
  readonly progress: Progress
}

/** The Yosys that counts: the one among the packages, a program, or none. */
export type YosysChoice =
  | { readonly kind: 'package' }
  | { readonly kind: 'program'; readonly path: string }
  | { readonly kind: 'none' }

export interface Counting {
  readonly counted: CountedDesign
  readonly totals: CountTotals
  readonly checks: readonly Check[]
  /** Version of the Yosys that counted; undefined where none did. */
  readonly version: string | undefined
  /** Why Yosys did not count, if so, and the error where it was asked to. */
  readonly notRun: string | undefined
  readonly missing: XgenError | undefined
}

/** Counts a design by its plan, its netlist and by Yosys, and compares the three. A missing Yosys leaves its check `notRun`. */
export async function countDesign(run: CountingRun): Promise<Counting> {
  const { plan, top, interfaceName, progress } = run
  progress.step('count multipliers, adders, registers and memory bits')
  const begun = Date.now()
  const netlist = netlistTally(top)
  const yosys = await countWithYosys(run)
  const seconds = (Date.now() - begun) / 1000
  const counted = { plan: planCounts(plan, interfaceName), netlist, yosys: yosys.tally }
  progress.done(`${netlist.size} modules, ${yosys.version ?? 'Yosys not run'}, ${seconds.toFixed(1)} s`)

  const numbers = countedNumbers(counted)
  const check = (name: string, left: Way, right: Way, notRun?: string): Check => ({
    name,
    compared: notRun === undefined ? numbers.length : 0,
    mismatches: notRun === undefined ? differing(numbers, left, right) : 0,
    detail: `${netlist.size} modules`,
    seconds,
    notRun,
    explanation: notRun === undefined ? explainCounts(counted, numbers, left, right) : undefined,
  })
  return {
    counted,
    totals: countTotals(counted),
    checks: [
      check('plan = netlist (counts)', 'plan', 'netlist'),
      check('netlist = Yosys (counts)', 'netlist', 'yosys', yosys.notRun),
    ],
    version: yosys.version,
    notRun: yosys.notRun,
    missing: yosys.missing,
  }
}

const differing = (numbers: readonly CountedNumber[], left: Way, right: Way) =>
  numbers.filter((number) => number[left] !== number[right]).length

interface YosysCount extends Pick<Counting, 'version' | 'notRun' | 'missing'> {
  readonly tally: CountedDesign['yosys']
}

async function countWithYosys({ top, verilog, memories, yosys, signal }: CountingRun): Promise<YosysCount> {
  const none = { tally: undefined, version: undefined, missing: undefined }
  if (yosys.kind === 'none') return { ...none, notRun: 'no Yosys was wanted (--yosys none)' }
  const engine = openYosys(yosys.kind === 'program' ? yosys.path : undefined)
  try {
    const counted = await yosysTally(engine, { top: top.name, verilog, memories }, signal)
    return { ...counted, notRun: undefined, missing: undefined }
  } catch (error) {
    if (error instanceof XgenError && error.kind === 'tool-missing')
      return { ...none, notRun: error.message, missing: error }
    throw error
  }
}
