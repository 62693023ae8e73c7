import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join, resolve, sep } from 'node:path'
import { invariant, usageError, XgenError } from '../base/errors.ts'
import { isTemporaryNameOf, makeDirectory, temporaryName, writeFileAtomically } from '../base/files.ts'
import { canonicalJson, hashOf } from '../base/hash.ts'

export type Files = ReadonlyMap<string, string | Uint8Array>

/** What run.json says of the run: everything in it follows from the input, so that equal inputs give equal bytes. */
export interface RunRecord {
  readonly xgen: string
  readonly command: string
  /** The resolved configuration: feeding it back gives the same files. */
  readonly configuration: unknown
  /** SHA-256 by input; of `multipliers`, by the file that they name. */
  readonly inputs: {
    readonly multipliers?: Readonly<Record<string, string>>
    readonly [input: string]: string | Readonly<Record<string, string>> | undefined
  }
  readonly plan: string
}

interface StoredRecord extends RunRecord {
  readonly configurationHash: string
  readonly files: readonly string[]
}

/**
 * Writes a run's directory. A new one appears whole (written beside, then renamed). An existing one must belong to the same
 * configuration, or `force` be given: then its generated files are replaced, other files stay. run.json is removed first and written
 * last, so that a directory with a run.json is complete. What runs that were killed left beside it long ago is removed.
 */
export function writeRunDirectory(out: string, files: Files, record: RunRecord, force: boolean): void {
  const directory = resolve(out)
  const stored: StoredRecord = {
    ...record,
    configurationHash: identityOf(record.configuration, record.inputs.multipliers),
    files: [...files.keys()].sort(),
  }
  const existing = checkRunDirectory(out, record.configuration, force, record.inputs.multipliers)
  if (existing === 'absent') {
    writeNew(directory, files, stored, () => writeRunDirectory(out, files, record, force))
    removeAbandoned(directory)
    return
  }
  try {
    rmSync(join(directory, 'run.json'), { force: true })
    for (const stale of existing.files) if (!files.has(stale)) rmSync(join(directory, stale), { force: true })
  } catch (cause) {
    throw unwritable(out, cause as Error)
  }
  writeAll(directory, files, stored)
  removeAbandoned(directory)
}

/** Refuses what `writeRunDirectory` would refuse, for commands that work for long before they write. */
export function checkRunDirectory(
  out: string,
  configuration: unknown,
  force: boolean,
  multipliers?: Readonly<Record<string, string>>,
): Existing {
  if (out === '') throw usageError('the output directory has no name', { where: '--out' })
  return inspect(resolve(out), out, identityOf(configuration, multipliers), force)
}

/**
 * Refuses a directory that holds something, but not the file `mark`, for commands that keep something else than a run there (`what`,
 * such as `study`). A run's directory is none of theirs either.
 */
export function checkMarkedDirectory(out: string, mark: string, what: string, force: boolean): void {
  if (out === '') throw usageError('the output directory has no name', { where: '--out' })
  const directory = resolve(out)
  if (force || !isDirectoryAt(directory, out)) return
  const names = entriesOf(directory, out)
  if (names.length === 0 || (names.includes(mark) && !names.includes('run.json'))) return
  const holds = names.includes('run.json') ? 'holds a run of xgen' : `is not empty and holds no ${what}`
  throw usageError(`the output directory ${out} ${holds}`, {
    where: '--out',
    hint: 'Name another directory with --out, or write into this one with --force.',
  })
}

/** What tells one configuration from another: a multiplier's file that has changed makes another one. */
const identityOf = (configuration: unknown, multipliers?: Readonly<Record<string, string>>): string =>
  hashOf(multipliers === undefined ? configuration : { configuration, multipliers })

/** Writes beside, then renames. `again` where another run has put something there meanwhile. */
function writeNew(directory: string, files: Files, stored: StoredRecord, again: () => void): void {
  makeDirectory(dirname(directory))
  const temporary = temporaryName(directory)
  let taken = false
  try {
    mkdirSync(temporary)
    writeAll(temporary, files, stored)
    renameSync(temporary, directory)
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    taken = code === 'ENOTEMPTY' || code === 'EEXIST'
    if (!taken) throw cause instanceof XgenError ? cause : unwritable(directory, cause as Error)
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
  if (taken) again()
}

/** No run takes that long: what is older was left by one that was killed. */
const abandonedAfterMilliseconds = 24 * 60 * 60 * 1000

/** Removes directories of `writeNew` that nobody will rename any more. What cannot be removed stays: the run itself went well. */
function removeAbandoned(directory: string): void {
  try {
    for (const name of readdirSync(dirname(directory))) {
      const path = join(dirname(directory), name)
      if (!isTemporaryNameOf(directory, path)) continue
      const entry = lstatSync(path)
      if (!entry.isDirectory() || Date.now() - entry.mtimeMs < abandonedAfterMilliseconds) continue
      rmSync(path, { recursive: true, force: true })
    }
  } catch {
    // Another run removes the same, or it belongs to somebody else.
  }
}

const unwritable = (directory: string, cause: Error) =>
  usageError(`the output directory ${directory} cannot be written: ${cause.message}`, {
    where: '--out',
    hint: 'Name another directory with --out.',
    cause,
  })

function writeAll(directory: string, files: Files, stored: StoredRecord): void {
  for (const [name, contents] of files) {
    invariant(
      !name.startsWith(sep) && !name.split('/').includes('..'),
      `generated file ${name} leaves its directory`,
    )
    writeFileAtomically(join(directory, name), contents)
  }
  writeFileAtomically(join(directory, 'run.json'), `${canonicalJson(stored, 2)}\n`)
}

/** What stands at the output directory: nothing, or a directory to be written in place, with the files of the run before. */
type Existing = 'absent' | { readonly files: readonly string[] }

function inspect(directory: string, out: string, configurationHash: string, force: boolean): Existing {
  if (!isDirectoryAt(directory, out)) return 'absent'
  if (entriesOf(directory, out).length === 0) return { files: [] }
  const previous = readRecord(directory)
  if (previous === undefined && !force) {
    throw usageError(`the output directory ${out} is not empty and holds no complete xgen run`, {
      where: '--out',
      hint: 'Name another directory with --out, or write into this one with --force.',
    })
  }
  if (previous !== undefined && previous.configurationHash !== configurationHash && !force) {
    throw usageError(`the output directory ${out} belongs to another configuration`, {
      where: '--out',
      hint: 'Name another directory with --out, or replace its generated files with --force.',
    })
  }
  return {
    files: previous?.files.filter((name) => !name.startsWith('/') && !name.split('/').includes('..')) ?? [],
  }
}

/** Whether a directory is there; something else at its place is refused. */
function isDirectoryAt(directory: string, out: string): boolean {
  const entry = entryAt(directory, out)
  if (entry === undefined) return false
  if (isDirectory(directory, out)) return true
  const what = entry.isSymbolicLink() ? 'a link that leads to no directory' : 'a file'
  throw usageError(`the output directory ${out} is ${what}`, {
    where: '--out',
    hint: 'Name another directory with --out.',
  })
}

function entryAt(directory: string, out: string) {
  try {
    return lstatSync(directory, { throwIfNoEntry: false })
  } catch (cause) {
    throw unwritable(out, cause as Error)
  }
}

/** Through links. */
function isDirectory(directory: string, out: string): boolean {
  try {
    return statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true
  } catch (cause) {
    throw unwritable(out, cause as Error)
  }
}

function entriesOf(directory: string, out: string): string[] {
  try {
    return readdirSync(directory)
  } catch (cause) {
    throw unwritable(out, cause as Error)
  }
}

/** What run.json says of the design that stands in a run's directory; undefined where there is no complete run. */
export const recordOfRun = (
  directory: string,
): { readonly plan: unknown; readonly configuration: unknown; readonly inputs: unknown } | undefined =>
  readRecord(directory)

function readRecord(directory: string):
  | {
      configurationHash: string
      files: readonly string[]
      plan: unknown
      configuration: unknown
      inputs: unknown
    }
  | undefined {
  try {
    const record = JSON.parse(readFileSync(join(directory, 'run.json'), 'utf8')) as Partial<StoredRecord>
    const files = Array.isArray(record.files)
      ? record.files.filter((name): name is string => typeof name === 'string')
      : []
    return typeof record.configurationHash === 'string'
      ? {
          configurationHash: record.configurationHash,
          files,
          plan: record.plan,
          configuration: record.configuration,
          inputs: record.inputs,
        }
      : undefined
  } catch {
    return undefined
  }
}
