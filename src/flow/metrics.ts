import { canonicalJson } from '../base/hash.ts'
import type { Port } from '../hdl/module.ts'
import { type AnyPlan, enginesOf, inferenceCycles, overlappedCycles, runCycles } from '../plan/any-plan.ts'
import { type Quantity, sumOf } from '../plan/counts/module-count.ts'
import { planCounts } from '../plan/counts.ts'
import type { InterfaceName } from '../plan/names.ts'
import { tileSize } from '../plan/size.ts'
import type { VerifyReport } from './verify.ts'

/**
 * Names and numbers of a run, flat, in the manner of METRICS2.1: words joined by `__`, a part of a total behind it as
 * `__class:NAME` or `__layer:NAME`. A metric that was not measured is absent. docs/metrics.md lists them.
 */
export type Metrics = Readonly<Record<string, number>>

/** What follows from the design alone: cycles, counts (docs/counts.md), memory. `xgen rtl` writes these. */
export function designMetrics(plan: AnyPlan, ports: readonly Port[], interfaceName: InterfaceName): Metrics {
  const { total: memoryBits, ...memories } = plan.memories.bits
  const modules = planCounts(plan, interfaceName)
  const sum = (quantity: Quantity, counted = modules) =>
    counted.reduce((total, module) => total + module.instances * sumOf(module[quantity]), 0)
  const addersOf = (name: string) =>
    sum(
      'adders',
      modules.filter(({ adderClass }) => adderClass === name),
    )
  const tiles = enginesOf(plan).flatMap((engine) => engine.tiles)
  return {
    cycles__total: inferenceCycles(plan),
    cycles__overlapped: overlappedCycles(plan),
    cycles__run: runCycles(plan),
    ...parts(
      'cycles__run',
      'layer',
      plan.layers.map(({ name, cycles }) => [name, cycles]),
    ),
    design__io: ports.reduce((bits, { width }) => bits + width, 0),
    design__pe__count: tiles.reduce((sum, tile) => {
      const { rows, columns } = tileSize(plan, tile)
      return sum + rows * columns
    }, 0),
    design__tile__count: tiles.length,
    design__multiplier__count: sum('cores') + sum('multiplications'),
    ...parts('design__multiplier__count', 'class', [
      ['pe', sum('cores')],
      ['requantiser', sum('multiplications')],
    ]),
    design__adder__count: sum('adders'),
    ...parts('design__adder__count', 'class', [
      ['datapath', addersOf('datapath')],
      ['control', addersOf('control')],
    ]),
    design__register__count: sum('registers'),
    design__memory__bits: memoryBits,
    ...parts('design__memory__bits', 'class', Object.entries(memories)),
    network__mac__count: plan.layers.reduce((macs, layer) => macs + layer.macs, 0),
  }
}

/** What a verification measured, beside the design's. */
export function verificationMetrics(report: VerifyReport): Metrics {
  const { model, verilator } = report.cycles
  return {
    verify__image__count: report.images,
    verify__compared__count: report.compared,
    verify__mismatch__count: report.mismatches,
    verify__check__count: report.checks.filter(({ notRun }) => notRun === undefined).length,
    ...parts('verify__cycles', 'engine', [
      ...(model === null ? [] : [['model', model] as const]),
      ...(verilator === null ? [] : [['verilator', verilator] as const]),
    ]),
  }
}

/** metrics.json: one object, names sorted. */
export const metricsText = (metrics: Metrics): string => `${canonicalJson(metrics, 2)}\n`

function parts(total: string, what: string, values: readonly (readonly [string, number])[]): Metrics {
  return Object.fromEntries(values.map(([name, value]) => [`${total}__${what}:${name}`, value]))
}

export type Direction = 'lower' | 'higher' | 'none'

/**
 * Which way a metric gets better. `none`: any change of it is one for the worse, since it says that something else is compared
 * (`network__*`) or is unknown. The first pattern that fits decides.
 */
const directions: readonly (readonly [pattern: RegExp, direction: Direction])[] = [
  [/^(accuracy|throughput)__/, 'higher'],
  [/^verify__(image|compared|check)__count$/, 'higher'],
  [/^timing__.*__(ws|wns|tns)(__|$)/, 'higher'],
  [/^design__io$/, 'none'],
  [/^(cycles|design|verify|power|energy|timing)__/, 'lower'],
]

export const directionOf = (name: string): Direction =>
  directions.find(([pattern]) => pattern.test(name))?.[1] ?? 'none'
