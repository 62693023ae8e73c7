import { appendFileSync, existsSync, readFileSync, truncateSync } from 'node:fs'
import { dirname } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { dataError, usageError } from '../base/errors.ts'
import { makeDirectory, writeFileAtomically } from '../base/files.ts'
import { canonicalJson } from '../base/hash.ts'
import type { Point, StudiedPoint } from './robustness.ts'

/** Everything that a study's points depend on, but for what is swept. */
export type StudyIdentity = Readonly<Record<string, string | number>>

const format = 'xgen-robustness-2'

/** The name of the log in a study's directory. */
export const logName = 'points.jsonl'

/** The points that have been measured. */
export interface StudyLog {
  find(point: Point): StudiedPoint | undefined
  /** Kept before it returns. */
  add(point: StudiedPoint): void
}

/**
 * Opens or begins the log: a line that says of what, and one a point. A last line that was cut off is taken away. A log of something
 * else is an error, unless it is to be begun `anew`.
 */
export function openLog(path: string, identity: StudyIdentity, anew: boolean): StudyLog {
  const points = new Map<string, StudiedPoint>()
  const lines = existsSync(path) ? wholeLines(path) : []
  if (lines.length === 0 || (anew && !isOf(identity, lines[0]!))) {
    makeDirectory(dirname(path))
    writeFileAtomically(path, `${JSON.stringify({ format, ...identity })}\n`)
  } else {
    const [head, ...rest] = lines.map((line, i) => parse(line, `${path}:${i + 1}`))
    checkIdentity(head, identity, path)
    for (const [i, value] of rest.entries()) {
      const point = checkedPoint(value, `${path}:${i + 2}`)
      points.set(keyOf(point), point)
    }
  }
  return {
    find: (point) => points.get(keyOf(point)),
    add: (point) => {
      appendFileSync(path, `${JSON.stringify(point)}\n`)
      points.set(keyOf(point), point)
    },
  }
}

function checkIdentity(head: unknown, identity: StudyIdentity, path: string): void {
  const stored = (typeof head === 'object' && head !== null ? head : {}) as Partial<StudyIdentity>
  if (stored['format'] !== format) throw dataError('is no log of a robustness study', { where: path })
  const changed = Object.keys(identity).find((key) => !isDeepStrictEqual(stored[key], identity[key]))
  if (changed === undefined) return
  throw usageError(`holds a study of other ${changed}: ${stored[changed]} instead of ${identity[changed]}`, {
    where: path,
    hint: 'Name another directory with --out, or begin this one anew with --force.',
  })
}

function isOf(identity: StudyIdentity, head: string): boolean {
  try {
    checkIdentity(JSON.parse(head), identity, '')
    return true
  } catch {
    return false
  }
}

const share = z.number().min(0).max(1)
const point = {
  weights: z.int().min(2).max(8),
  activations: z.int().min(2).max(8),
  multipliers: z.string(),
  files: z.record(z.string(), z.string()).exactOptional(),
}
const layer = z.strictObject({ name: z.string(), mean: z.number(), std: z.number(), max: z.number() })

/** A line of the log: what was measured, or why it cannot be. */
const studiedPoint = z.union([
  z.strictObject({
    ...point,
    images: z.int().min(1),
    top1: share,
    top5: share,
    interval: z.tuple([share, share]),
    layers: z.array(layer),
  }),
  z.strictObject({ ...point, refused: z.string() }),
])

function checkedPoint(value: unknown, where: string): StudiedPoint {
  const { success, data } = studiedPoint.safeParse(value)
  if (success) return data
  throw dataError('is no point of a robustness study', {
    where,
    hint: 'Delete the line, and the point is measured again.',
  })
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
