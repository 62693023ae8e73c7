import { readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDirectory } from '../../base/cache-directory.ts'
import { XgenError } from '../../base/errors.ts'
import { writeFileAtomically } from '../../base/files.ts'
import { sha256 } from '../../base/hash.ts'

/** Bytes that the kept features of all data sets may take; those that were not used for longest make room. */
const mostBytes = 2 ** 30

const digestBytes = 32

/** Where features are kept, and bytes that all of them may take. */
export interface FeatureCache {
  readonly directory?: string
  readonly most?: number
}

/**
 * Features under the key of all that they are made of: those that an earlier run kept, or those that `make` makes, kept for the next one.
 * A file that is not what was written is made again. A cache that cannot be written costs time, and nothing else.
 */
export function keptFeatures(
  key: string,
  length: number,
  make: () => Float32Array,
  { directory = join(cacheDirectory(), 'features'), most = mostBytes }: FeatureCache = {},
): Float32Array {
  const file = join(directory, `${key}.bin`)
  const kept = readKept(file, length)
  if (kept !== undefined) return kept
  const made = make()
  keep(file, made, directory, most)
  return made
}

function readKept(file: string, length: number): Float32Array | undefined {
  try {
    const bytes = readFileSync(file)
    const contents = bytes.subarray(digestBytes)
    if (contents.length !== 4 * length || !bytes.subarray(0, digestBytes).equals(digestOf(contents))) return
    const now = new Date()
    utimesSync(file, now, now)
    return decoded(contents, length)
  } catch {
    return undefined
  }
}

function keep(file: string, features: Float32Array, directory: string, most: number): void {
  const contents = encoded(features)
  if (contents.length + digestBytes > most) return
  try {
    writeFileAtomically(file, Buffer.concat([digestOf(contents), contents]))
    makeRoom(directory, most)
  } catch (error) {
    // a cache on a disk that is full, or belongs to somebody else
    if (!(error instanceof XgenError) && (error as NodeJS.ErrnoException).code === undefined) throw error
  }
}

/** Removes what was not used for longest, until all files together are within the bound. */
function makeRoom(directory: string, most: number): void {
  const files = readdirSync(directory)
    .filter((name) => name.endsWith('.bin'))
    .map((name) => ({ path: join(directory, name), ...sizeAndTime(join(directory, name)) }))
    .sort((a, b) => b.time - a.time)
  let taken = 0
  for (const { path, size } of files) {
    taken += size
    if (taken > most) rmSync(path, { force: true })
  }
}

/** Another process may have removed it. */
function sizeAndTime(path: string): { readonly size: number; readonly time: number } {
  const found = statSync(path, { throwIfNoEntry: false })
  return { size: found?.size ?? 0, time: found?.mtimeMs ?? 0 }
}

const digestOf = (bytes: Uint8Array): Buffer => Buffer.from(sha256(bytes), 'hex')

/** Little endian, whatever the machine. */
function encoded(features: Float32Array): Buffer {
  const bytes = Buffer.alloc(4 * features.length)
  for (const [i, value] of features.entries()) bytes.writeFloatLE(value, 4 * i)
  return bytes
}

function decoded(bytes: Buffer, length: number): Float32Array {
  const features = new Float32Array(length)
  for (let i = 0; i < length; i++) features[i] = bytes.readFloatLE(4 * i)
  return features
}
