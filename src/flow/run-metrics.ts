import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { XgenError } from '../base/errors.ts'
import { writeFileAtomically } from '../base/files.ts'
import { recordOfRun } from '../emit/run-directory.ts'
import { readMetrics } from './compare.ts'
import type { Configuration } from './configuration.ts'
import { type Metrics, metricsText } from './metrics.ts'
import type { Design } from './rtl.ts'

/** What measures a design that is there, each with metrics of its own: their names begin so. */
const prefixes = {
  verify: ['verify__'],
  accuracy: ['accuracy__'],
  synth: ['design__instance__', 'energy__', 'power__', 'timing__'],
} as const
type Step = keyof typeof prefixes

const isOf = (step: Step) => (name: string) => prefixes[step].some((prefix) => name.startsWith(prefix))

/**
 * What other steps have measured of this very design: of the same plan, Verilog and memories. Of another one nothing is kept, and of
 * another library, script or clock no figures of a synthesis.
 */
export function measuredMetrics(
  directory: string,
  { plan, files }: Pick<Design, 'plan' | 'files'>,
  { synth }: Pick<Configuration, 'synth'>,
): Metrics {
  const record = recordOfRun(directory)
  if (record?.plan !== plan.hash) return {}
  const made = [...files].filter(([name]) => /^(rtl|mem)\//.test(name))
  if (!made.every(([name, contents]) => holds(join(directory, name), contents))) return {}
  const { synth: before } = record.configuration as Partial<Configuration>
  const kept: readonly Step[] = [
    'verify',
    'accuracy',
    ...(isDeepStrictEqual(before, synth) ? ['synth' as const] : []),
  ]
  return filtered(knownMetrics(directory), (name) => kept.some((step) => isOf(step)(name)))
}

/** Puts a step's metrics in the place of those that it left before. */
export function replaceMetrics(directory: string, step: Step, metrics: Metrics): void {
  const others = filtered(readMetrics(directory), (name) => !isOf(step)(name))
  writeFileAtomically(join(directory, 'metrics.json'), metricsText({ ...others, ...metrics }))
}

const filtered = (metrics: Metrics, keep: (name: string) => boolean): Metrics =>
  Object.fromEntries(Object.entries(metrics).filter(([name]) => keep(name)))

/** A file that was cut off or changed to something else has no metrics that anybody measured. */
function knownMetrics(directory: string): Metrics {
  try {
    return readMetrics(directory)
  } catch (error) {
    if (error instanceof XgenError) return {}
    throw error
  }
}

const holds = (file: string, contents: string | Uint8Array): boolean =>
  existsSync(file) && readFileSync(file).equals(Buffer.from(contents))
