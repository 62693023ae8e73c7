import { existsSync, readFileSync } from 'node:fs'
import { dataError } from '../base/errors.ts'
import { writeFileAtomically } from '../base/files.ts'
import { hashOf } from '../base/hash.ts'

/** A file that one command leaves for another: its content under its format's name, with its hash. */
export interface StoredFile {
  readonly path: string
  readonly format: string
  /** The command that writes it, such as `xgen synth`. */
  readonly command: string
}

export function writeStored({ path, format }: StoredFile, content: unknown): void {
  writeFileAtomically(path, `${JSON.stringify({ format, hash: hashOf(content), content }, null, 1)}\n`)
}

/** Its content; undefined where it is not there. What was cut off or changed is refused, so that a report shows what was measured. */
export function readStored({ path, format, command }: StoredFile): unknown {
  if (!existsSync(path)) return undefined
  let stored: { readonly format?: unknown; readonly hash?: unknown; readonly content?: unknown } | null
  try {
    stored = JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw dataError(`is no JSON: ${(cause as Error).message}`, { where: path })
  }
  const kind = (name: string) => name.replace(/-\d+$/, '')
  if (typeof stored?.format === 'string' && stored.format !== format && kind(stored.format) === kind(format))
    throw dataError(`was written by another version of xgen (${stored.format}; this one reads ${format})`, {
      where: path,
      hint: `Run ${command} again.`,
    })
  if (stored?.format !== format || stored.content === undefined || stored.hash !== hashOf(stored.content))
    throw dataError(`is not what ${command} wrote, or was changed`, {
      where: path,
      hint: `Run ${command} again.`,
    })
  return stored.content
}
