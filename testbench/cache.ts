import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { XgenError } from '../src/base/errors.ts'

/** Where built simulators are kept: XGEN_CACHE_DIR, or xgen/ in the user's cache. It may be deleted at any time. */
export function cacheDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  const { XGEN_CACHE_DIR: own, XDG_CACHE_HOME: shared } = environment
  if (own !== undefined && own !== '') return own
  return join(shared !== undefined && shared !== '' ? shared : join(homedir(), '.cache'), 'xgen')
}

/**
 * Makes a directory of the cache once, by whoever comes first: `make` fills a directory of its own, which is renamed into place when it
 * is whole. Interrupted and simultaneous makers never leave half of one. Returns whether it was there already.
 */
export async function makeOnce(
  cache: string,
  target: string,
  make: (work: string, log: (name: string) => string) => Promise<void>,
): Promise<boolean> {
  if (existsSync(target)) return true
  const scratch = openScratch(cache)
  try {
    mkdirSync(dirname(target), { recursive: true })
    await make(scratch.work, scratch.log)
    place(scratch.work, target)
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
  const unique = `${process.pid}-${temporaries++}`
  const work = join(cache, 'part', unique)
  const logs = join(cache, 'logs', unique)
  try {
    removeAbandoned(cache)
    for (const directory of [work, logs]) {
      rmSync(directory, { recursive: true, force: true })
      mkdirSync(directory, { recursive: true })
    }
  } catch (error) {
    throw unwritable(error, cache)
  }
  return {
    work,
    log: (name) => join(logs, `${name}.log`),
    forgetLogs: () => rmSync(logs, { recursive: true, force: true }),
    close: () => rmSync(work, { recursive: true, force: true }),
  }
}

let temporaries = 0

function place(work: string, target: string): void {
  try {
    renameSync(work, target)
  } catch (error) {
    // Another process was first: its result is as good.
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error
  }
}

const dayMilliseconds = 24 * 3600 * 1000

/** What a killed process could not remove. */
function removeAbandoned(cache: string): void {
  for (const kind of ['part', 'logs']) {
    const directory = join(cache, kind)
    if (!existsSync(directory)) continue
    for (const name of readdirSync(directory)) {
      const path = join(directory, name)
      const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
      if (age > dayMilliseconds) rmSync(path, { recursive: true, force: true })
    }
  }
}

function unwritable(error: unknown, cache: string): XgenError {
  return new XgenError('usage', `cannot write to the cache directory ${cache}: ${(error as Error).message}`, {
    hint: 'Name another with XGEN_CACHE_DIR.',
    cause: error,
  })
}
