import { readFileSync, statSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { type Domain, domainName } from '../arith/domain.ts'
import type { Multiplier, UserVerilog } from '../arith/multiplier.ts'
import { fileParameters, parseMultiplier, withParameter } from '../arith/registry.ts'
import { provideUserMultiplier, userMultiplier } from '../arith/user-multipliers.ts'
import { dataError, usageError } from '../base/errors.ts'
import { sha256 } from '../base/hash.ts'
import { fromBase } from './named-files.ts'
import { readUserTable } from './user-table.ts'
import { readUserVerilog } from './user-verilog.ts'

/** Larger files are no tables of 8x8 bits, and no multipliers. */
const mostBytes = 2 ** 22

/** What `xgen mult import` says of a file that was read. */
export interface ImportedMultiplier {
  readonly spec: string
  readonly domain: string
  readonly id: string
  /** Of Verilog: the module, its ports by operand, the gates that Yosys makes of it; null of tables. */
  readonly module: string | null
  readonly ports: UserVerilog['ports'] | null
  readonly gates: number | null
  /** Of tables: the multiplexers that they take as hardware; null of Verilog. */
  readonly multiplexers: number | null
  readonly product: {
    readonly bits: number
    readonly signed: boolean
    readonly range: readonly [low: number, high: number]
  }
  readonly exact: boolean
  readonly zeroExact: boolean
}

/**
 * Reads and checks a user's file: the name of one (.v, .npy, .csv, .bin), or a spec where its ports are to be named. What Yosys makes of
 * Verilog is kept.
 */
export function importMultiplier(
  fileOrSpec: string,
  domain: Domain,
  { transpose }: { readonly transpose: boolean },
): ImportedMultiplier {
  const spec = importedSpec(fileOrSpec, transpose)
  const multiplier = multiplierOf(spec, domain)
  const { family, values } = fileParameters(spec)!
  const source = userMultiplier(family.id, values)
  const { productBits: bits, productSigned: signed, productRange: range, verilog } = multiplier
  return {
    spec,
    domain: domainName(domain),
    id: multiplier.id,
    module: verilog?.top ?? null,
    ports: verilog?.ports ?? null,
    gates: source?.kind === 'circuit' ? source.gates.gates.length : null,
    multiplexers: multiplier.multiplexers ?? null,
    product: { bits, signed, range },
    exact: multiplier.exact,
    zeroExact: multiplier.zeroExact,
  }
}

function importedSpec(fileOrSpec: string, transpose: boolean): string {
  const family = /\.s?vh?$/i.test(fileOrSpec) ? 'verilog' : 'lut'
  const spec =
    multiplierFile(fileOrSpec) === undefined ? withParameter(family, 'file', fileOrSpec) : fileOrSpec
  if (!transpose) return spec
  if (spec.startsWith('verilog:'))
    throw usageError('--transpose is for tables', { hint: 'Ports of Verilog are named: a=NAME,b=NAME.' })
  return withParameter(spec, 'transpose', 'yes')
}

/** The multiplier of a spec, which may name a file, relative to the current directory. */
export function multiplierOf(spec: string, domain: Domain, where?: string): Multiplier {
  readMultiplierFile(spec, '', where)
  return parseMultiplier(spec, domain, where)
}

/** Reads what a spec names, so that it can be parsed; nothing where it names no file. `base`: what the name is relative to. */
export function readMultiplierFile(spec: string, base: string, where?: string): void {
  const found = fileParameters(spec, where)
  if (found === undefined) return
  const { family, values } = found
  const { file: name = '', top = '', a = '', b = '', p = '' } = values
  const bytes = readBounded(pathFrom(base, name), where)
  provideUserMultiplier(
    family.id,
    values,
    family.id === 'lut'
      ? readUserTable(bytes, name)
      : readUserVerilog(Buffer.from(bytes).toString('utf8'), name, { top, a, b, p }),
  )
}

/** Multiplexers of a table above which tools get slow: an exact 8x8 table has fewer. */
const manyMultiplexers = 20_000

/** A sentence for each table that makes hardware large and its tools slow, and what to do about it. */
export function largeTables(multipliers: Iterable<Multiplier>): readonly string[] {
  return [...new Set(multipliers)].flatMap(({ spec, multiplexers = 0 }) =>
    multiplexers < manyMultiplexers
      ? []
      : [
          `${spec} has no pattern: ${multiplexers.toLocaleString('en-US')} multiplexers in every PE, with which Verilator and Yosys take minutes. ` +
            '"xgen mult identify" finds a formula or factors where there are such; Verilog of your own (verilog:file=NAME) is as small as you make it; the emulator ("xgen eval") takes any table as it is.',
        ],
  )
}

/** The file that a spec names; undefined where it names none. */
export const multiplierFile = (spec: string): string | undefined => fileParameters(spec)?.values['file']

/** SHA-256 of a file that a spec names from `base`. */
export const multiplierFileHash = (file: string, base: string, where?: string): string =>
  sha256(readBounded(pathFrom(base, file), where))

const pathFrom = (base: string, name: string) => (isAbsolute(name) ? name : join(base, name))

/** A spec of the command line, whose file is named from the current directory, as one of a configuration in `base`. */
export function specFromBase(spec: string, base: string): string {
  const file = multiplierFile(spec)
  return file === undefined || base === '' ? spec : withParameter(spec, 'file', fromBase(base, file))
}

function readBounded(path: string, where: string | undefined): Uint8Array {
  const place = where === undefined ? path : `${where}: ${path}`
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) throw dataError('there is no such file', { where: place })
  if (!stat.isFile()) throw dataError('is no file', { where: place })
  if (stat.size > mostBytes)
    throw dataError(`has ${stat.size} bytes; a multiplier's file has at most ${mostBytes}`, { where: place })
  try {
    return readFileSync(path)
  } catch (cause) {
    throw dataError(`cannot be read: ${(cause as Error).message}`, { where: place, cause })
  }
}
