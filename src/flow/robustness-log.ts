import { appendFileSync, existsSync, readFileSync, truncateSync } from 'node:fs'
import { dirname } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { dataError, usageError } from '../base/errors.ts'
import { makeDirectory } from '../base/files.ts'
import { canonicalJson } from '../base/hash.ts'
import type { Point, StudiedPoint } from './robustness.ts'

/** Everything that a study's points depend on, but for what is swept. */
export type StudyIdentity = Readonly<Record<string, string | number>>

const format = 'xgen-robustness-1'

/** The points that have been measured. */
export interface StudyLog {
  find(point: Point): StudiedPoint | undefined
  /** Kept before it returns. */
  add(point: StudiedPoint): void
}

/** Opens or begins the log: a line that says of what, and one a point. A last line that was cut off is taken away. */
export function openLog(path: string, identity: StudyIdentity): StudyLog {
  const points = new Map<string, StudiedPoint>()
  const lines = existsSync(path) ? wholeLines(path) : []
  if (lines.length === 0) {
    makeDirectory(dirname(path))
    appendFileSync(path, `${JSON.stringify({ format, ...identity })}\n`)
  } else {
    const [head, ...rest] = lines.map((line, i) => parse(line, `${path}:${i + 1}`))
    if ((head as Partial<StudyIdentity> | null)?.['format'] !== format)
      throw dataError('is no log of a robustness study', { where: path })
    const changed = Object.keys(identity).find(
      (key) => !isDeepStrictEqual((head as StudyIdentity)[key], identity[key]),
    )
    if (changed !== undefined)
      throw usageError(
        `holds a study of other ${changed}: ${(head as StudyIdentity)[changed]} instead of ${identity[changed]}`,
        { where: path, hint: 'Name another directory with --out.' },
      )
    for (const point of rest as StudiedPoint[]) points.set(keyOf(point), point)
  }
  return {
    find: (point) => points.get(keyOf(point)),
    add: (point) => {
      appendFileSync(path, `${JSON.stringify(point)}\n`)
      points.set(keyOf(point), point)
    },
  }
}

const keyOf = ({ weights, activations, multipliers, files }: Point): string =>
  canonicalJson([weights, activations, multipliers, files ?? {}])

function wholeLines(path: string): string[] {
  const bytes = readFileSync(path)
  const end = bytes.lastIndexOf(0x0a) + 1
  if (end < bytes.length) truncateSync(path, end)
  return bytes.subarray(0, end).toString('utf8').split('\n').slice(0, -1)
}

function parse(line: string, where: string): unknown {
  try {
    return JSON.parse(line)
  } catch (cause) {
    throw dataError(`is no JSON: ${(cause as Error).message}`, { where, cause })
  }
}
