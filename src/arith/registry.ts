import { usageError } from '../base/errors.ts'
import { didYouMean } from '../base/suggest.ts'
import { type Domain, domainName } from './domain.ts'
import { almSoa } from './families/alm-soa.ts'
import { bam } from './families/bam.ts'
import { compressor } from './families/compressor.ts'
import { drum } from './families/drum.ts'
import { dsm } from './families/dsm.ts'
import { essm } from './families/essm.ts'
import { etm } from './families/etm.ts'
import { exact } from './families/exact.ts'
import { lut } from './families/lut.ts'
import { mbm } from './families/mbm.ts'
import { mitchell } from './families/mitchell.ts'
import { perforate } from './families/perforate.ts'
import { r4abm1 } from './families/r4abm1.ts'
import { rad } from './families/rad.ts'
import { roba } from './families/roba.ts'
import { roup } from './families/roup.ts'
import { ssm } from './families/ssm.ts'
import { tosam } from './families/tosam.ts'
import { trunc } from './families/trunc.ts'
import { udm } from './families/udm.ts'
import { verilog } from './families/verilog.ts'
import { type Family, makeMultiplier, type Parameter, quoted } from './family.ts'
import type { Multiplier } from './multiplier.ts'

/** All multiplier families, in the order of `xgen mult list`. */
export const families: readonly Family[] = [
  exact,
  roup,
  rad,
  perforate,
  trunc,
  bam,
  udm,
  drum,
  ssm,
  essm,
  dsm,
  mitchell,
  almSoa,
  mbm,
  roba,
  tosam,
  compressor,
  etm,
  r4abm1,
  lut,
  verilog,
]

const known = new Map<string, Multiplier>()

/**
 * The multiplier that a spec such as `roup:p=1,r=2` names, over a domain. `where` is the place for messages, such as
 * `xgen.yaml:7:12: multipliers.conv2`. Equal multipliers are one object, so that their tables are made once.
 */
export function parseMultiplier(spec: string, domain: Domain, where?: string): Multiplier {
  const fail = (message: string, hint?: string): never => {
    throw usageError(message, { where, hint })
  }
  const { id, rest } = partsOf(spec)
  const family = families.find((candidate) => candidate.id === id)
  if (family === undefined) {
    const near = didYouMean(
      id,
      families.map((candidate) => candidate.id),
    )
    return fail(
      `"${id}" is no multiplier family.${near}`,
      '"xgen mult list" shows all families and their parameters.',
    )
  }
  if (!family.supports(domain)) {
    fail(`"${family.id}" does not multiply ${domainName(domain)}`, `Its domains are ${family.domains}.`)
  }
  const given = readParameters(spec, family, rest, fail)
  const values: Record<string, number | string> = {}
  for (const parameter of family.parameters)
    values[parameter.name] = parameterValue(parameter, given.get(parameter.name), spec, family, domain, fail)
  const conflict = family.conflict?.(values, new Set(given.keys()), domain)
  if (conflict !== undefined) fail(`"${spec}": ${conflict}`)

  const multiplier = makeMultiplier(family, domain, values)
  const before = known.get(multiplier.id)
  if (before !== undefined) return before
  known.set(multiplier.id, multiplier)
  return multiplier
}

/**
 * The parameters of a spec whose family reads a file, with their defaults; undefined where there is no such family. What the file holds must be
 * given to the family (`user-multipliers.ts`) before the spec is parsed.
 */
export function fileParameters(
  spec: string,
  where?: string,
): { readonly family: Family; readonly values: Readonly<Record<string, string>> } | undefined {
  const fail = (message: string, hint?: string): never => {
    throw usageError(message, { where, hint })
  }
  const { id, rest } = partsOf(spec)
  const family = families.find((candidate) => candidate.id === id)
  if (!family?.parameters.some(({ kind }) => kind === 'text')) return undefined
  const given = readParameters(spec, family, rest, fail)
  const values: Record<string, string> = {}
  for (const parameter of family.parameters)
    if (parameter.kind !== 'integer')
      values[parameter.name] = wordValue(parameter, given.get(parameter.name), spec, family, fail)
  return { family, values }
}

/** The spec with another value for one of its parameters. */
export function withParameter(spec: string, name: string, value: string): string {
  const { id, rest } = partsOf(spec)
  const given = rest === undefined ? [] : splitParameters(rest)
  const others = given.filter((part) => part.split('=')[0]!.trim() !== name)
  return `${id}:${[...others, `${name}=${quoted(value)}`].join(',')}`
}

type Fail = (message: string, hint?: string) => never

/** The family's name, and what stands behind the colon. */
function partsOf(spec: string): { readonly id: string; readonly rest: string | undefined } {
  const [, id = '', , rest] = /^([^:]*)(:(.*))?$/s.exec(spec.trim()) ?? []
  return { id, rest }
}

/** Parts between commas that no quotes hold. */
const splitParameters = (text: string): string[] =>
  text.match(/(?:"(?:[^"]|"")*"|[^,"]|")+|(?<=^|,)(?=,|$)/g) ?? ['']

const unquoted = (value: string) => (/^".*"$/s.test(value) ? value.slice(1, -1).replaceAll('""', '"') : value)

const usage = (family: Family) => {
  const parameters = family.parameters.map((p) =>
    p.kind === 'choice'
      ? `${p.name}=${p.choices.join('|')}`
      : `${p.name}=${p.kind === 'integer' ? 'N' : p.name.toUpperCase()}`,
  )
  return `Write ${family.id}:${parameters.join(',')} ("xgen mult show ${family.id}" explains them).`
}

function readParameters(
  spec: string,
  family: Family,
  text: string | undefined,
  fail: Fail,
): Map<string, string> {
  const given = new Map<string, string>()
  if (text === undefined) return given
  const names = family.parameters.map((parameter) => parameter.name)
  for (const part of splitParameters(text)) {
    const [, key = '', value = ''] =
      /^\s*([^=]*?)\s*=\s*(.*?)\s*$/s.exec(part) ??
      fail(`"${spec}": "${part}" is no key=value`, usage(family))
    if (!names.includes(key))
      fail(`"${spec}": ${family.id} has no parameter "${key}".${didYouMean(key, names)}`, usage(family))
    if (given.has(key)) fail(`"${spec}" gives ${key} twice`)
    given.set(key, unquoted(value))
  }
  return given
}

function parameterValue(
  parameter: Parameter,
  text: string | undefined,
  spec: string,
  family: Family,
  domain: Domain,
  fail: Fail,
): number | string {
  const { name } = parameter
  if (parameter.kind !== 'integer') return wordValue(parameter, text, spec, family, fail)
  const [low, high] = parameter.range(domain)
  if (text === undefined && parameter.default !== undefined) return parameter.default(domain)
  if (text === undefined)
    return fail(
      `"${spec}" needs ${name} (${parameter.summary}, ${low}..${high} for ${domainName(domain)})`,
      usage(family),
    )
  if (!/^\d+$/.test(text) || Number(text) < low || Number(text) > high) {
    fail(
      `"${spec}": ${name} must be a whole number from ${low} to ${high} for ${domainName(domain)}, not "${text}"`,
    )
  }
  return Number(text)
}

function wordValue(
  parameter: Exclude<Parameter, { kind: 'integer' }>,
  text: string | undefined,
  spec: string,
  family: Family,
  fail: Fail,
): string {
  const { name, summary } = parameter
  if (parameter.kind === 'text') {
    if (text !== undefined && text !== '') return text
    return parameter.optional && text === undefined
      ? ''
      : fail(`"${spec}" needs ${name} (${summary})`, usage(family))
  }
  const value = text ?? parameter.choices[0]!
  if (!parameter.choices.includes(value)) {
    fail(
      `"${spec}": ${name} is ${parameter.choices.join(' or ')}, not "${value}".${didYouMean(value, parameter.choices)}`,
    )
  }
  return value
}
