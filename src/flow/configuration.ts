import { dirname, join } from 'node:path'
import { parse as parseYaml } from 'yaml'
import type { z } from 'zod'
import { type Entry, mergeEntries, parseFlags } from '../approx/entries.ts'
import { type Path, readDocumentFile, type Source } from '../base/document.ts'
import { usageError, XgenError } from '../base/errors.ts'
import { parseSource } from '../base/schema.ts'
import { didYouMean, nearest } from '../base/suggest.ts'
import { loadNetwork } from '../net/zoo.ts'
import type { TileSize } from '../plan/array.ts'
import { parseActivations, type QuantOptions } from '../quant/options.ts'
import { isLibraryFile } from '../synth/libraries.ts'
import { dataflowOf } from './dataflow-flags.ts'
import {
  baseOfRun,
  checkRecordedMultiplier,
  fromBase,
  isNetworkFile,
  isWeightFile,
  nameBase,
  rememberFiles,
} from './named-files.ts'
import { configurationSchema, environmentNames } from './schema.ts'
import { multiplierFile, multiplierFileHash, readMultiplierFile, specFromBase } from './user-multipliers.ts'

/**
 * A resolved configuration: a plain value with every default filled in. Written to run.json and read back, it gives the same bytes.
 * Files stand in it as they were written, relative to the configuration file; `networkPath` and `weightsPath` find them.
 */
export type Configuration = Omit<z.output<typeof configurationSchema>, 'net'> & { readonly net: string }

/** What the command line says. */
export interface ConfigurationOptions {
  /** A configuration file, or a run.json whose `configuration` is taken. */
  readonly config?: string
  readonly set?: readonly string[]
  readonly net?: string
  readonly mult?: readonly string[]
  readonly weights?: string
  /** `8x8`. */
  readonly array?: string
  readonly rows?: number
  readonly cols?: number
  /** `[WHERE=]DATAFLOW`, repeatable. */
  readonly dataflow?: string | readonly string[]
  readonly lib?: string
  readonly script?: string
  readonly interface?: string
  readonly environment?: NodeJS.ProcessEnv
}

type Draft = Record<string, unknown>

/** Where the entries of a configuration's multipliers were written, for messages; the configuration itself stays plain. */
const places = new WeakMap<Configuration, ReadonlyMap<string, string>>()
/** The same of the sizes of tiles. */
const tilePlaces = new WeakMap<Configuration, ReadonlyMap<string, string>>()

/** Resolves by precedence: flag, --set, environment, file, default. */
export function resolveConfiguration(options: ConfigurationOptions): Configuration {
  const file = options.config === undefined ? undefined : readConfigurationFile(options.config)
  const draft: Draft = structuredClone(file?.value ?? {}) as Draft
  const origins = new Map<string, string>()
  const put = (path: readonly string[], value: unknown, origin: string) => {
    assign(draft, path, value)
    origins.set(path.join('.'), origin)
  }
  applyEnvironment(options.environment ?? process.env, put)
  for (const setting of options.set ?? []) applySetting(setting, put)
  applyFlags(options, put)
  const base = baseOf(file, draft, origins)

  const where = (path: Path) => {
    for (let length = path.length; length > 0; length--) {
      const origin = origins.get(path.slice(0, length).join('.'))
      if (origin !== undefined) return origin
    }
    return file?.source.where([...file.base, ...path]) ?? path.join('.')
  }
  const source: Source = { file: options.config ?? 'the command line', value: draft, where }
  refuseReuse(source)
  const checked = parseSource(configurationSchema, source)
  if (checked.net === undefined) {
    throw usageError('no network is named', {
      hint: 'Give --net (built in: lenet5), or "net:" in the configuration file.',
    })
  }

  if (origins.has('net') && !isNetworkFile(checked.net)) checkBuiltIn(checked.net, where(['net']))

  const written = Object.entries(checked.multipliers).map(
    ([selector, spec]): Entry => ({ selector, spec, where: where(['multipliers', selector]) }),
  )
  const flags = parseFlags(options.mult ?? [])
  const entries = mergeEntries(
    written,
    flags.map((flag) => ({ ...flag, spec: specFromBase(flag.spec, base) })),
  )
  const configuration: Configuration = {
    ...checked,
    net: checked.net,
    multipliers: Object.fromEntries(entries.map(({ selector, spec }) => [selector, spec])),
  }
  const given = flags.flatMap(({ spec }) => multiplierFile(specFromBase(spec, base)) ?? [])
  rememberFiles(configuration, {
    base,
    recorded: { ...recordedOf(file, configuration, origins), multipliers: recordedMultipliers(file, given) },
    libraryPlace: where(['synth', 'liberty']),
  })
  const tiles = Object.keys(configuration.array.tiles)
  tilePlaces.set(configuration, new Map(tiles.map((key) => [key, where(['array', 'tiles', key])])))
  places.set(
    configuration,
    new Map(entries.flatMap((entry) => (entry.where === undefined ? [] : [[entry.selector, entry.where]]))),
  )
  return configuration
}

/** The multipliers of a configuration as entries for `buildAssignment`; the files that they name are read. */
export function entriesOf(configuration: Configuration): readonly Entry[] {
  const known = places.get(configuration)
  return Object.entries(configuration.multipliers).map(([selector, spec]) => {
    const where = known?.get(selector) ?? `multipliers.${selector}`
    readMultiplierFile(spec, nameBase(configuration), where)
    return { selector, spec, where }
  })
}

/** SHA-256 of the files that the multipliers of a configuration name, by name; where it is one of a run, that they still are the run's. */
export function multiplierHashesOf(configuration: Configuration): Readonly<Record<string, string>> {
  const known = places.get(configuration)
  return Object.fromEntries(
    Object.entries(configuration.multipliers).flatMap(([selector, spec]) => {
      const file = multiplierFile(spec)
      if (file === undefined) return []
      const hash = multiplierFileHash(file, nameBase(configuration), known?.get(selector))
      checkRecordedMultiplier(configuration, file, hash)
      return [[file, hash]]
    }),
  )
}

/** The sizes of tiles, by the multiplier as it was written, each with its place. */
export function tileSizesOf(configuration: Configuration): Readonly<Record<string, TileSize>> {
  return Object.fromEntries(
    Object.entries(configuration.array.tiles).map(([key, size]) => {
      const [rows, columns] = size.split('x').map(Number) as [number, number]
      const where = tilePlaces.get(configuration)?.get(key)
      return [key, { rows, columns, ...(where === undefined ? {} : { where }) }]
    }),
  )
}

export function quantOptionsOf({ quant }: Configuration): QuantOptions {
  return { weightBits: quant.weights, ...parseActivations(quant.activations) }
}

interface ConfigurationSource {
  readonly source: Source
  /** Path of the configuration inside of the document. */
  readonly base: Path
  readonly value: unknown
  /** The hashes of a run.json's inputs; undefined where the document is no run. */
  readonly inputs: Draft | undefined
}

function readConfigurationFile(path: string): ConfigurationSource {
  const source = readDocumentFile(path, 'configuration file')
  const whole = source.value ?? {}
  if (typeof whole !== 'object' || Array.isArray(whole))
    throw usageError('holds no settings', { where: path })
  const isRun = Object.hasOwn(whole, 'configuration')
  const value = structuredClone(isRun ? (whole as Draft)['configuration'] : whole) as Draft
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw usageError('holds no settings', { where: source.where(['configuration']) })
  // A key whose lines are all commented out is empty, which means the default.
  for (const key of Object.keys(value)) if (value[key] === null) delete value[key]
  const inputs = isRun ? { ...((whole as Draft)['inputs'] as Draft | undefined) } : undefined
  return { source, base: isRun ? ['configuration'] : [], value, inputs }
}

/**
 * The directory that file names are relative to: the configuration file's, or without one the current. Names that came from the
 * command line or the environment are relative to the current directory and are rewritten to start from there too.
 */
function baseOf(
  file: ConfigurationSource | undefined,
  draft: Draft,
  origins: ReadonlyMap<string, string>,
): string {
  const below = (key: string): Draft => {
    const value = draft[key]
    return value !== null && typeof value === 'object' ? (value as Draft) : {}
  }
  const named = (path: string, holder: Draft, isFile: (name: string) => boolean) => {
    const key = path.split('.').at(-1)!
    const name = holder[key]
    return typeof name === 'string' && isFile(name) ? [{ path, holder, key, name }] : []
  }
  const names = [
    ...named('net', draft, isNetworkFile),
    ...named('weights.file', below('weights'), isWeightFile),
    ...named('weights.coefficients', below('weights'), isWeightFile),
    ...named('synth.liberty', below('synth'), isLibraryFile),
  ]
  // a design is made without its library
  const written = (optional: boolean) =>
    names
      .filter(({ path }) => !origins.has(path) && (path === 'synth.liberty') === optional)
      .map(({ name }) => name)
  const base =
    file === undefined
      ? ''
      : file.inputs === undefined
        ? dirname(file.source.file)
        : baseOfRun(
            file.source.file,
            [...written(false), ...multiplierFiles(draft['multipliers'])],
            written(true),
          )
  for (const { path, holder, key, name } of names) if (origins.has(path)) holder[key] = fromBase(base, name)
  return base
}

/** The files that multipliers name; what is no spec is refused elsewhere. */
function multiplierFiles(multipliers: unknown): string[] {
  if (multipliers === null || typeof multipliers !== 'object') return []
  return Object.values(multipliers).flatMap((spec) => {
    const file = typeof spec === 'string' ? multiplierFile(spec) : undefined
    return file === undefined ? [] : [file]
  })
}

/** The hashes that a run.json recorded of the files it names, for those that the command line does not replace. */
function recordedOf(
  file: ConfigurationSource | undefined,
  { net, weights }: Configuration,
  origins: ReadonlyMap<string, string>,
) {
  const hash = (name: string) => {
    const value = file?.inputs?.[name]
    return typeof value === 'string' ? value : undefined
  }
  if (origins.has('net')) return {}
  const network = isNetworkFile(net) ? hash('network') : undefined
  // weights that are not named stand beside the network file, or in it
  const fromFile = weights.file !== undefined || isNetworkFile(net)
  const values = fromFile && !origins.has('weights.file') ? hash('weights') : undefined
  const curves =
    weights.coefficients === undefined || origins.has('weights.coefficients')
      ? undefined
      : hash('coefficients')
  return {
    ...(network === undefined ? {} : { network }),
    ...(values === undefined ? {} : { weights: values }),
    ...(curves === undefined ? {} : { coefficients: curves }),
  }
}

/** The same of multipliers' files, but those `given` on the command line. */
function recordedMultipliers(
  file: ConfigurationSource | undefined,
  given: readonly string[],
): Readonly<Record<string, string>> {
  const recorded = (file?.inputs?.['multipliers'] ?? {}) as Readonly<Record<string, unknown>>
  return Object.fromEntries(
    Object.entries(recorded).flatMap(([name, hash]) =>
      typeof hash === 'string' && !given.includes(name) ? [[name, hash]] : [],
    ),
  )
}

/** A name that is not built in is blamed on what gave it. */
function checkBuiltIn(net: string, where: string): void {
  try {
    loadNetwork(net)
  } catch (error) {
    if (!(error instanceof XgenError)) throw error
    throw new XgenError(error.kind, error.message, {
      where,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      cause: error,
    })
  }
}

/** Variables that are no settings. */
const otherVariables = ['XGEN_DATA_DIR', 'XGEN_CACHE_DIR', 'XGEN_MEM_DIR', 'XGEN_FULL']

/** A sentence for every variable that looks like a misspelt one of xgen's: it has no effect. */
export function misspeltVariables(environment: NodeJS.ProcessEnv): readonly string[] {
  const known = [...Object.keys(environmentNames), ...otherVariables]
  return Object.keys(environment).flatMap((name) => {
    if (!name.startsWith('XGEN_') || known.includes(name)) return []
    const near = nearest(name, known)
    return near === undefined ? [] : [`the variable ${name} has no effect. Did you mean "${near}"?`]
  })
}

function applyEnvironment(
  environment: NodeJS.ProcessEnv,
  put: (path: readonly string[], value: unknown, origin: string) => void,
): void {
  for (const [name, path] of Object.entries(environmentNames)) {
    const text = environment[name]
    if (text !== undefined && text !== '') put(path, scalar(text), name)
  }
}

function applySetting(
  setting: string,
  put: (path: readonly string[], value: unknown, origin: string) => void,
): void {
  const equals = setting.indexOf('=')
  if (equals < 1)
    throw usageError(`--set ${setting} sets nothing`, {
      where: '--set',
      hint: 'Write a path and a value: --set array.rows=16.',
    })
  // The names of tiles are multiplier specs, which have an = themselves; sizes have none.
  const tile = /^array\.tiles\.(.+)=([^=]*)$/s.exec(setting)
  if (tile !== null) {
    put(['array', 'tiles', tile[1]!], tile[2]!, `--set array.tiles.${tile[1]}`)
    return
  }
  const path = setting.slice(0, equals).split('.')
  const top = Object.keys(configurationSchema.shape)
  if (path.slice(1).includes('__proto__'))
    throw usageError(`--set ${setting}: "__proto__" is not known`, { where: '--set' })
  if (!top.includes(path[0]!)) {
    throw usageError(`--set ${setting}: "${path[0]}" is not known.${didYouMean(path[0]!, top)}`, {
      where: '--set',
      hint: `Known: ${top.join(', ')}.`,
    })
  }
  put(path, scalar(setting.slice(equals + 1)), `--set ${path.join('.')}`)
}

function applyFlags(
  options: ConfigurationOptions,
  put: (path: readonly string[], value: unknown, origin: string) => void,
): void {
  if (options.net !== undefined) put(['net'], options.net, '--net')
  if (options.weights !== undefined) put(['weights', 'file'], options.weights, '--weights')
  if (options.dataflow !== undefined)
    put(['array', 'dataflow'], dataflowOf([options.dataflow].flat()), '--dataflow')
  if (options.lib !== undefined) put(['synth', 'liberty'], options.lib, '--lib')
  if (options.script !== undefined) put(['synth', 'script'], options.script, '--script')
  if (options.interface !== undefined) put(['interface'], options.interface, '--interface')
  if (options.array !== undefined) {
    const match = /^(\d{1,4})x(\d{1,4})$/.exec(options.array)
    if (match === null)
      throw usageError(`"${options.array}" is no array`, {
        where: '--array',
        hint: 'Write rows and columns: --array 8x8.',
      })
    if (options.rows !== undefined || options.cols !== undefined)
      throw usageError('--array and --rows or --cols say the same thing', { hint: 'Give only one of them.' })
    put(['array', 'rows'], Number(match[1]), '--array')
    put(['array', 'cols'], Number(match[2]), '--array')
  }
  for (const name of ['rows', 'cols'] as const)
    if (Number.isNaN(options[name])) throw usageError('a whole number is needed', { where: `--${name}` })
  if (options.rows !== undefined) put(['array', 'rows'], options.rows, '--rows')
  if (options.cols !== undefined) put(['array', 'cols'], options.cols, '--cols')
}

/** A value as YAML would read it: numbers and booleans are not strings. */
function scalar(text: string): unknown {
  try {
    const value: unknown = parseYaml(text)
    return typeof value === 'number' || typeof value === 'boolean' ? value : text
  } catch {
    return text
  }
}

function assign(draft: Draft, path: readonly string[], value: unknown): void {
  let at = draft
  for (const step of path.slice(0, -1)) {
    const below = Object.hasOwn(at, step) ? at[step] : undefined
    if (below === null || typeof below !== 'object' || Array.isArray(below))
      Object.defineProperty(at, step, { value: {}, enumerable: true, writable: true, configurable: true })
    at = at[step] as Draft
  }
  Object.defineProperty(at, path.at(-1)!, { value, enumerable: true, writable: true, configurable: true })
}

/** Coefficient reuse is no choice of the array but of the weights, layer by layer. */
function refuseReuse(source: Source): void {
  const { array } = (source.value ?? {}) as { readonly array?: { readonly dataflow?: unknown } | null }
  if (array?.dataflow === 'reuse')
    throw usageError('array.dataflow: "reuse" comes with the weights: layers with curves use it', {
      where: source.where(['array', 'dataflow']),
      hint: 'Leave the dataflow as it is, and set weights.curve: linear or quadratic (docs/reuse.md).',
    })
}

/** The configuration file of the current directory, if there is one: what -c defaults to. */
export const defaultConfigurationFile = join('.', 'xgen.yaml')
