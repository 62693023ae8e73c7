import { usageError } from '../base/errors.ts'
import { parseSelector } from './selector.ts'

/** One line of the `multipliers` map, or one --mult: which products, and the multiplier's spec. */
export interface Entry {
  readonly selector: string
  readonly spec: string
  /** Where it was written: `xgen.yaml:7:3`, `--mult`. */
  readonly where?: string
}

/** `[WHERE=]SPEC`: a `WHERE=` is there only if the text before the first `=` has no `:`. Without it the spec is the default. */
export function parseFlag(text: string): Entry {
  const equals = text.indexOf('=')
  const where = '--mult'
  if (equals < 0 || text.slice(0, equals).includes(':'))
    return { selector: 'default', spec: text.trim(), where }
  return {
    selector: parseSelector(text.slice(0, equals), where).text,
    spec: text.slice(equals + 1).trim(),
    where,
  }
}

/** All `--mult` of a command line. Two of them for the same products are an error: which one was meant nobody knows. */
export function parseFlags(texts: readonly string[]): readonly Entry[] {
  const flags = texts.map(parseFlag)
  for (const [index, { selector, spec }] of flags.entries()) {
    const first = flags.slice(0, index).find((other) => other.selector === selector)
    if (first === undefined) continue
    const what = selector === 'default' ? 'all products without one of their own' : `"${selector}"`
    throw usageError(`two multipliers are given for ${what}: ${first.spec} and ${spec}`, {
      where: '--mult',
      hint: 'Leave one of them away.',
    })
  }
  return flags
}

/** Later lists win over earlier ones where the selector is the same text. */
export function mergeEntries(...lists: readonly (readonly Entry[])[]): readonly Entry[] {
  const merged = new Map<string, Entry>()
  for (const entry of lists.flat()) {
    const selector = parseSelector(entry.selector, entry.where).text
    merged.set(selector, { ...entry, selector })
  }
  return [...merged.values()]
}
