import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { XgenError } from '../base/errors.ts'
import { writeFileAtomically } from '../base/files.ts'
import { recordOfRun } from '../emit/run-directory.ts'
import { readMetrics } from './compare.ts'
import { type Metrics, metricsText } from './metrics.ts'
import type { Design } from './rtl.ts'

/** What measures a design that is there, each with metrics of its own: their names begin so. */
const steps = ['verify', 'accuracy'] as const
type Step = (typeof steps)[number]

const isOf = (step: Step) => (name: string) => name.startsWith(`${step}__`)

/** What other steps have measured of this very design: of the same plan, Verilog and memories. Of another one nothing is kept. */
export function measuredMetrics(directory: string, { plan, files }: Pick<Design, 'plan' | 'files'>): Metrics {
  if (recordOfRun(directory)?.plan !== plan.hash) return {}
  const made = [...files].filter(([name]) => /^(rtl|mem)\//.test(name))
  if (!made.every(([name, contents]) => holds(join(directory, name), contents))) return {}
  return filtered(knownMetrics(directory), (name) => steps.some((step) => isOf(step)(name)))
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
