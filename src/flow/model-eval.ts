import { usageError } from '../base/errors.ts'
import type { Progress } from '../base/progress.ts'
import type { Model } from '../model/model.ts'
import { readModel } from '../model/read.ts'
import { dataSet } from '../net/data/catalogue.ts'
import { openSplit } from '../net/data/load.ts'
import { type Configuration, entriesOf } from './configuration.ts'
import { modelEmulation } from './emulation.ts'
import { type AccuracyRun, type EvalRequest, type EvalResult, inParts, layersOf } from './eval.ts'
import { checkShape } from './fit.ts'
import { type ImageModel, imageModel } from './model-accuracy.ts'
import { type EmulatedModel, emulatedModel, storageOf } from './model-emulation.ts'
import { precisionOf } from './model-infer.ts'
import { networkPath } from './named-files.ts'

/** Accuracy of a model file: quantised ones on the emulator, others as their format defines their operators. */
export async function evaluateModel(
  configuration: Configuration,
  request: EvalRequest,
  progress: Progress,
  signal: AbortSignal,
): Promise<EvalResult> {
  const model = readModel(networkPath(configuration))
  const precision = precisionOf(model, request.precision)
  if (request.data === undefined)
    throw usageError('name the data set to evaluate on', {
      where: '--data',
      hint: '"xgen data list" lists them.',
    })
  const images = modelOnImages(model, configuration, request)
  const set = dataSet(request.data)
  checkShape(model.name, images.shape, set)
  const test = openSplit(set, request.split ?? 'test', { shape: images.shape })
  const count = Math.min(test.count, request.images ?? test.count)
  const layers = layersOf('emulator' in images ? modelEmulation(images) : undefined, test, request)
  progress.step(`evaluating ${images.name} (${precision}, ${images.taken})`, count)
  const start = performance.now()
  const run: AccuracyRun = async (...given) => {
    await images.run(...given)
    return given[3].result()
  }
  const accuracy = await inParts(run, test, count, signal, (done) => progress.update(done))
  const seconds = (performance.now() - start) / 1000
  progress.done(`${count} images in ${seconds.toFixed(1)} s`)
  return {
    net: model.name,
    data: set.name,
    split: request.split ?? 'test',
    precision,
    ...accuracy,
    taken: images.taken,
    imagesPerSecond: count / seconds,
    seconds,
    multipliers: configuration.multipliers,
    classes: accuracy.classes.map((rates, label) => ({ name: test.classes[label]!, ...rates })),
    ...layers,
  }
}

/** What evaluates a model file: the emulator where it can, unless the operators themselves are asked for (float). */
function modelOnImages(
  model: Model,
  configuration: Configuration,
  request: EvalRequest,
): ImageModel | EmulatedModel {
  const entries = entriesOf(configuration)
  if (request.precision === 'float' && entries.length > 0)
    throw usageError('multipliers are of the integer emulation', {
      where: '--mult',
      hint: 'Leave --precision float away.',
    })
  const storage = precisionOf(model, request.precision) === 'int' ? storageOf(configuration) : {}
  const emulated =
    request.precision === 'float'
      ? undefined
      : emulatedModel(model, entries, { ...storage, inputRange: request.inputRange })
  if (emulated === undefined && entries.some(({ spec }) => !/^exact\b/.test(spec)))
    throw usageError('a model file whose operators are evaluated as they are has exact multipliers', {
      where: '--mult',
      hint: 'Import it first: "xgen net import FILE --data SET --out DIR".',
    })
  return emulated ?? imageModel(model, request.inputRange)
}
