import { randomBytes } from 'node:crypto'
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { dataError, usageError, XgenError } from './errors.ts'

/** The directory of xgen's own package.json: templates and nets lie below it, in a checkout and when installed. */
export const packageRoot: string = (() => {
  let directory = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(directory, 'templates'))) {
    const above = dirname(directory)
    if (above === directory) throw new XgenError('internal', 'xgen cannot find its own templates directory')
    directory = above
  }
  return directory
})()

/**
 * A name beside a path that nobody else has: random, since a directory may be shared by threads, containers and machines,
 * whose process numbers repeat.
 */
export const temporaryName = (path: string): string => `${path}.${randomBytes(9).toString('hex')}.part`

/** Whether `name` is a temporary name that was made for `path`. */
export const isTemporaryNameOf = (path: string, name: string): boolean =>
  name.startsWith(`${path}.`) && /^[0-9a-f]{18}\.part$/.test(name.slice(path.length + 1))

/**
 * Makes a directory and what is missing above it. Not by Node's recursive mkdir, which never ends where the system pretends that
 * a directory is there (/proc): the nearest directory that exists must admit new entries, then each step is made once.
 */
export function makeDirectory(path: string): void {
  const missing: string[] = []
  let at = resolve(path)
  for (; !existsSync(at); at = dirname(at)) {
    missing.push(at)
    if (dirname(at) === at) break
  }
  try {
    if (!statSync(at).isDirectory()) throw new Error(`${at} is no directory`)
    if (missing.length > 0) accessSync(at, constants.W_OK)
    for (const step of missing.reverse()) makeOne(step)
  } catch (cause) {
    throw usageError(`cannot make the directory ${path}: ${(cause as Error).message}`, {
      hint: 'Choose a directory that you may write to (--out).',
      cause,
    })
  }
}

/** Another process may make the same one at the same time. */
function makeOne(path: string): void {
  try {
    mkdirSync(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST' || !existsSync(path)) throw cause
  }
}

/** That a file can be written at a path, before long work that it is the result of. Parent directories are made. */
export function checkWritable(path: string): void {
  makeDirectory(dirname(path))
  if (existsSync(path) && statSync(path).isDirectory())
    throw usageError(`${path} is a directory`, { hint: 'Name the file to write.' })
  try {
    accessSync(dirname(path), constants.W_OK)
  } catch (cause) {
    throw usageError(`cannot write into ${dirname(path)}: ${(cause as Error).message}`, {
      hint: 'Choose a place that you may write to.',
      cause,
    })
  }
}

/** Writes a file whole or not at all: to a temporary name beside it, then renamed. Parent directories are made. */
export function writeFileAtomically(path: string, contents: string | Uint8Array): void {
  makeDirectory(dirname(path))
  const temporary = temporaryName(path)
  try {
    const descriptor = openSync(temporary, 'wx')
    try {
      const bytes = typeof contents === 'string' ? Buffer.from(contents) : contents
      for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(temporary, path)
  } catch (cause) {
    removeQuietly(temporary)
    const taken = (cause as NodeJS.ErrnoException).code === 'EISDIR'
    throw new XgenError(
      'usage',
      `cannot write ${path}: ${taken ? 'it is a directory' : (cause as Error).message}`,
      {
        hint: taken ? 'Name a file.' : 'Choose a place that you may write to.',
        cause,
      },
    )
  }
}

/** Where a file cannot be written, it can often not be looked for either. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {}
}

/** Reads a file that the user named; a missing or unreadable one is an error that says which. */
export function readInput(path: string, what: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw dataError(`${what} ${path} ${whyUnread(cause as NodeJS.ErrnoException)}`, { cause })
  }
}

function whyUnread({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'does not exist'
  if (code === 'EISDIR') return 'is a directory: name a file'
  return `cannot be read: ${message}`
}
