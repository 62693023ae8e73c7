import { z } from 'zod'
import { readDocument } from '../base/document.ts'
import { XgenError } from '../base/errors.ts'
import { readInput } from '../base/files.ts'
import { canonicalJson } from '../base/hash.ts'
import { parseSource } from '../base/schema.ts'
import { type Ranges, rangesSchema } from './ranges.ts'

const share = z.number().min(0).max(1)

/** What stands beside a weight file (`<name>.json`): its ranges, and how both were made. */
export const recordSchema = z.strictObject({
  network: z.string(),
  /** SHA-256 of the weights' values (see `hashWeights`). */
  weights: z.string().regex(/^[0-9a-f]{64}$/),
  calibration: z.strictObject({ data: z.string(), images: z.int().min(1) }),
  ranges: rangesSchema,
  training: z
    .strictObject({
      command: z.string(),
      data: z.string(),
      seed: z.int(),
      epochs: z.int().min(0),
      bestEpoch: z.int().min(0),
      validation: share,
    })
    .optional(),
  /** Share of the test images whose class is found. */
  accuracy: z.strictObject({ images: z.int(), float: share, int8: share }).optional(),
})

export type WeightRecord = z.output<typeof recordSchema>

/** `nets/lenet5.safetensors` has its record in `nets/lenet5.json`. */
export function recordPath(weightFile: string): string {
  return weightFile.replace(/\.(safetensors|npz)$/i, '.json')
}

/** The data set that stands in the record of a weight file; undefined where there is no record that can be read. */
export function calibratedOn(weightFile: string): string | undefined {
  try {
    return recordSchema.parse(JSON.parse(readInput(recordPath(weightFile), 'record').toString('utf8')))
      .calibration.data
  } catch {
    return undefined
  }
}

/** The record of a weight file; that it belongs to weights of this hash is checked. */
export function readRecord(weightFile: string, weightsHash: string): WeightRecord {
  const path = recordPath(weightFile)
  const out = weightFile.replace(/\.npz$/i, '.safetensors')
  const hint = `Make one with "xgen train --net NET --data SET --weights ${weightFile} --epochs 0 --out ${out}", which calibrates the weights as they are.`
  let text: string
  try {
    text = readInput(path, 'the ranges of these weights:').toString('utf8')
  } catch (cause) {
    throw new XgenError(
      'data',
      `the ranges of ${weightFile} are missing: ${path} does not exist or cannot be read`,
      { where: path, hint, cause },
    )
  }
  const record = parseSource(recordSchema, readDocument(text, path), 'data')
  if (record.weights !== weightsHash)
    throw new XgenError('data', `the ranges in ${path} belong to other weights than those in ${weightFile}`, {
      where: path,
      hint,
    })
  return record
}

export function serialiseRecord(record: WeightRecord): string {
  return `${canonicalJson(record, 2)}\n`
}

export function rangesOf(record: WeightRecord): Ranges {
  return new Map(Object.entries(record.ranges))
}
