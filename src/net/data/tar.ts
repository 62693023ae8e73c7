import { dataError } from '../../base/errors.ts'

/** A regular file in an archive. */
export interface TarEntry {
  readonly path: string
  readonly contents: Uint8Array
}

export interface TarBounds {
  /** Bytes of one file, of all, and the number of files. */
  readonly mostBytes: number
  readonly mostFiles: number
}

const block = 512

/** Entries with a longer path than this are none of ours. */
const longestPath = 4096

/**
 * The regular files of a tar archive that comes in chunks (ustar, and the long names of GNU and pax); links, devices and directories are
 * passed over. `wanted` decides by the path whether contents are kept; others are passed over without being stored.
 */
export async function* tarEntries(
  chunks: AsyncIterable<Uint8Array>,
  file: string,
  bounds: TarBounds,
  wanted: (path: string) => boolean,
): AsyncGenerator<TarEntry> {
  const broken = (what: string) =>
    dataError(`is no valid tar archive: ${what}`, { where: file, hint: 'Is it truncated? Fetch it again.' })
  const source = reader(chunks, () => broken('it ends in the middle of a file'))
  let longName: string | undefined
  let [files, total] = [0, 0]
  for (;;) {
    const header = await source.take(block, true)
    if (header === undefined || header.every((byte) => byte === 0)) return
    checkSum(header, broken)
    const size = sizeOf(header, broken)
    const type = String.fromCharCode(header[156]!)
    const padded = Math.ceil(size / block) * block
    if (type === 'L' || type === 'x') {
      if (size > longestPath * 2) throw broken(`a name of ${size} bytes`)
      const text = textOf((await source.take(padded))!.subarray(0, size))
      const long = type === 'L' ? text.replace(/\0.*$/s, '') : /^\d+ path=(.*)$/m.exec(text)?.[1]
      longName = long ?? longName
      continue
    }
    const path = longName ?? pathOf(header)
    longName = undefined
    const regular = type === '0' || type === '\0'
    if (regular) {
      total += size
      if (++files > bounds.mostFiles) throw broken(`it has more than ${bounds.mostFiles} files`)
      if (total > bounds.mostBytes) throw broken(`it unpacks to more than ${bounds.mostBytes} bytes`)
    }
    if (regular && wanted(path)) {
      yield { path, contents: (await source.take(padded))!.slice(0, size) }
    } else await source.skip(padded)
  }
}

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

const fieldOf = (header: Uint8Array, from: number, length: number) =>
  textOf(header.subarray(from, from + length)).replace(/\0.*$/s, '')

function pathOf(header: Uint8Array): string {
  const name = fieldOf(header, 0, 100)
  const prefix = fieldOf(header, 257, 5) === 'ustar' ? fieldOf(header, 345, 155) : ''
  return prefix === '' ? name : `${prefix}/${name}`
}

/** Octal digits; sizes above 8 GiB, which are written in base 256, are none of ours. */
function sizeOf(header: Uint8Array, broken: (what: string) => Error): number {
  const text = fieldOf(header, 124, 12).trim()
  if (!/^[0-7]{1,11}$/.test(text)) throw broken(`a file of "${text.slice(0, 20)}" bytes`)
  return Number.parseInt(text, 8)
}

function checkSum(header: Uint8Array, broken: (what: string) => Error): void {
  let sum = 0
  for (let i = 0; i < block; i++) sum += i >= 148 && i < 156 ? 32 : header[i]!
  if (Number.parseInt(fieldOf(header, 148, 8).trim(), 8) !== sum) throw broken('the checksum of a header')
}

/** Takes and skips bytes of a stream. */
function reader(chunks: AsyncIterable<Uint8Array>, cutOff: () => Error) {
  const iterator = chunks[Symbol.asyncIterator]()
  let rest: Uint8Array = new Uint8Array(0)
  /** More bytes in `rest`; false at the end. */
  const more = async (): Promise<boolean> => {
    const next = await iterator.next()
    if (next.done === true) return false
    rest = next.value
    return true
  }
  return {
    /** So many bytes. At the end of the stream an error, or undefined where it may end. */
    async take(length: number, mayEnd = false): Promise<Uint8Array | undefined> {
      const parts: Uint8Array[] = []
      let missing = length
      while (missing > 0) {
        if (rest.length === 0 && !(await more())) {
          if (mayEnd && missing === length) return undefined
          throw cutOff()
        }
        const part = rest.subarray(0, missing)
        rest = rest.subarray(part.length)
        missing -= part.length
        parts.push(part)
      }
      return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
    },
    async skip(length: number): Promise<void> {
      for (let missing = length; missing > 0; ) {
        if (rest.length === 0 && !(await more())) throw cutOff()
        const part = Math.min(missing, rest.length)
        rest = rest.subarray(part)
        missing -= part
      }
    },
  }
}
