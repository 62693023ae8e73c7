import { createWriteStream, existsSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { XgenError } from '../../base/errors.ts'
import type { Progress } from '../../base/progress.ts'

export interface FetchOptions {
  readonly progress: Progress
  readonly signal: AbortSignal
  /** Refuse to use the network. */
  readonly offline: boolean
  readonly directory?: string
  /** Silence on the line for this long is a failure; a minute unless given. */
  readonly stallSeconds?: number
}

export function prepareDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true })
  } catch (cause) {
    throw new XgenError('usage', `cannot make the directory ${directory}: ${(cause as Error).message}`, {
      hint: 'Set XGEN_DATA_DIR to a directory that you may write to.',
      cause,
    })
  }
}

export interface Download {
  readonly url: string
  readonly part: string
  /** More bytes are none of ours. */
  readonly most: number
}

/** Appends to what an earlier, interrupted download left; starts over where the server cannot, or where that does not fit. */
export async function download(
  { url, part, most }: Download,
  { progress, signal, stallSeconds = 60 }: FetchOptions,
): Promise<void> {
  const stall = new AbortController()
  const wait = () => setTimeout(() => stall.abort(), stallSeconds * 1000)
  let timer = wait()
  const ask = (start: number) =>
    fetch(url, {
      headers: start > 0 ? { range: `bytes=${start}-` } : {},
      signal: AbortSignal.any([signal, stall.signal]),
    })
  try {
    const start = existsSync(part) ? statSync(part).size : 0
    const first = await ask(start)
    const unfit = first.status === 416 && start > 0
    if (unfit) await first.body?.cancel()
    const response = unfit ? await ask(0) : first
    if (!response.ok || response.body === null)
      throw new Error(`the server answered ${response.status} ${response.statusText}`)
    const resumed = response.status === 206
    let done = resumed ? start : 0
    const length = Number(response.headers.get('content-length') ?? 0)
    const checkSize = (bytes: number) => {
      if (bytes > most) throw new TooLarge(`${bytes} bytes are more than the file has`)
    }
    checkSize(done + length)
    progress.step(`fetching ${url}`, length > 0 ? done + length : undefined)
    const counted = Readable.fromWeb(response.body as import('node:stream/web').ReadableStream).map(
      (chunk: Uint8Array) => {
        clearTimeout(timer)
        timer = wait()
        progress.update((done += chunk.length), 'bytes')
        checkSize(done)
        return chunk
      },
    )
    await pipeline(counted, createWriteStream(part, { flags: resumed ? 'a' : 'w' }))
  } catch (cause) {
    // what is there is no beginning of the file
    if (cause instanceof TooLarge) rmSync(part, { force: true })
    if (signal.aborted) throw signal.reason
    const why = stall.signal.aborted ? `nothing came for ${stallSeconds} s` : reasonOf(cause as Error)
    throw new XgenError('data', `cannot fetch ${url}: ${why}`, {
      hint: 'Run the command again: it goes on where it stopped. Or put the files there yourself ("xgen data path").',
      cause,
    })
  } finally {
    clearTimeout(timer)
  }
}

class TooLarge extends Error {}

function reasonOf(error: Error): string {
  const cause = error.cause instanceof Error ? error.cause.message : undefined
  return cause === undefined || cause === '' ? error.message : cause
}
