import { createHash } from 'node:crypto'
import { createReadStream, existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { createGunzip } from 'node:zlib'
import { dataError } from '../../base/errors.ts'
import { readInput } from '../../base/files.ts'
import { openZip } from '../../base/zip.ts'
import type { Archive } from './catalogue.ts'
import { download, type FetchOptions, prepareDirectory } from './download.ts'
import { tarEntries } from './tar.ts'

/** Bytes of an archive whose size is not published. */
const mostUnpublished = 2 ** 30

/**
 * Fetches an archive, checks it and unpacks it into `directory`, which then is complete: until then it is a `.part` beside it. The
 * archive is not kept. Returns its name.
 */
export async function fetchArchive(
  archive: Archive,
  directory: string,
  options: FetchOptions,
): Promise<readonly string[]> {
  const { progress } = options
  if (existsSync(directory))
    throw dataError('is there and not complete: it is not written over', {
      where: directory,
      hint: 'Remove it, or put the missing files there.',
    })
  const name = basename(new URL(archive.url).pathname)
  const packed = join(dirname(directory), `${basename(directory)}.${archive.format}.part`)
  prepareDirectory(dirname(directory))
  const complete = archive.published !== undefined && sizeOf(packed) === archive.published.bytes
  if (!complete) {
    progress.step(`fetching ${name}`)
    await download(
      { url: archive.url, part: packed, most: archive.published?.bytes ?? mostUnpublished },
      options,
    )
    progress.done(`${sizeOf(packed)} bytes`)
  }
  await checkArchive(archive, packed)
  const part = `${directory}.part`
  rmSync(part, { recursive: true, force: true })
  progress.step(`unpacking ${name}`)
  const files = await unpack(archive, packed, part, options)
  progress.done(`${files} files`)
  renameSync(part, directory)
  rmSync(packed, { force: true })
  return [name]
}

const sizeOf = (path: string): number | undefined => (existsSync(path) ? statSync(path).size : undefined)

async function checkArchive({ url, published }: Archive, packed: string): Promise<void> {
  if (published === undefined) return
  const hash = createHash(published.algorithm)
  for await (const chunk of createReadStream(packed)) hash.update(chunk as Buffer)
  const [digest, bytes] = [hash.digest('hex'), sizeOf(packed)]
  if (bytes === published.bytes && digest === published.digest) return
  rmSync(packed, { force: true })
  throw dataError(
    `${url} gives ${bytes} bytes with the ${published.algorithm} digest ${digest}; published are ${published.bytes} with ${published.digest}`,
    { hint: 'It was not kept. Try again later, or put the files there yourself ("xgen data path").' },
  )
}

/** Writes the files that are kept; returns how many. Paths are those that `keep` knows: none leaves the directory. */
async function unpack(archive: Archive, packed: string, to: string, options: FetchOptions): Promise<number> {
  const { strip, keep } = archive
  const kept = (path: string): string | undefined => {
    const parts = path.replace(/^\.\//, '').split('/').slice(strip)
    const short = parts.join('/')
    return keep.test(short) && !parts.includes('..') ? short : undefined
  }
  const made = new Set<string>()
  let files = 0
  for await (const { path, contents } of entriesOf(archive, packed, (path) => kept(path) !== undefined)) {
    if (options.signal.aborted) throw options.signal.reason
    const target = join(to, kept(path)!)
    const parent = dirname(target)
    if (!made.has(parent)) mkdirSync(parent, { recursive: true })
    made.add(parent)
    writeFileSync(target, contents)
    options.progress.update(++files, 'files')
  }
  if (files === 0)
    throw dataError(`${archive.url} holds none of the files that xgen knows`, { where: packed })
  return files
}

interface Unpacked {
  readonly path: string
  readonly contents: Uint8Array
}

async function* entriesOf(
  { format, url, mostBytes, mostFiles }: Archive,
  packed: string,
  wanted: (path: string) => boolean,
): AsyncGenerator<Unpacked> {
  if (format === 'zip') {
    const bounds = { mostEntries: mostFiles, mostUnpacked: mostBytes }
    for (const member of openZip(readInput(packed, 'archive'), packed, bounds))
      if (wanted(member.name)) yield { path: member.name, contents: member.unpack() }
    return
  }
  const plain = createGunzip()
  const source = createReadStream(packed)
  source.on('error', (error) => plain.destroy(error))
  try {
    yield* tarEntries(source.pipe(plain), packed, { mostBytes, mostFiles }, wanted)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code?.startsWith('Z_') !== true) throw cause
    throw dataError(`what ${url} gives cannot be unpacked: ${(cause as Error).message}`, {
      hint: 'Fetch it again.',
      cause,
    })
  } finally {
    source.destroy()
    plain.destroy()
  }
}
