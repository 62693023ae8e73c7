import { buildAssignment } from '../approx/build.ts'
import { usageError, XgenError } from '../base/errors.ts'
import { writeFileAtomically } from '../base/files.ts'
import type { Progress } from '../base/progress.ts'
import { emulatedAccuracy } from '../emu/accuracy.ts'
import { createEmulator } from '../emu/emulator.ts'
import { dataSet, type SplitName } from '../net/data/catalogue.ts'
import { loadSplit } from '../net/data/load.ts'
import { type ImageSet, realImageAt, slice } from '../net/data/store.ts'
import type { Network, Weights } from '../net/network.ts'
import { hashWeights, initialWeights, readWeights, serialiseWeights } from '../net/weights.ts'
import { int8 } from '../quant/options.ts'
import { quantise } from '../quant/quantise.ts'
import { recordPath, serialiseRecord, type WeightRecord } from '../quant/record.ts'
import { removeCheckpoint } from '../train/checkpoint.ts'
import { floatAccuracy, type Trained, type Training, type TrainingSettings, train } from '../train/trainer.ts'
import { findRanges } from './calibration.ts'
import { checkFit } from './fit.ts'
import { anyNetwork } from './imported.ts'

/** What `xgen train` does: trains in float (or, with 0 epochs, takes weights as they are), calibrates, measures. */
export interface TrainRequest extends TrainingSettings {
  readonly net: string
  readonly data: string
  /** Weights to start from, or to calibrate. */
  readonly weights: string | undefined
  /** The .safetensors file to write; its record stands beside it. */
  readonly out: string
  /** Images of the training set that ranges are found on. */
  readonly calibration: number
  readonly resume: boolean
}

export interface TrainResult {
  readonly net: string
  readonly data: string
  readonly epochs: number
  readonly bestEpoch: number
  readonly validation: number
  readonly images: number
  readonly float: number
  readonly int8: number
  readonly weights: string
  readonly record: string
}

export async function trainNetwork(
  request: TrainRequest,
  progress: Progress,
  signal: AbortSignal,
): Promise<TrainResult> {
  const network = anyNetwork(request.net)
  const set = dataSet(request.data)
  checkFit(network, set)
  if (!/\.safetensors$/.test(request.out))
    throw usageError(`--out ${request.out}: weights are written as .safetensors`, {
      where: '--out',
      hint: 'Give the file a name that ends in .safetensors.',
    })
  if (request.epochs === 0 && request.weights === undefined) {
    throw usageError('--epochs 0 only calibrates: it needs weights', {
      where: '--epochs',
      hint: 'Give the weights with --weights FILE.',
    })
  }
  const initial =
    request.weights === undefined
      ? initialWeights(network, request.seed)
      : readWeights(request.weights, network)
  progress.step(`reading ${set.name}`)
  const load = (split: SplitName) => loadSplit(set, split, { shape: network.input.shape })
  const images = { train: load('train'), validation: load('validation') }
  progress.done(`${images.train.count} training, ${images.validation.count} validation images`)

  const checkpoint = `${request.out}.checkpoint`
  const trained = await trainOrKeep(request, network, initial, images, checkpoint, progress, signal)
  const calibration = slice(images.train, 0, Math.min(request.calibration, images.train.count))
  const record = await describe(request, network, trained, calibration, load('test'), progress, signal)
  writeFileAtomically(request.out, serialiseWeights(trained.weights, network))
  writeFileAtomically(recordPath(request.out), serialiseRecord(record))
  removeCheckpoint(checkpoint)
  return {
    net: network.name,
    data: set.name,
    epochs: request.epochs,
    bestEpoch: trained.bestEpoch,
    validation: trained.validation,
    ...record.accuracy!,
    weights: request.out,
    record: recordPath(request.out),
  }
}

async function trainOrKeep(
  request: TrainRequest,
  network: Network,
  initial: Weights,
  images: Pick<Training, 'train' | 'validation'>,
  checkpoint: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<Trained> {
  if (request.epochs === 0) return { weights: initial, bestEpoch: 0, validation: 0 }
  const { epochs, batch, rate, optimiser, shift, seed, resume } = request
  try {
    return await train({
      network,
      initial,
      ...images,
      settings: { epochs, batch, rate, optimiser, shift, seed },
      checkpoint,
      resume,
      progress,
      signal,
    })
  } catch (error) {
    if (!signal.aborted) throw error
    progress.done(`stopped; go on with the same command and --resume`)
    throw new XgenError('interrupted', `interrupted; the training is kept in ${checkpoint}`, {
      hint: 'Go on with the same command and --resume.',
      cause: error,
    })
  }
}

/** Ranges, and the accuracy on the test images: measured once, after everything has been chosen. */
async function describe(
  request: TrainRequest,
  network: Network,
  trained: Trained,
  calibration: ImageSet,
  test: ImageSet,
  progress: Progress,
  signal: AbortSignal,
): Promise<WeightRecord> {
  const { weights } = trained
  const images = Array.from({ length: calibration.count }, (_, i) => realImageAt(calibration, i))
  const ranges = await findRanges(network, weights, images, request.weights ?? request.out, progress, signal)
  progress.step('float accuracy', test.count)
  const float = await floatAccuracy(network, weights, test, signal, (done) => progress.update(done))
  progress.done(`${(100 * float.top1).toFixed(2)} % of ${test.count}`)
  const graph = quantise(network, weights, ranges, int8)
  progress.step('int8 accuracy', test.count)
  const quantised = await emulatedAccuracy(
    createEmulator(graph, buildAssignment(graph, [])),
    test,
    signal,
    (done) => progress.update(done),
  )
  progress.done(`${(100 * quantised.top1).toFixed(2)} %`)
  if (signal.aborted) throw signal.reason
  return {
    network: network.name,
    weights: hashWeights(weights, network),
    calibration: { data: request.data, images: calibration.count },
    ranges: Object.fromEntries(ranges),
    ...(request.epochs === 0 ? {} : { training: trainingRecord(request, trained) }),
    accuracy: { images: test.count, float: float.top1, int8: quantised.top1 },
  }
}

/** The command without file names: the same command gives the same weights wherever it runs. */
function trainingRecord(request: TrainRequest, trained: Trained): NonNullable<WeightRecord['training']> {
  const { net, data, seed, epochs, batch, rate, optimiser, shift } = request
  const from = request.weights === undefined ? '' : ' --weights FILE'
  return {
    command: `xgen train --net ${net.replace(/^.*[\\/]/, '')} --data ${data}${from} --seed ${seed} --epochs ${epochs} --batch ${batch} --rate ${rate} --optimiser ${optimiser} --shift ${shift}`,
    data,
    seed,
    epochs,
    bestEpoch: trained.bestEpoch,
    validation: trained.validation,
  }
}
