import { createWriteStream, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { XgenError } from '../../base/errors.ts'
import type { Progress } from '../../base/progress.ts'
import { type DataFile, type DataSet, type FileSet, filesOf } from './catalogue.ts'
import { dataDirectory, filePath, readDataFile } from './store.ts'

export interface FetchOptions {
  readonly progress: Progress
  readonly signal: AbortSignal
  /** Refuse to use the network. */
  readonly offline: boolean
  readonly directory?: string
}

/** Silence on the line for this long is a failure. */
const stallMilliseconds = 60_000

/** Fetches the files of a data set that are not there yet, and checks their contents. Returns the names of those fetched. */
export const fetchDataSet = (set: DataSet, options: FetchOptions): Promise<readonly string[]> =>
  fetchFiles({ name: set.name, url: set.url, files: filesOf(set) }, options)

/** The same for any files. */
export async function fetchFiles(set: FileSet, options: FetchOptions): Promise<readonly string[]> {
  const directory = options.directory ?? dataDirectory()
  const missing = set.files.filter((file) => !existsSync(filePath(set, file, directory)))
  if (missing.length > 0 && options.offline) {
    throw new XgenError(
      'data',
      `${set.name} is not complete in ${directory}: ${missing.map((file) => file.name).join(', ')} missing`,
      {
        hint: 'Run without --offline, or set XGEN_DATA_DIR to a directory that has it.',
      },
    )
  }
  for (const file of missing) await fetchFile(set, file, directory, options)
  return missing.map((file) => file.name)
}

async function fetchFile(
  set: FileSet,
  file: DataFile,
  directory: string,
  { progress, signal }: FetchOptions,
): Promise<void> {
  const url = `${set.url}${file.name}`
  const path = filePath(set, file, directory)
  const part = `${path}.part`
  prepareDirectory(dirname(path))
  progress.step(`fetching ${set.name}/${file.name}`)
  const start = existsSync(part) ? statSync(part).size : 0
  await download(url, part, start, progress, signal)
  renameSync(part, path)
  try {
    readDataFile(set, file, directory)
  } catch (error) {
    rmSync(path, { force: true })
    throw error
  }
  progress.done(`${statSync(path).size} bytes, contents checked`)
}

function prepareDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true })
  } catch (cause) {
    throw new XgenError('usage', `cannot make the directory ${directory}: ${(cause as Error).message}`, {
      hint: 'Set XGEN_DATA_DIR to a directory that you may write to.',
      cause,
    })
  }
}

/** Appends to what an earlier, interrupted download left; starts over where the server cannot. */
async function download(
  url: string,
  part: string,
  start: number,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const stall = new AbortController()
  let timer = setTimeout(() => stall.abort(), stallMilliseconds)
  try {
    const headers: Record<string, string> = start > 0 ? { range: `bytes=${start}-` } : {}
    const response = await fetch(url, { headers, signal: AbortSignal.any([signal, stall.signal]) })
    if (response.status === 416) {
      rmSync(part, { force: true })
      throw new Error('what is left of an earlier download does not fit; it has been removed, so try again')
    }
    if (!response.ok || response.body === null)
      throw new Error(`the server answered ${response.status} ${response.statusText}`)
    const resumed = response.status === 206
    let done = resumed ? start : 0
    const length = Number(response.headers.get('content-length') ?? 0)
    progress.step(`fetching ${url}`, length > 0 ? done + length : undefined)
    const counted = Readable.fromWeb(response.body as import('node:stream/web').ReadableStream).map(
      (chunk: Uint8Array) => {
        clearTimeout(timer)
        timer = setTimeout(() => stall.abort(), stallMilliseconds)
        progress.update((done += chunk.length), 'bytes')
        return chunk
      },
    )
    await pipeline(counted, createWriteStream(part, { flags: resumed ? 'a' : 'w' }))
  } catch (cause) {
    if (signal.aborted) throw signal.reason
    const why = stall.signal.aborted ? 'nothing came for a minute' : reasonOf(cause as Error)
    throw new XgenError('data', `cannot fetch ${url}: ${why}`, {
      hint: 'Run the command again: it goes on where it stopped. Or put the files there yourself ("xgen data path").',
      cause,
    })
  } finally {
    clearTimeout(timer)
  }
}

function reasonOf(error: Error): string {
  const cause = error.cause instanceof Error ? error.cause.message : undefined
  return cause === undefined || cause === '' ? error.message : cause
}
