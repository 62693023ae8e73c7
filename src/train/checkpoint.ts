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
  const text = readMetadata(bytes)['progress']
  const parsed = text === undefined ? undefined : progressSchema.safeParse(JSON.parse(text))
  if (parsed?.success !== true) throw dataError(`is no checkpoint of a training`, { where: path, hint })
  if (parsed.data.settings !== settings) {
    throw usageError('belongs to a training with other settings', {
      where: path,
      hint: 'Give the same options as then, or start again without --resume.',
    })
  }
  const stored = new Map(readSafetensors(bytes, path).map((tensor) => [tensor.name, tensor.data]))
  for (const [name, values] of tensors) {
    const data = stored.get(name)
    if (data?.length !== values.length)
      throw dataError(`has no tensor "${name}" of ${values.length} values`, { where: path, hint })
    values.set(data)
  }
  return parsed.data
}

export function removeCheckpoint(path: string): void {
  rmSync(path, { force: true })
}
