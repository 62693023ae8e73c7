import { statSync } from 'node:fs'
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { dataError } from '../base/errors.ts'
import { isLibraryFile } from '../synth/libraries.ts'

/**
 * The files that a configuration names: a network file, a weight file, one of coefficients, a cell library and those of multipliers. Its text stays as it was written, so that the same
 * configuration has the same bytes wherever xgen runs; the directory that the text is relative to is kept beside it. The rules stand
 * in docs/configuration.md.
 */
export interface NamedFiles {
  /** Directory that relative names start from. */
  readonly base: string
  /** SHA-256 of what the names stood for when a run was made; none for a name that came from elsewhere. */
  readonly recorded: {
    readonly network?: string
    readonly weights?: string
    readonly coefficients?: string
    /** By the name of the file. */
    readonly multipliers?: Readonly<Record<string, string>>
  }
  /** Where the cell library was named, for messages. */
  readonly libraryPlace?: string
}

/** The part of a configuration that names files. */
export interface NamingFiles {
  readonly net: string
  readonly weights: { readonly file?: string | undefined; readonly coefficients?: string | undefined }
  readonly synth?: { readonly liberty: string }
}

/** What `--weights` names instead of a file: weights that nobody trained, made on the fly (`seeded.ts`). */
export const seededName = 'seeded'

const known = new WeakMap<NamingFiles, NamedFiles>()

export function rememberFiles(configuration: NamingFiles, files: NamedFiles): void {
  known.set(configuration, files)
}

/** `other` names the files that `configuration` does, from the same directory. */
export function shareFiles(configuration: NamingFiles, other: NamingFiles): void {
  rememberFiles(other, filesOf(configuration))
}

/** The names of a configuration that was not resolved here are relative to the current directory. */
const filesOf = (configuration: NamingFiles): NamedFiles =>
  known.get(configuration) ?? { base: '', recorded: {} }

/** The directory that the names of a configuration are relative to. */
export const nameBase = (configuration: NamingFiles): string => filesOf(configuration).base

/** What `loadNetwork` takes: the name of a built-in network, or the path of the network file. */
export function networkPath(configuration: NamingFiles): string {
  const { net } = configuration
  return isNetworkFile(net) ? located(filesOf(configuration).base, net) : net
}

/** The path of the weight file, where the configuration names one. */
export function weightsPath(configuration: NamingFiles): string | undefined {
  const { file } = configuration.weights
  return file === undefined || !isWeightFile(file) ? undefined : located(filesOf(configuration).base, file)
}

/**
 * The weight file that stands beside a network file under its name, as `xgen net import` leaves it; undefined where there is none, or
 * the configuration names one.
 */
export function weightsBeside(configuration: NamingFiles): string | undefined {
  const { net, weights } = configuration
  if (weights.file !== undefined || !/\.ya?ml$/i.test(net)) return undefined
  const path = networkPath(configuration).replace(/\.ya?ml$/i, '.safetensors')
  return isFile(path) ? path : undefined
}

/** Whether the configuration asks for weights that are made on the fly. */
export function hasSeededWeights({ weights }: NamingFiles): boolean {
  return weights.file === seededName
}

/** Whether a name stands for a file of weights. */
export function isWeightFile(name: string): boolean {
  return name !== seededName
}

/** The path of the file of coefficients, where the configuration names one. */
export function coefficientsPath(configuration: NamingFiles): string | undefined {
  const { coefficients } = configuration.weights
  return coefficients === undefined ? undefined : located(filesOf(configuration).base, coefficients)
}

/** What `openLibrary` takes: the name of a library, or its path. */
export function libraryPath(configuration: NamingFiles & Required<Pick<NamingFiles, 'synth'>>): string {
  const { liberty } = configuration.synth
  return isLibraryFile(liberty) ? located(filesOf(configuration).base, liberty) : liberty
}

/** Where the cell library of a configuration was named. */
export const libraryPlace = (configuration: NamingFiles): string =>
  filesOf(configuration).libraryPlace ?? 'synth.liberty'

/** That a file which a run names still is what the run was made from. `hash` is only called where a run recorded one. */
export function checkRecorded(
  configuration: NamingFiles,
  what: 'network' | 'weights' | 'coefficients',
  hash: () => string,
): void {
  const recorded = filesOf(configuration).recorded[what]
  if (recorded === undefined || recorded === hash()) return
  const [path, option] = {
    network: [networkPath(configuration), '--net FILE'],
    weights: [
      weightsPath(configuration) ?? weightsBeside(configuration) ?? networkPath(configuration),
      '--weights FILE',
    ],
    coefficients: [coefficientsPath(configuration) ?? '', '--set weights.coefficients=FILE'],
  }[what] as [string, string]
  throw dataError(`does not hold the ${what} that the run was made from`, {
    where: path,
    hint: `Put that file back, or name another one with ${option}.`,
  })
}

/** The same of a file that a multiplier names. */
export function checkRecordedMultiplier(configuration: NamingFiles, file: string, hash: string): void {
  const { base, recorded } = filesOf(configuration)
  const { [file]: expected = hash } = recorded.multipliers ?? {}
  if (expected === hash) return
  throw dataError('does not hold the multiplier that the run was made from', {
    where: located(base, file),
    hint: 'Put that file back, or name another one with --mult.',
  })
}

export function isNetworkFile(net: string): boolean {
  return /\.(json|ya?ml|onnx|tflite)$/i.test(net)
}

/** A file named from the current directory, as a name from `base`. An absolute one is left as the user wrote it. */
export function fromBase(base: string, file: string): string {
  return isAbsolute(file) ? file : relative(base, file).replaceAll(sep, '/')
}

/**
 * The base of the names in a run.json, which says nothing of where it was made: the directory of the run.json or the nearest one
 * above it that has all of them; else the current directory, if that has them. `checkRecorded` sees to it that no other file of the
 * same name is taken. Of directories that do, one that has the `optional` files too comes first.
 */
export function baseOfRun(run: string, names: readonly string[], optional: readonly string[] = []): string {
  const [needed, wished] = [names, [...names, ...optional]].map((all) =>
    all.filter((name) => !isAbsolute(name)),
  ) as [string[], string[]]
  const candidates = [...upward(resolve(dirname(run))), '']
  const directoryOf = (wanted: readonly string[]) =>
    candidates.find((directory) => wanted.every((name) => isFile(located(directory, name))))
  const base =
    wished.length === 0 ? '' : (directoryOf(wished) ?? (needed.length === 0 ? '' : directoryOf(needed)))
  if (base !== undefined) return base
  throw dataError(
    `names ${needed.join(' and ')}: not found from its directory, from one above it, nor from the current one`,
    {
      where: run,
      hint: 'Run xgen where the configuration file of the run lies, or name the files with --net FILE and --weights FILE.',
    },
  )
}

function upward(directory: string): string[] {
  const above = dirname(directory)
  return above === directory ? [directory] : [directory, ...upward(above)]
}

const located = (base: string, file: string) => (isAbsolute(file) ? file : join(base, file))

const isFile = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile() === true
