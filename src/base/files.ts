import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { dataError, XgenError } from './errors.ts'

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

/** Writes a file whole or not at all: to a temporary name beside it, then renamed. Parent directories are made. */
export function writeFileAtomically(path: string, contents: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true })
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
    rmSync(temporary, { force: true })
    throw new XgenError('usage', `cannot write ${path}: ${(cause as Error).message}`, {
      hint: 'Choose a directory that you may write to (--out).',
      cause,
    })
  }
}

/** Reads a file that the user named; a missing or unreadable one is an error that says which. */
export function readInput(path: string, what: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    throw dataError(
      `${what} ${path} ${missing ? 'does not exist' : `cannot be read: ${(cause as Error).message}`}`,
      { cause },
    )
  }
}
