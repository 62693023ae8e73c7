import type { Explanation } from './explain.ts'

/** What a check has found, as far as its verdict needs it. */
export interface Finding {
  /** Values compared, and those that differ. */
  readonly compared: number
  readonly mismatches: number
  /** Why it did not run, if so. */
  readonly notRun: string | undefined
  readonly explanation: Explanation | undefined
}

export type Verdict =
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed'; readonly summary: string; readonly text: string }
  | { readonly kind: 'not run'; readonly because: string }

/** The one place where a check passes: it ran, it compared something, and nothing differs. */
export function verdictOf({ compared, mismatches, notRun, explanation }: Finding): Verdict {
  if (notRun !== undefined) return { kind: 'not run', because: notRun }
  if (compared > 0 && mismatches === 0) return { kind: 'passed' }
  const summary = compared === 0 ? 'nothing was compared' : `${mismatches} of ${compared} values differ`
  return { kind: 'failed', ...(explanation ?? { summary, text: `${summary}.\n` }) }
}

/** A run passes when none of its checks fails and at least one passes. */
export function allPass(findings: readonly Finding[]): boolean {
  const kinds = findings.map((finding) => verdictOf(finding).kind)
  return kinds.includes('passed') && !kinds.includes('failed')
}
