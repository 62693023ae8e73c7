import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { XgenError } from '../base/errors.ts'
import { writeFileAtomically } from '../base/files.ts'
import { sha256 } from '../base/hash.ts'

export { cacheDirectory } from '../base/cache-directory.ts'

const digestDigits = 64
const withDigest = (text: string) => `${sha256(text)}\n${text}`

/** Keeps a value as JSON behind its digest, whole or not at all. */
export function keep(file: string, value: unknown): void {
  try {
    writeFileAtomically(file, withDigest(JSON.stringify(value)))
  } catch (error) {
    throw unwritable(error, dirname(file))
  }
}

/**
 * What an earlier run kept; undefined where there is none, or where it is not what was written: a damaged file is made again, and
 * never a wrong figure.
 */
export function readKept<T>(file: string): T | undefined {
  try {
    const kept = readFileSync(file, 'utf8')
    const text = kept.slice(digestDigits + 1)
    return kept === withDigest(text) ? (JSON.parse(text) as T) : undefined
  } catch {
    return undefined
  }
}

/**
 * Makes a directory of the cache once, by whoever comes first: `make` fills a directory of its own, which is renamed into place when it
 * is whole. Interrupted and simultaneous makers never leave half of one. It is there when its `product`, a file, is: what cleans
 * caches takes files and leaves directories. Returns whether it was there already.
 */
export async function makeOnce(
  cache: string,
  target: string,
  product: string,
  make: (work: string, log: (name: string) => string) => Promise<void>,
): Promise<boolean> {
  if (existsSync(join(target, product))) return true
  const scratch = openScratch(cache)
  try {
    mkdirSync(dirname(target), { recursive: true })
    await make(scratch.work, scratch.log)
    place(scratch.work, target, product)
    scratch.forgetLogs()
  } finally {
    scratch.close()
  }
  return false
}

/** A directory of one's own in the cache, and a place for logs that outlive it: a failure names them. */
export interface Scratch {
  readonly work: string
  log(name: string): string
  /** All went well: the logs explain nothing. */
  forgetLogs(): void
  close(): void
}

export function openScratch(cache: string): Scratch {
  try {
    const own = ownDirectory(cache, 'part')
    // One level down, with everybody's access rights: it may become part of the cache.
    const work = join(own, 'work')
    mkdirSync(work)
    const logs = ownDirectory(cache, 'logs')
    removeAbandoned(cache)
    return {
      work,
      log: (name) => join(logs, `${name}.log`),
      forgetLogs: () => rmSync(logs, { recursive: true, force: true }),
      close: () => rmSync(own, { recursive: true, force: true }),
    }
  } catch (error) {
    throw unwritable(error, cache)
  }
}

/** A new directory that nobody else has, on whichever thread, container or machine that shares the cache. */
function ownDirectory(cache: string, kind: 'part' | 'logs'): string {
  mkdirSync(join(cache, kind), { recursive: true })
  return mkdtempSync(join(cache, kind, 'x'))
}

function place(work: string, target: string, product: string): void {
  try {
    renameSync(work, target)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error
    // Another process was first, and its result is as good; or the product alone had gone from there, and comes back.
    if (!existsSync(join(target, product))) renameSync(join(work, product), join(target, product))
  }
}

const abandonedMilliseconds = 7 * 24 * 3600 * 1000

/** What a killed process could not remove, a week ago or longer. What cannot be removed stays. */
function removeAbandoned(cache: string): void {
  for (const kind of ['part', 'logs']) {
    const directory = join(cache, kind)
    for (const name of readdirSync(directory)) {
      const path = join(directory, name)
      try {
        const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
        if (age > abandonedMilliseconds) rmSync(path, { recursive: true, force: true })
      } catch {
        // Another user's, or another process removes it at this moment.
      }
    }
  }
}

function unwritable(error: unknown, cache: string): XgenError {
  return new XgenError('usage', `cannot write to the cache directory ${cache}: ${(error as Error).message}`, {
    hint: 'Name another with XGEN_CACHE_DIR.',
    cause: error,
  })
}
