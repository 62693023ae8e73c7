import { closeSync, fstatSync, lstatSync, openSync, readSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { dataError } from '../../base/errors.ts'

/** Where a tensor's values lie outside the model's file, as the file says: `location`, `offset`, `length`. */
export interface ExternalPlace {
  readonly entries: ReadonlyMap<string, string>
}

interface Owner {
  readonly file: string
  /** Of the model: external files lie in it or below. */
  readonly directory: string
  /** Of the tensor. */
  readonly name: string
}

/**
 * The `size` bytes of a tensor that lies in another file. A model may come from anywhere, so it only names files in its own directory
 * or below: no absolute path, no step upward, and no link on the way.
 */
export function readExternal({ entries }: ExternalPlace, size: number, owner: Owner): Uint8Array {
  const fail = (what: string) =>
    dataError(`tensor "${owner.name}" lies in another file, and ${what}`, {
      where: owner.file,
      hint: 'External data are read from the directory of the model and below it: put the file there.',
    })
  const location = entries.get('location') ?? ''
  const path = safePath(location, owner.directory)
  if (path === undefined)
    throw fail(`the name "${location.slice(0, 100)}" leads out of the model's directory`)
  const [offset, length] = [whole(entries.get('offset') ?? '0'), whole(entries.get('length') ?? String(size))]
  if (offset === undefined || length === undefined) throw fail('its place is no whole number')
  if (length !== size) throw fail(`has ${length} bytes there, where its shape needs ${size}`)
  const link = linkOnTheWay(location, owner.directory)
  if (link !== undefined) throw fail(`"${link}" is a link`)
  // Opening a pipe would wait for somebody to write to it.
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile() === false) throw fail(`"${location}" is no file`)
  let descriptor: number
  try {
    descriptor = openSync(path, 'r')
  } catch (cause) {
    throw dataError(`tensor "${owner.name}" lies in "${location}", which cannot be read`, {
      where: owner.file,
      hint: 'Put the file beside the model.',
      cause,
    })
  }
  try {
    const stat = fstatSync(descriptor)
    if (!stat.isFile()) throw fail(`"${location}" is no file`)
    if (offset + length > stat.size)
      throw fail(`"${location}" has ${stat.size} bytes, where ${offset + length} are needed`)
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; ) {
      const read = readSync(descriptor, bytes, at, length - at, offset + at)
      if (read === 0) throw fail(`"${location}" ends too early`)
      at += read
    }
    return bytes
  } finally {
    closeSync(descriptor)
  }
}

/** The path of a file in a directory or below it; undefined for a name that could lead elsewhere. */
function safePath(location: string, directory: string): string | undefined {
  const steps = location.split('/')
  const strange = isAbsolute(location) || /[\\\0:]/.test(location)
  if (strange || steps.some((step) => step === '..' || step === '')) return undefined
  return join(directory, location)
}

function linkOnTheWay(location: string, directory: string): string | undefined {
  let at = directory
  for (const step of location.split('/')) {
    at = join(at, step)
    if (lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink() === true) return step
  }
  return undefined
}

function whole(text: string): number | undefined {
  const value = Number(text)
  return /^\d{1,16}$/.test(text) && Number.isSafeInteger(value) ? value : undefined
}
