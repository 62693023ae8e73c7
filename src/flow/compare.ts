import { statSync } from 'node:fs'
import { join } from 'node:path'
import { junitXml, type TestCase } from '../../testbench/junit.ts'
import { readDocument } from '../base/document.ts'
import { dataError, XgenError } from '../base/errors.ts'
import { readInput } from '../base/files.ts'
import { type Direction, directionOf, type Metrics } from './metrics.ts'
import { rulesByMetric, strict, type Tolerance, type ToleranceRule } from './tolerance.ts'

/** What became of one metric. `worse`, `moved` (both directions count), `appeared` and `vanished` fail. */
export type MetricVerdict =
  | 'same'
  | 'better'
  | 'within'
  | 'worse'
  | 'moved'
  | 'appeared'
  | 'vanished'
  | 'not judged'

export interface MetricComparison {
  readonly name: string
  readonly base: number | null
  readonly new: number | null
  /** new - base, and in percent of the base where that is not 0; null where one is missing. */
  readonly change: number | null
  readonly percent: number | null
  readonly direction: Direction
  /** As it was given; undefined: nothing may get worse. */
  readonly tolerance?: string
  readonly verdict: MetricVerdict
  readonly pass: boolean
}

/** What `xgen compare --json` prints. */
export interface Comparison {
  readonly pass: boolean
  readonly base: string
  readonly new: string
  readonly compared: number
  readonly failed: number
  readonly metrics: readonly MetricComparison[]
}

/** Compares the metrics of two runs: directories with a metrics.json, or such files. */
export function compareRuns(base: string, next: string, rules: readonly ToleranceRule[]): Comparison {
  // maps: a metric may be called like a property that every object has
  const valuesOf = (path: string) => new Map(Object.entries(readMetrics(path)))
  const [a, b] = [valuesOf(base), valuesOf(next)]
  const names = [...new Set([...a.keys(), ...b.keys()])].sort()
  const ruleOf = rulesByMetric(rules, names)
  const metrics = names.map((name) => compareMetric(name, a.get(name), b.get(name), ruleOf.get(name)))
  const failed = metrics.filter(({ pass }) => !pass).length
  return { pass: failed === 0, base, new: next, compared: metrics.length, failed, metrics }
}

function compareMetric(
  name: string,
  base: number | undefined,
  next: number | undefined,
  rule: ToleranceRule | undefined,
): MetricComparison {
  const direction = directionOf(name)
  const verdict = verdictOf(base, next, direction, rule?.tolerance ?? strict)
  const change = base === undefined || next === undefined ? null : next - base
  return {
    name,
    base: base ?? null,
    new: next ?? null,
    change,
    percent: change === null || base === undefined || base === 0 ? null : (100 * change) / Math.abs(base),
    direction,
    ...(rule === undefined ? {} : { tolerance: rule.text }),
    verdict,
    pass: !['worse', 'moved', 'appeared', 'vanished'].includes(verdict),
  }
}

function verdictOf(
  base: number | undefined,
  next: number | undefined,
  direction: Direction,
  tolerance: Tolerance,
): MetricVerdict {
  if (base === next) return 'same'
  if (tolerance.kind === 'any') return 'not judged'
  if (base === undefined) return 'appeared'
  if (next === undefined) return 'vanished'
  const either = tolerance.both || direction === 'none'
  const worse = direction === 'higher' ? base - next : next - base
  if (!either && worse < 0) return 'better'
  const limit = tolerance.kind === 'share' ? tolerance.value * Math.abs(base) : tolerance.value
  // A change of just the tolerance passes, whatever the last bit of the subtraction says.
  const slack = 1e-12 * Math.max(Math.abs(base), Math.abs(next))
  if (Math.abs(next - base) <= limit + (limit === 0 ? 0 : slack)) return 'within'
  return either ? 'moved' : 'worse'
}

/** A metrics.json, or that of a run's directory. Everything in it must be a finite number. */
export function readMetrics(path: string): Metrics {
  const file = isDirectory(path) ? join(path, 'metrics.json') : path
  const text = metricsOf(file, path)
  if (text.trim() === '') throw dataError('is empty', { where: file, hint: remedy })
  const { value, where } = dataDocument(text, file)
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw dataError('holds no metrics: one object of names and numbers is needed', {
      where: file,
      hint: remedy,
    })
  const entries = Object.entries(value)
  if (entries.length === 0) throw dataError('holds no metrics', { where: file, hint: remedy })
  for (const [name, number] of entries) {
    if (!/^[\w:.+*/-]{1,200}$/.test(name))
      throw dataError('a metric has a name of letters, digits, "_", ":" and ".", at most 200 of them', {
        where: where([name]),
      })
    if (typeof number !== 'number' || !Number.isFinite(number))
      throw dataError(`${name} is no finite number`, { where: where([name]) })
  }
  refuseYaml(text, file)
  return Object.fromEntries(entries) as Metrics
}

const remedy = 'Write it with "xgen rtl" or "xgen verify --out DIR".'

function metricsOf(file: string, path: string): string {
  try {
    return readInput(file, 'the metrics').toString('utf8')
  } catch (cause) {
    if (!(cause instanceof XgenError)) throw cause
    const what = file === path ? cause.message : `the directory ${path} has no metrics.json`
    throw dataError(what, { hint: remedy, cause })
  }
}

/** The reader of YAML reads JSON too, knows the place of each part, and finds names that stand twice. */
function dataDocument(text: string, file: string) {
  try {
    return readDocument(text, file)
  } catch (cause) {
    if (!(cause instanceof XgenError)) throw cause
    throw dataError(cause.message, { where: cause.where ?? file, cause })
  }
}

function refuseYaml(text: string, file: string): void {
  try {
    JSON.parse(text)
  } catch (cause) {
    throw dataError(`is no valid JSON: ${(cause as Error).message}`, { where: file, cause })
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

/** One JUnit test case a metric. */
export function comparisonXml(comparison: Comparison): string {
  return junitXml(
    'xgen compare',
    comparison.metrics.map((metric): TestCase => {
      const text = describeMetric(metric)
      return {
        name: metric.name,
        seconds: 0,
        detail: text,
        verdict: metric.pass ? { kind: 'passed' } : { kind: 'failed', summary: text, text: `${text}\n` },
      }
    }),
  )
}

/** `cycles__total: 100 -> 103 (+3, +3.00 %), worse; tolerance 1%`. */
export function describeMetric(metric: MetricComparison): string {
  const { name, base, new: next, verdict, tolerance } = metric
  const limit = tolerance === undefined ? '' : `; tolerance ${tolerance}`
  return `${name}: ${base ?? 'absent'} -> ${next ?? 'absent'}${changeText(metric)}, ${verdict}${limit}`
}

function changeText({ change, percent }: MetricComparison): string {
  if (change === null || change === 0) return ''
  const sign = change > 0 ? '+' : ''
  const share = percent === null ? '' : `, ${sign}${percent.toFixed(2)} %`
  return ` (${sign}${Number(change.toPrecision(12))}${share})`
}
