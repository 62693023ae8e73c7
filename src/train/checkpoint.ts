import { existsSync, rmSync } from 'node:fs'
import { z } from 'zod'
import { dataError, usageError } from '../base/errors.ts'
import { readInput, writeFileAtomically } from '../base/files.ts'
import { readMetadata, readSafetensors, writeSafetensors } from '../base/safetensors.ts'
import type { NamedTensor } from '../base/tensor.ts'

/** Where a training stands: everything that the next step depends on, beside the tensors. */
const progressSchema = z.strictObject({
  /** Hash of all settings that decide the result. */
  settings: z.string(),
  epoch: z.int().min(0),
  /** Batches of this epoch that are done, and the sum of their losses. */
  batch: z.int().min(0),
  lossSum: z.number(),
  bestEpoch: z.int().min(0),
  bestAccuracy: z.number(),
})

export type TrainingProgress = z.output<typeof progressSchema>

/** Stores progress and tensors in one file, so that they can never disagree. */
export function writeCheckpoint(
  path: string,
  progress: TrainingProgress,
  tensors: ReadonlyMap<string, Float32Array>,
): void {
  const named = [...tensors].map(([name, data]): NamedTensor => ({ name, shape: [data.length], data }))
  writeFileAtomically(path, writeSafetensors(named, { progress: JSON.stringify(progress) }))
}

/** Fills the tensors from a checkpoint and returns its progress. It must be of the same settings. */
export function readCheckpoint(
  path: string,
  settings: string,
  tensors: ReadonlyMap<string, Float32Array>,
): TrainingProgress {
  const hint = 'Start again without --resume.'
  if (!existsSync(path)) throw dataError('there is no checkpoint to resume from', { where: path, hint })
  const bytes = readInput(path, 'checkpoint')
  const progress = parseProgress(readMetadata(bytes)['progress'])
  if (progress === undefined) throw dataError(`is no checkpoint of a training`, { where: path, hint })
  if (progress.settings !== settings) {
    throw usageError('belongs to a training with other settings', {
      where: path,
      hint: 'Give the same options as then, or start again without --resume.',
    })
  }
  const shapes = new Map([...tensors].map(([name, values]) => [name, [values.length]]))
  // All of the file is checked before the first value changes: training from half a checkpoint would look like training.
  const stored = readSafetensors(bytes, path, { owner: 'the training', shapes, hint })
  for (const { name, data } of stored) tensors.get(name)!.set(data)
  return progress
}

function parseProgress(text: string | undefined): TrainingProgress | undefined {
  if (text === undefined) return undefined
  try {
    return progressSchema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

export function removeCheckpoint(path: string): void {
  rmSync(path, { force: true })
}
