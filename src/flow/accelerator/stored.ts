import { join } from 'node:path'
import { dataError } from '../../base/errors.ts'
import type { AcceleratorFigures } from '../../report/accelerator-figures.ts'
import type { Configuration } from '../configuration.ts'
import { readStored, type StoredFile, writeStored } from '../stored.ts'
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

const fileOf = (directory: string): StoredFile => ({
  path: join(directory, 'synth.json'),
  format: 'xgen-synthesis-3',
  command: 'xgen synth',
})

export function writeSynthesis(directory: string, content: StoredSynthesis): void {
  writeStored(fileOf(directory), content)
}

export function readSynthesis(directory: string): StoredSynthesis {
  const file = fileOf(directory)
  const content = readStored(file)
  if (content !== undefined) return content as StoredSynthesis
  throw dataError('there is no synthesis to report', {
    where: file.path,
    hint: `First: xgen synth --net NETWORK --lib LIBRARY --out ${directory}`,
  })
}
