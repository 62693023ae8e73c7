import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { dataError } from '../../base/errors.ts'
import { writeFileAtomically } from '../../base/files.ts'
import { hashOf } from '../../base/hash.ts'
import type { AcceleratorFigures } from '../../report/accelerator-figures.ts'
import type { Configuration } from '../configuration.ts'
import type { AcceleratorCost } from './cost.ts'

/** What was asked for: figures of other options are other figures. */
export interface SynthesisRequest {
  /** The configuration's, as run.json has it. */
  readonly synth: Configuration['synth']
  /** SHA-256 of the library's text. */
  readonly libraryHash: string
  /** The wire load model that was named. */
  readonly wires: string | null
  /** Instances of a module whose gates are simulated at most. */
  readonly samples: number
  readonly seed: number
}

/** What `xgen synth --net` leaves in a run's directory for `xgen report`. */
export interface StoredSynthesis {
  readonly request: SynthesisRequest
  readonly design: AcceleratorCost
  readonly baselines: readonly (AcceleratorCost & { readonly name: string })[]
  /** Of each approximate multiplier. */
  readonly errors: AcceleratorFigures['errors']
}

const format = 'xgen-synthesis-3'
const fileName = 'synth.json'

export function writeSynthesis(directory: string, content: StoredSynthesis): void {
  const stored = { format, hash: hashOf(content), content }
  writeFileAtomically(join(directory, fileName), `${JSON.stringify(stored, null, 1)}\n`)
}

/** Reads it back; what was cut off or changed is refused, so that a report shows what was measured. */
export function readSynthesis(directory: string): StoredSynthesis {
  const file = join(directory, fileName)
  if (!existsSync(file))
    throw dataError('there is no synthesis to report', {
      where: file,
      hint: `First: xgen synth --net NETWORK --lib LIBRARY --out ${directory}`,
    })
  let stored: { readonly format?: unknown; readonly hash?: unknown; readonly content?: StoredSynthesis }
  try {
    stored = JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw dataError(`is no JSON: ${(cause as Error).message}`, { where: file })
  }
  if (stored?.format !== format || stored.content === undefined || stored.hash !== hashOf(stored.content))
    throw dataError('is not what xgen synth wrote, or was changed', {
      where: file,
      hint: 'Run xgen synth again.',
    })
  return stored.content
}
