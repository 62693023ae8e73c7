import { statSync } from 'node:fs'
import { isModelFile } from '../model/files.ts'
import { type Lowered, type LoweringOptions, lowerOnnx } from '../model/lower/lower.ts'
import { floatView } from '../model/lower/tflite/float-view.ts'
import { readModel } from '../model/read.ts'
import type { Network } from '../net/network.ts'
import { loadNetwork } from '../net/zoo.ts'

/** The model file that was lowered last: one command asks for its network and for its weights. */
let last: { readonly key: string; readonly lowered: Lowered } | undefined

/** The network in float of a model file, with its weights. */
export function importedNetwork(path: string, inputRange?: LoweringOptions['inputRange']): Lowered {
  const stat = statSync(path, { throwIfNoEntry: false })
  const key = JSON.stringify([path, stat?.mtimeMs, stat?.size, inputRange])
  if (last?.key === key) return last.lowered
  const model = readModel(path)
  const view = model.format === 'tflite' ? floatView(model) : { model, inputRange: undefined }
  const range = inputRange ?? view.inputRange
  const lowered = lowerOnnx(view.model, {
    name: model.name,
    ...(range === undefined ? {} : { inputRange: range }),
  })
  last = { key, lowered }
  return lowered
}

/** The network of `--net`: built in, of a network file, or of a model file. */
export const anyNetwork = (net: string): Network =>
  isModelFile(net) ? importedNetwork(net).network : loadNetwork(net)
