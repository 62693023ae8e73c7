import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { dataError, invariant, XgenError } from '../../base/errors.ts'
import { readInput } from '../../base/files.ts'
import { sha256 } from '../../base/hash.ts'
import { type DataFile, type DataSet, directoryNameOf, filesOf, type ImageShape } from './catalogue.ts'

/** Images of one shape (or features of sound, which are shaped like them), with the index of their class. */
export interface ImageSet {
  readonly shape: ImageShape
  readonly count: number
  /** [image][channel][y][x] */
  readonly images: Uint8Array | Int8Array | Float32Array
  readonly labels: Uint8Array | Uint16Array
  /** What the stored values mean. Absent: real = value / 255, as for bytes. */
  readonly encoding?: Encoding
}

/** Images that are stored as bytes. */
export interface ByteImages extends ImageSet {
  readonly images: Uint8Array
}

/** real = value * scale + offset, with a pair for each channel. */
export interface Encoding {
  readonly scale: readonly number[]
  readonly offset: readonly number[]
}

/** Where a set's files lie below the data directory. */
type Located = { readonly name: string } | DataSet

/** Where data sets lie: XGEN_DATA_DIR, or the user's cache. */
export function dataDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  const named = environment['XGEN_DATA_DIR']
  if (named !== undefined && named !== '') return named
  const cache = environment['XDG_CACHE_HOME']
  return join(cache !== undefined && cache !== '' ? cache : join(homedir(), '.cache'), 'xgen')
}

const directoryIn = (set: Located, directory: string): string =>
  resolve(directory, 'kind' in set ? directoryNameOf(set) : set.name)

export function filePath(set: Located, file: Pick<DataFile, 'name'>, directory = dataDirectory()): string {
  return join(directoryIn(set, directory), file.name)
}

/** The directory of a data set. */
export const setDirectory = (set: DataSet, directory = dataDirectory()): string => directoryIn(set, directory)

/** Whether all files of a data set are there (not whether they are whole); of recordings and pictures, what they begin with. */
export function isPresent(set: DataSet, directory = dataDirectory()): boolean {
  return markersOf(set).every((name) => existsSync(filePath(set, { name }, directory)))
}

function markersOf(set: DataSet): readonly string[] {
  switch (set.kind) {
    case 'recordings':
      return set.layout === 'digits' ? ['recordings'] : ['testing_list.txt', 'validation_list.txt']
    case 'folders':
      return set.layout === 'tiny' ? ['wnids.txt', 'val/val_annotations.txt'] : ['val']
    default:
      return filesOf(set).map(({ name }) => name)
  }
}

/** The decompressed contents of a file, checked against the published digest. */
export function readDataFile(set: Located, file: DataFile, directory = dataDirectory()): Uint8Array {
  const path = filePath(set, file, directory)
  const hint = `Fetch it with "xgen data fetch ${set.name}", or set XGEN_DATA_DIR to the directory that holds ${basename(directoryIn(set, directory))}/${file.name}.`
  if (!existsSync(path)) throw dataError('does not exist', { where: path, hint })
  return readChecked(path, file, `Delete it and fetch it again. ${hint}`)
}

/** The same of a file that lies at any path, with what to do where it is not what was published. */
export function readChecked(path: string, file: DataFile, hint: string): Uint8Array {
  const bytes = readInput(path, 'data file')
  const contents = file.name.endsWith('.gz') ? unzip(bytes, file, path, hint) : bytes
  if (contents.length !== file.bytes) {
    throw dataError(`holds ${contents.length} bytes; expected are ${file.bytes}`, { where: path, hint })
  }
  if (file.sha256 === undefined) return contents
  const digest = sha256(contents)
  if (digest !== file.sha256) {
    throw dataError(`is corrupt: SHA-256 of its contents is ${digest}, expected ${file.sha256}`, {
      where: path,
      hint,
    })
  }
  return contents
}

function unzip(bytes: Uint8Array, file: DataFile, path: string, hint: string): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: file.bytes + 1 })
  } catch (cause) {
    const larger = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    const why = larger ? `it unpacks to more than ${file.bytes} bytes` : (cause as Error).message
    throw new XgenError('data', `is truncated or corrupt: ${why}`, {
      where: path,
      hint,
      cause,
    })
  }
}

/** Images from..until-1, sharing memory. */
export function slice(set: ImageSet, from: number, until: number): ImageSet {
  const size = imageSize(set)
  return {
    ...set,
    count: until - from,
    images: set.images.subarray(from * size, until * size),
    labels: set.labels.subarray(from, until),
  }
}

const imageSize = ({ shape }: ImageSet): number => shape[0] * shape[1] * shape[2]

/** One image's stored values. */
export function imageAt<S extends ImageSet>(set: S, index: number): S['images'] {
  const size = imageSize(set)
  return set.images.subarray(index * size, (index + 1) * size)
}

/** One image's bytes; for sets that are stored so. */
export function bytesAt(set: ImageSet, index: number): Uint8Array {
  const image = imageAt(set, index)
  invariant(image instanceof Uint8Array, 'the images are no bytes')
  return image
}

/** Bytes as real values in [0, 1]. */
export function realImage(bytes: Uint8Array): Float32Array {
  return Float32Array.from(bytes, (byte) => byte / 255)
}

/** One image's real values. */
export function realImageAt(set: ImageSet, index: number): Float32Array {
  const values = imageAt(set, index)
  const real = realValues(set)
  const plane = set.shape[1] * set.shape[2]
  return Float32Array.from(values, (value, i) => real(value, Math.floor(i / plane)))
}

/** The real value of a stored one of a channel. */
export function realValues({ encoding }: ImageSet): (value: number, channel: number) => number {
  if (encoding === undefined) return (value) => value / 255
  const { scale, offset } = encoding
  return (value, channel) => value * scale[channel]! + offset[channel]!
}
