import { usageError } from '../base/errors.ts'
import type { Progress } from '../base/progress.ts'
import { isModelFile } from '../model/files.ts'
import {
  type Accuracy,
  type AccuracyCounter,
  accuracyCounter,
  type ClassAccuracy,
} from '../net/data/accuracy.ts'
import { dataSet, type SplitName } from '../net/data/catalogue.ts'
import { type ImageSource, openSplit } from '../net/data/load.ts'
import type { ImageSet } from '../net/data/store.ts'
import { floatAccuracy } from '../train/trainer.ts'
import type { Configuration } from './configuration.ts'
import { type Emulation, networkEmulation } from './emulation.ts'
import { checkFit } from './fit.ts'
import { exactEmulator, type LayerError, layerErrors } from './layer-errors.ts'
import type { InputRange } from './model-accuracy.ts'
import { hasSeededWeights, networkPath } from './named-files.ts'
import type { PartReader } from './picture-reading.ts'
import { evaluatedSet, networkOf, weightsOf } from './preparation.ts'

export interface EvalRequest {
  /** Data set; the network's own where it is built in. */
  readonly data: string | undefined
  /** The first so many test images; all where undefined. */
  readonly images: number | undefined
  /** Undefined: int, or for a model file what it computes in itself. */
  readonly precision: 'int' | 'float' | undefined
  /** Unless given, the test images. */
  readonly split?: SplitName
  /** What bytes 0 and 255 of an image are for a model file that takes real values; 0 and 1 where undefined. */
  readonly inputRange?: InputRange | undefined
  /** Images that errors of the layers are measured on; none where undefined. */
  readonly layerImages?: number | undefined
}

export interface EvalResult {
  readonly net: string
  readonly data: string
  readonly precision: 'int' | 'float'
  readonly split: SplitName
  readonly images: number
  readonly top1: number
  readonly top5: number
  /** 95 % Wilson interval of top1. */
  readonly interval: readonly [low: number, high: number]
  readonly imagesPerSecond: number
  readonly seconds: number
  readonly multipliers: Readonly<Record<string, string>>
  /** Of a model file: how it gets the images, in words. */
  readonly taken?: string
  readonly classes: readonly ClassResult[]
  /** Where asked for: codes of each layer minus those of the run with exact multipliers. */
  readonly layers?: readonly LayerError[]
}

export interface ClassResult extends ClassAccuracy {
  readonly name: string
}

/** Accuracy on the test images. */
export async function evaluate(
  configuration: Configuration,
  request: EvalRequest,
  progress: Progress,
  signal: AbortSignal,
): Promise<EvalResult> {
  if (isModelFile(configuration.net) && configuration.weights.file === undefined)
    return (await import('./model-eval.ts')).evaluateModel(configuration, request, progress, signal)
  refuseInputRange(request.inputRange)
  const { precision = 'int' } = request
  const network = networkOf(configuration)
  if (hasSeededWeights(configuration))
    throw usageError('seeded weights are untrained: they have no accuracy to measure', {
      where: '--weights',
      hint: `Train first: "xgen train --net ${networkPath(configuration)} --data SET".`,
    })
  const set = dataSet(evaluatedSet(configuration, request.data, precision))
  checkFit(network, set)
  const emulation = precision === 'int' ? networkEmulation(configuration) : undefined
  const run = emulation?.run ?? floatRun(configuration)
  const test = openSplit(set, request.split ?? 'test', { shape: network.input.shape })
  const images = Math.min(test.count, request.images ?? test.count)
  const layers = layersOf(emulation, test, request)
  progress.step(`evaluating ${network.name} (${precision})`, images)
  const start = performance.now()
  const accuracy = await inParts(run, test, images, signal, (done) => progress.update(done))
  const seconds = (performance.now() - start) / 1000
  progress.done(`${images} images in ${seconds.toFixed(1)} s`)
  return {
    net: network.name,
    data: set.name,
    split: request.split ?? 'test',
    precision,
    ...accuracy,
    imagesPerSecond: images / seconds,
    seconds,
    multipliers: precision === 'float' ? {} : configuration.multipliers,
    classes: accuracy.classes.map((rates, label) => ({ name: test.classes[label]!, ...rates })),
    ...layers,
  }
}

export function refuseInputRange(range: InputRange | undefined): void {
  if (range !== undefined)
    throw usageError('the images of a network are in [0, 1]: a range is for model files alone', {
      where: '--input-range',
    })
}

export type AccuracyRun = (
  images: ImageSet,
  signal: AbortSignal,
  update: (done: number) => void,
  counter: AccuracyCounter,
) => Promise<Accuracy>

/** Images that are read at once. */
const part = 1024

/** Counts the first `images` of a source, read part by part. */
export async function inParts(
  run: AccuracyRun,
  source: ImageSource,
  images: number,
  signal: AbortSignal,
  update: (done: number) => void,
): Promise<Accuracy> {
  const counter = accuracyCounter(source.classes.length)
  const reader = await openReader(source, images, signal)
  try {
    for (let from = 0; from < images; from += reader.part) {
      const read = await reader.read(from, Math.min(images, from + reader.part))
      await run(read, signal, (done) => update(from + done), counter)
      if (signal.aborted) throw signal.reason
    }
  } finally {
    reader.close()
  }
  return counter.result()
}

/** Threads for pictures are only loaded where there are pictures. */
async function openReader(source: ImageSource, images: number, signal: AbortSignal): Promise<PartReader> {
  const pictures =
    source.pictures === undefined
      ? undefined
      : (await import('./picture-reading.ts')).openPictures(source, images, signal)
  return pictures ?? { part, read: async (from, until) => source.read(from, until), close: () => {} }
}

function floatRun(configuration: Configuration): AccuracyRun {
  const network = networkOf(configuration)
  const weights = weightsOf(configuration, network)
  return (images, signal, update, counter) => floatAccuracy(network, weights, images, signal, update, counter)
}

/** Errors of the layers on the first images, where they are asked for. */
export function layersOf(
  emulation: Emulation | undefined,
  source: ImageSource,
  { layerImages }: EvalRequest,
): { readonly layers?: readonly LayerError[] } {
  if (layerImages === undefined) return {}
  if (emulation === undefined)
    throw usageError('errors of layers are those of integers, and this runs in float', {
      where: '--per-layer',
      hint: 'Leave it away, or import the model: "xgen net import FILE --data SET --out DIR".',
    })
  const { emulator, codes } = emulation
  const images = source.read(0, Math.min(layerImages, source.count))
  return { layers: layerErrors(emulator, exactEmulator(emulator), images, codes) }
}
