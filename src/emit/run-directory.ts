import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
} from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { invariant, usageError, XgenError } from '../base/errors.ts'
import { temporaryName, writeFileAtomically } from '../base/files.ts'
import { canonicalJson, hashOf } from '../base/hash.ts'

export type Files = ReadonlyMap<string, string | Uint8Array>

/** What run.json says of the run: everything in it follows from the input, so that equal inputs give equal bytes. */
export interface RunRecord {
  readonly xgen: string
  readonly command: string
  /** The resolved configuration: feeding it back gives the same files. */
  readonly configuration: unknown
  /** SHA-256 by input. */
  readonly inputs: Readonly<Record<string, string>>
  readonly plan: string
}

interface StoredRecord extends RunRecord {
  readonly configurationHash: string
  readonly files: readonly string[]
}

/**
 * Writes a run's directory. A new one appears whole (written beside, then renamed). An existing one must belong to the same
 * configuration, or `force` be given: then its generated files are replaced, other files stay. run.json is removed first and written
 * last, so that a directory with a run.json is complete.
 */
export function writeRunDirectory(directory: string, files: Files, record: RunRecord, force: boolean): void {
  const stored: StoredRecord = {
    ...record,
    configurationHash: hashOf(record.configuration),
    files: [...files.keys()].sort(),
  }
  const existing = inspect(directory, stored.configurationHash, force)
  if (existing === 'absent') {
    const temporary = temporaryName(directory)
    try {
      writeAll(temporary, files, stored)
      mkdirSync(dirname(directory), { recursive: true })
      if (existsSync(directory)) rmdirSync(directory) // empty when inspected; fails if it no longer is
      renameSync(temporary, directory)
    } catch (cause) {
      // another run of the same configuration may have put the same files there meanwhile
      const code = (cause as NodeJS.ErrnoException).code
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST')
        throw cause instanceof XgenError ? cause : unwritable(directory, cause as Error)
      writeRunDirectory(directory, files, record, force)
    } finally {
      rmSync(temporary, { recursive: true, force: true })
    }
    return
  }
  const recordPath = join(directory, 'run.json')
  rmSync(recordPath, { force: true })
  for (const stale of existing.files) if (!files.has(stale)) rmSync(join(directory, stale), { force: true })
  writeAll(directory, files, stored)
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

function inspect(
  directory: string,
  configurationHash: string,
  force: boolean,
): 'absent' | { readonly files: readonly string[] } {
  if (!existsSync(directory)) return 'absent'
  if (!lstatSync(directory).isDirectory() && !isDirectoryLink(directory)) {
    throw usageError(`the output directory ${directory} is a file`, {
      where: '--out',
      hint: 'Name another directory with --out.',
    })
  }
  if (readdirSync(directory).length === 0) return 'absent'
  const previous = readRecord(directory)
  if (previous === undefined && !force) {
    throw usageError(`the output directory ${directory} is not empty and holds no complete xgen run`, {
      where: '--out',
      hint: 'Name another directory with --out, or write into this one with --force.',
    })
  }
  if (previous !== undefined && previous.configurationHash !== configurationHash && !force) {
    throw usageError(`the output directory ${directory} belongs to another configuration`, {
      where: '--out',
      hint: 'Name another directory with --out, or replace its generated files with --force.',
    })
  }
  return {
    files: previous?.files.filter((name) => !name.startsWith('/') && !name.split('/').includes('..')) ?? [],
  }
}

const isDirectoryLink = (path: string) => lstatSync(path).isSymbolicLink() && existsSync(join(path, '.'))

function readRecord(directory: string): { configurationHash: string; files: readonly string[] } | undefined {
  try {
    const record = JSON.parse(readFileSync(join(directory, 'run.json'), 'utf8')) as Partial<StoredRecord>
    const files = Array.isArray(record.files)
      ? record.files.filter((name): name is string => typeof name === 'string')
      : []
    return typeof record.configurationHash === 'string'
      ? { configurationHash: record.configurationHash, files }
      : undefined
  } catch {
    return undefined
  }
}
