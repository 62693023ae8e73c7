import { crc32, inflateRawSync } from 'node:zlib'
import { dataError } from './errors.ts'

export interface ZipEntry {
  readonly name: string
  readonly contents: Uint8Array
}

/** A file in an archive, not yet unpacked. */
export interface ZipMember {
  readonly name: string
  /** Bytes unpacked, as the directory states them. */
  readonly size: number
  /** Its contents; an error where they are not `size` bytes. */
  unpack(): Uint8Array
}

/** What an archive may have. Above 65,534 entries, archives of the kind ZIP64 are read; their files are below 4 GiB all the same. */
export interface ZipBounds {
  /** Bytes of all files together, unpacked. */
  readonly mostUnpacked: number
  readonly mostEntries: number
}

const usual: ZipBounds = { mostUnpacked: 2 ** 30, mostEntries: 65534 }

/**
 * The directory of a ZIP archive of stored or deflated files. No encryption. All of it is checked before anything is
 * unpacked: sizes by themselves and together, names that come twice, and files that lie over each other. Unpacking stops at the size
 * that the directory states.
 */
export function openZip(
  bytes: Uint8Array,
  file: string,
  { mostUnpacked, mostEntries }: ZipBounds = usual,
): ZipMember[] {
  const broken = (what: string) =>
    dataError(`is no valid zip archive: ${what}`, {
      where: file,
      hint: 'Is it truncated? Write it again.',
    })
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = endOfDirectory(view)
  if (end === undefined) throw broken('its directory is missing')
  const { count, directory, zip64 } = directoryAt(view, end)
  if (zip64 && mostEntries <= usual.mostEntries) throw broken('it is a ZIP64 archive, which is not read')
  if (count > mostEntries) throw broken(`it has ${count} files; at most ${mostEntries} are read`)
  const members: ZipMember[] = []
  const places: { readonly name: string; readonly start: number; readonly end: number }[] = []
  const names = new Set<string>()
  let at = directory
  let unpacked = 0
  for (let i = 0; i < count; i++) {
    if (at + 46 > end || view.getUint32(at, true) !== 0x02014b50) throw broken('its directory is damaged')
    const flags = view.getUint16(at + 8, true)
    const method = view.getUint16(at + 10, true)
    const packed = view.getUint32(at + 20, true)
    const size = view.getUint32(at + 24, true)
    const nameLength = view.getUint16(at + 28, true)
    const start = view.getUint32(at + 42, true)
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength))
    at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true)
    if (names.has(name)) throw broken(`it holds "${name}" twice`)
    names.add(name)
    if ((flags & 1) !== 0) throw broken(`"${name}" is encrypted`)
    if (method !== 0 && method !== 8) throw broken(`"${name}" cannot be unpacked (method ${method})`)
    unpacked += size
    if (unpacked > mostUnpacked)
      throw broken(`up to "${name}" it has ${unpacked} bytes unpacked; at most ${mostUnpacked} are read`)
    if (start + 30 > bytes.length || view.getUint32(start, true) !== 0x04034b50)
      throw broken(`"${name}" lies outside of it`)
    const data = start + 30 + view.getUint16(start + 26, true) + view.getUint16(start + 28, true)
    if (data + packed > directory) throw broken(`"${name}" lies outside of it`)
    places.push({ name, start, end: data + packed })
    const raw = bytes.subarray(data, data + packed)
    const unpack = () => {
      const contents = method === 0 ? raw : inflate(raw, size)
      if (contents === undefined) throw broken(`"${name}" cannot be unpacked`)
      if (contents.length !== size)
        throw broken(`"${name}" has ${contents.length} bytes; its directory says ${size}`)
      return contents
    }
    members.push({ name, size, unpack })
  }
  places.sort((a, b) => a.start - b.start)
  places.forEach((place, i) => {
    if (i > 0 && place.start < places[i - 1]!.end)
      throw broken(`"${places[i - 1]!.name}" and "${place.name}" lie over each other`)
  })
  return members
}

/** Where the directory begins and how many files it has; a larger archive says so in a record of its own. */
function directoryAt(
  view: DataView,
  end: number,
): { readonly count: number; readonly directory: number; readonly zip64: boolean } {
  const [count, directory] = [view.getUint16(end + 10, true), view.getUint32(end + 16, true)]
  if (count !== 0xffff && directory !== 0xffffffff) return { count, directory, zip64: false }
  const locator = end - 20
  if (locator < 0 || view.getUint32(locator, true) !== 0x07064b50) return { count, directory, zip64: true }
  const record = Number(view.getBigUint64(locator + 8, true))
  if (record + 56 > locator || view.getUint32(record, true) !== 0x06064b50)
    return { count, directory, zip64: true }
  const [all, start] = [record + 32, record + 48].map((at) => Number(view.getBigUint64(at, true)))
  return { count: all!, directory: start!, zip64: true }
}

function inflate(raw: Uint8Array, size: number): Uint8Array | undefined {
  try {
    return inflateRawSync(raw, { maxOutputLength: Math.max(1, size) })
  } catch {
    return undefined
  }
}

/** The end record stands within the last 64 KiB, before a comment. */
function endOfDirectory(view: DataView): number | undefined {
  for (let at = view.byteLength - 22; at >= Math.max(0, view.byteLength - 22 - 65535); at--) {
    if (view.getUint32(at, true) === 0x06054b50) return at
  }
  return undefined
}

/** A ZIP archive of stored files, with a fixed date: the same entries give the same bytes. */
export function writeZip(entries: readonly ZipEntry[]): Uint8Array {
  const locals: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const { name, contents } of entries) {
    const nameBytes = Buffer.from(name)
    // Version 2.0, no flags, stored, 1 January 1980, checksum, both sizes, lengths of the name and of no extra field.
    const fields = Buffer.alloc(26)
    fields.writeUInt16LE(20, 0)
    fields.writeUInt16LE(0x21, 8)
    fields.writeUInt32LE(crc32(contents), 10)
    fields.writeUInt32LE(contents.length, 14)
    fields.writeUInt32LE(contents.length, 18)
    fields.writeUInt16LE(nameBytes.length, 22)
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(at, 10)
    locals.push(signature(0x04034b50), fields, nameBytes, Buffer.from(contents))
    directory.push(signature(0x02014b50), Buffer.from([20, 0]), fields, tail, nameBytes)
    at += 30 + nameBytes.length + contents.length
  }
  const end = Buffer.alloc(18)
  end.writeUInt16LE(entries.length, 4)
  end.writeUInt16LE(entries.length, 6)
  end.writeUInt32LE(
    directory.reduce((sum, part) => sum + part.length, 0),
    8,
  )
  end.writeUInt32LE(at, 12)
  return Buffer.concat([...locals, ...directory, signature(0x06054b50), end])
}

function signature(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
