import { usageError } from '../base/errors.ts'
import { didYouMean } from '../base/suggest.ts'

/** How far a metric may move. */
export type Tolerance =
  /** Not judged; the metric may also appear or vanish. */
  | { readonly kind: 'any' }
  /** An amount, or a share of the base's value. `both`: for the better too. */
  | { readonly kind: 'amount' | 'share'; readonly value: number; readonly both: boolean }

/** One --tol: which metrics, and how far. */
export interface ToleranceRule {
  readonly pattern: string
  readonly tolerance: Tolerance
  /** As it was written, for tables. */
  readonly text: string
}

/** Without a rule: nothing may get worse. */
export const strict: Tolerance = { kind: 'amount', value: 0, both: false }

/** `cycles__total=0`, `design__*=1%`, `verify__compared__count=+-10`, `network__*=any`. */
export function parseTolerance(text: string): ToleranceRule {
  const equals = text.lastIndexOf('=')
  const mistake = (what: string) =>
    usageError(`"${text}": ${what}`, {
      where: '--tol',
      hint: 'Write a metric and how far it may get worse: cycles__total=0, design__*=1%, +-1% for both directions, or any.',
    })
  if (equals < 1) throw mistake('names no metric and tolerance')
  const pattern = text.slice(0, equals).trim()
  const limit = text.slice(equals + 1).trim()
  if (limit === 'any') return { pattern, tolerance: { kind: 'any' }, text: limit }
  const match = /^(\+-|±)?(\d+(?:\.\d+)?(?:e[+-]?\d+)?)(%)?$/i.exec(limit)
  if (match === null) throw mistake(`"${limit}" is no tolerance`)
  const number = Number(match[2])
  if (!Number.isFinite(number)) throw mistake(`"${limit}" is too large`)
  const both = match[1] !== undefined
  const tolerance: Tolerance =
    match[3] === undefined
      ? { kind: 'amount', value: number, both }
      : { kind: 'share', value: number / 100, both }
  return { pattern, tolerance, text: limit }
}

/**
 * The rule of each metric. An exact name beats a pattern; of patterns (`*` any text, `?` one character) the one with more letters
 * that are not wild decides; two equals that differ are an error, and so is a rule for no metric.
 */
export function rulesByMetric(
  rules: readonly ToleranceRule[],
  names: readonly string[],
): ReadonlyMap<string, ToleranceRule> {
  const matchers = rules.map((rule) => ({ rule, matches: matcher(rule.pattern), rank: rankOf(rule.pattern) }))
  for (const { rule, matches } of matchers) {
    if (names.some(matches)) continue
    throw usageError(`"${rule.pattern}": no metric has this name.${didYouMean(rule.pattern, names)}`, {
      where: '--tol',
      hint: `Both runs have: ${names.slice(0, 12).join(', ')}${names.length > 12 ? ', ...' : ''}.`,
    })
  }
  const chosen = new Map<string, ToleranceRule>()
  for (const name of names) {
    const fitting = matchers.filter(({ matches }) => matches(name))
    const best = fitting.filter(({ rank }) => rank === Math.max(...fitting.map((one) => one.rank)))
    const other = best.find(({ rule }) => rule.text !== best[0]!.rule.text)
    if (other !== undefined) {
      const [a, b] = [best[0]!.rule, other.rule]
      throw usageError(`--tol ${a.pattern}=${a.text} and --tol ${b.pattern}=${b.text} both decide ${name}`, {
        where: '--tol',
        hint: `Name the metric itself: --tol ${name}=...`,
      })
    }
    if (best[0] !== undefined) chosen.set(name, best[0].rule)
  }
  return chosen
}

const isWild = (pattern: string) => /[*?]/.test(pattern)

const rankOf = (pattern: string) =>
  isWild(pattern) ? pattern.replace(/[*?]/g, '').length : Number.POSITIVE_INFINITY

function matcher(pattern: string): (name: string) => boolean {
  if (!isWild(pattern)) return (name) => name === pattern
  const source = pattern
    .replace(/[\\^$.|+()[\]{}]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replaceAll('?', '.')
  const expression = new RegExp(`^${source}$`)
  return (name) => expression.test(name)
}
