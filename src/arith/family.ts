import { XgenError } from '../base/errors.ts'
import { signedBits, unsignedBits } from '../base/integers.ts'
import type { Comb } from '../comb/comb.ts'
import { asNumber, type Bits, bits, numbers } from '../comb/numbers.ts'
import { allPairs, productsOf } from './batch.ts'
import { type Domain, domainName, operandRange } from './domain.ts'
import type { Factor, Multiplier, UserVerilog } from './multiplier.ts'

/** A parameter of a family, as the spec syntax and `xgen mult list` show it. */
export type Parameter =
  | {
      readonly kind: 'integer'
      readonly name: string
      readonly summary: string
      /** Legal values, both included, over a domain. */
      readonly range: (domain: Domain) => readonly [low: number, high: number]
      /** The value where a spec gives none; without it, it must. */
      readonly default?: (domain: Domain) => number
    }
  | {
      readonly kind: 'choice'
      readonly name: string
      readonly summary: string
      /** The first is the default. */
      readonly choices: readonly string[]
    }
  | {
      readonly kind: 'text'
      readonly name: string
      readonly summary: string
      /** Whether a spec may do without; the value is then ''. */
      readonly optional: boolean
    }

export type ParameterValues = Readonly<Record<string, number | string>>

/** A family with its parameters and domain chosen. */
export interface Definition {
  /** M(a, b) modulo 2^width in two's complement: operands of nA and nB bits in, `width` bits out. */
  product<T>(c: Comb<T>, a: T, b: T, width: number): T
  /** Smallest and largest product over the domain. */
  readonly range: readonly [low: number, high: number]
  readonly exact: boolean
  readonly zeroExact: boolean
  /** Signed operands are multiplied by sign and magnitude. */
  readonly signMagnitude?: boolean
  readonly factors?: readonly Factor[]
  /** All products, where they are known without the gates: row = A's code, column = B's code. */
  readonly table?: Int32Array
  /** Multiplexers that `product` takes, where that is known before it is built: of tables. */
  readonly multiplexers?: number
  /** Hash of what the parameters do not say: the contents of files. */
  readonly digest?: string
  /** The Verilog that stands in the hardware, where it is not made from `product`. */
  readonly verilog?: UserVerilog
}

/** A multiplier family: one definition, from which come the table, the gates, the metrics and the emulator's shortcut. */
export interface Family {
  readonly id: string
  /** One line. */
  readonly summary: string
  /** The formula, for `xgen mult show`. */
  readonly definition: string
  /** The domains, for people. */
  readonly domains: string
  readonly parameters: readonly Parameter[]
  readonly supports: (domain: Domain) => boolean
  /** A reason why these parameters do not go together; `given` are those that the spec names. */
  readonly conflict?: (
    values: ParameterValues,
    given: ReadonlySet<string>,
    domain: Domain,
  ) => string | undefined
  readonly define: (domain: Domain, values: ParameterValues) => Definition
  /** What a multiplier is made of, line by line, for `xgen mult show`. */
  readonly details?: (domain: Domain, values: ParameterValues) => readonly string[]
}

/** The multiplier of a family with checked parameter values. */
export function makeMultiplier(family: Family, domain: Domain, values: ParameterValues): Multiplier {
  const definition = family.define(domain, values)
  const { range } = definition
  const productSigned = range[0] < 0
  const productBits = productSigned ? signedBits(range[0], range[1]) : unsignedBits(range[1])
  const chosen = family.parameters.filter((p) => p.kind === 'integer' || values[p.name] !== defaultOf(p))
  const spec = chosen.map((p) => `${p.name}=${quoted(`${values[p.name]}`)}`).join(',')
  const suffix = chosen.flatMap((p) => suffixOf(p, values[p.name]!))
  if (definition.digest !== undefined) suffix.push(definition.digest)
  const build = <T>(c: Comb<T>, a: T, b: T): T => definition.product(c, a, b, productBits)
  let table: Int32Array | undefined
  const multiplier: Multiplier = {
    family: family.id,
    spec: spec === '' ? family.id : `${family.id}:${spec}`,
    parameters: values,
    domain,
    id: [family.id.replaceAll('-', '_'), ...suffix, domainName(domain)].join('_'),
    productBits,
    productSigned,
    productRange: range,
    zeroExact: definition.zeroExact,
    exact: definition.exact,
    signMagnitude: definition.signMagnitude ?? false,
    build,
    multiply: (a, b) =>
      definition.table?.[
        (bits(a, domain.nA).value as number) * 2 ** domain.nB + (bits(b, domain.nB).value as number)
      ] ??
      asNumber(
        build<Bits>(numbers, numbers.constant(a, domain.nA), numbers.constant(b, domain.nB)),
        productSigned,
      ),
    table: () => (table ??= definition.table ?? allProducts(multiplier)),
    ...(definition.factors === undefined ? {} : { factors: definition.factors }),
    ...(definition.multiplexers === undefined ? {} : { multiplexers: definition.multiplexers }),
    ...(definition.verilog === undefined ? {} : { verilog: definition.verilog }),
  }
  return Object.freeze(multiplier)
}

/** How a parameter stands in an identifier; names of files do not, but the hash of what they hold does. */
function suffixOf({ kind, name }: Parameter, value: number | string): string[] {
  if (kind === 'text') return []
  if (kind === 'integer') return [`${name}${value}`]
  return [value === 'yes' ? name : `${value}`]
}

const defaultOf = (parameter: Parameter): string | undefined =>
  parameter.kind === 'choice'
    ? parameter.choices[0]
    : parameter.kind === 'text' && parameter.optional
      ? ''
      : undefined

/** A parameter's value as a spec has it: with commas, quotes or blanks it stands in quotes, quotes in it twice. */
export const quoted = (value: string) => (/[",\s]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value)

/** All products, row = A's code, column = B's code. */
function allProducts(multiplier: Multiplier): Int32Array {
  const { nA, nB } = multiplier.domain
  if (nA > 8 || nB > 8)
    throw new XgenError(
      'internal',
      `a table of ${2 ** (nA + nB)} products is too large; multiply() gives single ones`,
    )
  const { a, b } = allPairs(multiplier.domain)
  return productsOf(multiplier, a, b) as Int32Array
}

/** Range of f(a) * g(b): both factors take their extremes independently, so the corners decide. */
export function productRange(
  ofA: readonly [number, number],
  ofB: readonly [number, number],
): readonly [number, number] {
  const corners = ofA.flatMap((x) => ofB.map((y) => x * y))
  return [Math.min(...corners) + 0, Math.max(...corners) + 0]
}

/** Range of a function that never falls as its operand rises. */
export function monotoneRange(
  f: (x: number) => number,
  bits: number,
  signed: boolean,
): readonly [number, number] {
  const [low, high] = operandRange(bits, signed)
  return [f(low), f(high)]
}

/** x with its low m bits rounded away, half up: ((x + 2^(m-1)) >> m) << m. */
export const roundAt = (x: number, m: number): number => (m === 0 ? x : Math.floor(x / 2 ** m + 0.5) * 2 ** m)

/** x with its low k bits cleared: (x >> k) << k. */
export const truncateAt = (x: number, k: number): number => Math.floor(x / 2 ** k) * 2 ** k
