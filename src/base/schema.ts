import { z } from 'zod'
import type { Path, Source } from './document.ts'
import { type ErrorKind, XgenError } from './errors.ts'
import { didYouMean } from './suggest.ts'

/**
 * The value of a source, checked by a schema. The first mistake is reported with its place; for a key or a name that is not
 * known, with the nearest one that is.
 */
export function parseSource<S extends z.ZodType>(
  schema: S,
  source: Source,
  kind: ErrorKind = 'usage',
): z.output<S> {
  const result = schema.safeParse(source.value, { reportInput: true })
  if (result.success) return result.data
  const issue = deepest(result.error.issues)
  const path = issue.path as Path
  const at = (where: Path) => (where.length === 0 ? '' : `${pathName(where)}: `)
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0]!
    const known = keysAt(schema, path, source.value)
    throw new XgenError(kind, `${at(path)}"${key}" is not known here.${didYouMean(key, known)}`, {
      where: source.where([...path, key]),
      hint: known.length > 0 ? `Known: ${known.join(', ')}.` : undefined,
    })
  }
  const choices = choicesOf(issue, schema, path, source.value)
  const given = valueAt(source.value, path)
  if (choices !== undefined && given !== undefined) {
    throw new XgenError(
      kind,
      `${at(path)}${shown(given)} is not possible here.${typeof given === 'string' ? didYouMean(given, choices) : ''}`,
      {
        where: source.where(path),
        hint: `Possible: ${choices.join(', ')}.`,
      },
    )
  }
  const missing = given === undefined && path.length > 0
  const message = missing ? 'is missing' : `is ${shown(given)}: ${plainly(issue)}`
  throw new XgenError(kind, `${path.length === 0 ? 'the document' : pathName(path)} ${message}`, {
    where: source.where(path),
    // what a comma leaves of { conv2: roup:p=1,r=2 }
    ...(given === null && /[=:]/.test(String(path.at(-1)))
      ? { hint: 'In braces a text with a comma stands in quotes: { conv2: "roup:p=1,r=2" }.' }
      : {}),
  })
}

/** A value of another type or out of range, in words that say what to write. */
function plainly(issue: Issue): string {
  const words: Readonly<Record<string, string>> = {
    boolean: 'write true or false',
    number: 'write a number',
    int: 'write a whole number',
    string: 'write a text',
    array: 'write a list, such as [a, b]',
    tuple: 'write a list, such as [a, b]',
    object: 'write names with values, such as { name: value }',
    record: 'write names with values, such as { name: value }',
  }
  if (issue.code === 'invalid_type') return words[issue.expected] ?? issue.message
  if (issue.code === 'too_small' && issue.inclusive !== false && isNumber(issue.origin))
    return `write a number of at least ${issue.minimum}`
  if (issue.code === 'too_big' && issue.inclusive !== false && isNumber(issue.origin))
    return `write a number of at most ${issue.maximum}`
  return issue.message
}

const isNumber = (origin: string) => origin === 'number' || origin === 'int'

/** `multipliers.conv2`, `layers[3].kernel[0]`. */
export function pathName(path: Path): string {
  return path
    .map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`))
    .join('')
}

type Issue = z.core.$ZodIssue

/** Inside a union, the branch that failed the furthest down says best what is wrong. */
function deepest(issues: readonly Issue[]): Issue {
  // A key that is not known explains best why another one is missing.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]!
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return issue
  const nested = issue.errors.filter((branch) => branch.length > 0).map((branch) => deepest(branch))
  const best = nested.reduce((a, b) => (b.path.length > a.path.length ? b : a), nested[0]!)
  const found = best.path.length === 0 ? wordOf(nested) : best
  return found === undefined ? issue : { ...found, path: [...issue.path, ...found.path] }
}

/** Where a value is one of some words or else names with values, the words say best what is possible. */
function wordOf(branches: readonly Issue[]): Issue | undefined {
  const isRecord = (issue: Issue) => issue.code === 'invalid_type' && issue.expected === 'record'
  const [word, ...others] = branches.filter((issue) => !isRecord(issue))
  return word?.code === 'invalid_value' && others.length === 0 && branches.some(isRecord) ? word : undefined
}

function choicesOf(issue: Issue, schema: z.ZodType, path: Path, value: unknown): string[] | undefined {
  if (issue.code === 'invalid_value') return issue.values.map(String)
  if (issue.code === 'invalid_union') {
    const parent = schemaAt(schema, path.slice(0, -1), value)
    if (parent instanceof z.ZodDiscriminatedUnion) return discriminators(parent)
  }
  return undefined
}

function discriminators(union: z.ZodDiscriminatedUnion): string[] {
  const key = union.def.discriminator
  return (union.options as z.ZodObject[]).flatMap((option) => {
    const literal = unwrap(option.shape[key] as z.ZodType)
    return literal instanceof z.ZodLiteral ? [...literal.values].map(String) : []
  })
}

function keysAt(schema: z.ZodType, path: Path, value: unknown): string[] {
  const found = schemaAt(schema, path, value)
  return found instanceof z.ZodObject ? Object.keys(found.shape) : []
}

/** The schema that governs the value at a path. */
function schemaAt(schema: z.ZodType, path: Path, value: unknown): z.ZodType | undefined {
  const inner = unwrap(schema)
  const [step, ...rest] = path
  if (inner instanceof z.ZodDiscriminatedUnion) {
    const tag = valueAt(value, [inner.def.discriminator])
    const option = (inner.options as z.ZodObject[]).find((o) => {
      const literal = unwrap(o.shape[inner.def.discriminator] as z.ZodType)
      return literal instanceof z.ZodLiteral && literal.values.has(tag as string)
    })
    return option === undefined ? inner : schemaAt(option, path, value)
  }
  if (inner instanceof z.ZodUnion) {
    const option = (inner.options as z.ZodType[]).find((o) => unwrap(o) instanceof z.ZodObject)
    return option === undefined || step === undefined ? (option ?? inner) : schemaAt(option, path, value)
  }
  if (step === undefined) return inner
  const below = valueAt(value, [step])
  if (inner instanceof z.ZodObject)
    return step in inner.shape ? schemaAt(inner.shape[step] as z.ZodType, rest, below) : undefined
  if (inner instanceof z.ZodArray) return schemaAt(inner.element as z.ZodType, rest, below)
  if (inner instanceof z.ZodRecord) return schemaAt(inner.valueType as z.ZodType, rest, below)
  return undefined
}

function unwrap(schema: z.ZodType): z.ZodType {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNullable
  ) {
    return unwrap(schema.unwrap() as z.ZodType)
  }
  if (schema instanceof z.ZodPipe) return unwrap(schema.in as z.ZodType)
  return schema
}

function valueAt(value: unknown, path: Path): unknown {
  let at: unknown = value
  for (const step of path) {
    if (at === null || typeof at !== 'object') return undefined
    at = Object.hasOwn(at, step) ? (at as Record<string | number, unknown>)[step] : undefined
  }
  return at
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}
