import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { dataError, XgenError } from '../../base/errors.ts'
import { readInput } from '../../base/files.ts'
import { sha256 } from '../../base/hash.ts'
import { type DataFile, type DataSet, type DataSplit, filesOf } from './catalogue.ts'
import { parseIdx } from './idx.ts'

/** Images of one shape, a byte a pixel, with the index of their class. */
export interface ImageSet {
  readonly shape: readonly [channels: number, height: number, width: number]
  readonly count: number
  /** [image][channel][y][x]; the real value is byte / 255. */
  readonly images: Uint8Array
  readonly labels: Uint8Array
}

export type SplitName = 'train' | 'validation' | 'test'

type Named = Pick<DataSet, 'name'>

/** Where data sets lie: XGEN_DATA_DIR, or the user's cache. */
export function dataDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  const named = environment['XGEN_DATA_DIR']
  if (named !== undefined && named !== '') return named
  const cache = environment['XDG_CACHE_HOME']
  return join(cache !== undefined && cache !== '' ? cache : join(homedir(), '.cache'), 'xgen')
}

export function filePath(set: Named, file: DataFile, directory = dataDirectory()): string {
  return join(directory, set.name, file.name)
}

/** Whether all files of a data set are there (not whether they are whole). */
export function isPresent(set: DataSet, directory = dataDirectory()): boolean {
  return filesOf(set).every((file) => existsSync(filePath(set, file, directory)))
}

/** The decompressed contents of a file, checked against the published digest. */
export function readDataFile(set: Named, file: DataFile, directory = dataDirectory()): Uint8Array {
  const path = filePath(set, file, directory)
  const hint = `Fetch it with "xgen data fetch ${set.name}", or set XGEN_DATA_DIR to the directory that holds ${set.name}/${file.name}.`
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

/** A split of a data set. `train` is what is left without the validation images. */
export function loadSplit(set: DataSet, split: SplitName, directory = dataDirectory()): ImageSet {
  const whole = loadFiles(set, split === 'test' ? set.test : set.train, directory)
  if (split === 'test') return whole
  const boundary = whole.count - set.validation
  return split === 'train' ? slice(whole, 0, boundary) : slice(whole, boundary, whole.count)
}

function loadFiles(set: DataSet, files: DataSplit, directory: string): ImageSet {
  const images = parseIdx(readDataFile(set, files.images, directory), filePath(set, files.images, directory))
  const labels = parseIdx(readDataFile(set, files.labels, directory), filePath(set, files.labels, directory))
  return { shape: set.shape, count: files.count, images: images.data, labels: labels.data }
}

/** Images from..until-1, sharing memory. */
export function slice(set: ImageSet, from: number, until: number): ImageSet {
  const size = set.shape[0] * set.shape[1] * set.shape[2]
  return {
    shape: set.shape,
    count: until - from,
    images: set.images.subarray(from * size, until * size),
    labels: set.labels.subarray(from, until),
  }
}

/** One image's bytes. */
export function imageAt(set: ImageSet, index: number): Uint8Array {
  const size = set.shape[0] * set.shape[1] * set.shape[2]
  return set.images.subarray(index * size, (index + 1) * size)
}

/** Bytes as real values in [0, 1]. */
export function realImage(bytes: Uint8Array): Float32Array {
  return Float32Array.from(bytes, (byte) => byte / 255)
}
