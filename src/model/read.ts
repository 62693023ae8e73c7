import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { dataError, usageError } from '../base/errors.ts'
import { readInput } from '../base/files.ts'
import { isModelFile, networkName } from './files.ts'
import { checkFinite } from './finite.ts'
import type { Model } from './model.ts'
import { readOnnx } from './onnx/read.ts'
import { readTflite } from './tflite/read.ts'

/** Bytes above which a model file is refused before it is read. Larger ones keep their weights in other files. */
const mostBytes = 2 ** 29

/** Reads a model by the suffix of its file. It is named as the file is: inside, most are called "main" or after their exporter. */
export function readModel(path: string): Model {
  if (!isModelFile(path))
    throw usageError('is no model file', { where: path, hint: 'Model files are named .onnx or .tflite.' })
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size > mostBytes)
    throw dataError(`has ${size} bytes; at most ${mostBytes} are read`, {
      where: path,
      hint: 'ONNX models may keep their weights in files beside them (external data).',
    })
  const bytes = readInput(path, 'model file')
  const model = /\.onnx$/i.test(path) ? readOnnx(bytes, path, dirname(path)) : readTflite(bytes, path)
  checkFinite(model, path)
  return { ...model, name: networkName(path) }
}
