import { setImmediate } from 'node:timers/promises'
import { hashOf } from '../base/hash.ts'
import type { Progress } from '../base/progress.ts'
import { floatNetwork } from '../float/forward.ts'
import { type Accuracy, accuracyCounter } from '../net/data/accuracy.ts'
import { type ImageSet, realImageAt } from '../net/data/store.ts'
import type { Network, Weights } from '../net/network.ts'
import { elements } from '../net/shapes.ts'
import { epochOrder, fillBatch } from './batches.ts'
import { readCheckpoint, type TrainingProgress, writeCheckpoint } from './checkpoint.ts'
import { createModel, type Model } from './model.ts'
import { createOptimiser, learningRate, type Optimiser, type OptimiserName } from './optimiser.ts'

/** Settings that decide the result of a training, with the network, the initial weights and the images. */
export interface TrainingSettings {
  readonly epochs: number
  readonly batch: number
  readonly rate: number
  readonly optimiser: OptimiserName
  /** Images are shifted by up to this many pixels. */
  readonly shift: number
  readonly seed: number
}

export interface Training {
  readonly network: Network
  readonly initial: Weights
  readonly train: ImageSet
  readonly validation: ImageSet
  readonly settings: TrainingSettings
  /** Where the training stands is stored here after every epoch and when it is interrupted. */
  readonly checkpoint: string
  readonly resume: boolean
  readonly progress: Progress
  readonly signal: AbortSignal
}

export interface Trained {
  readonly weights: Weights
  readonly bestEpoch: number
  /** Share of the validation images whose class is found by the best epoch's weights. */
  readonly validation: number
}

/**
 * Trains by minibatches and returns the weights of the epoch that was best on the validation images. Interrupted, it
 * stores where it stands and throws the signal's reason; resumed, it goes on as if it had never stopped.
 */
export async function train(training: Training): Promise<Trained> {
  const { network, initial, settings, signal } = training
  const model = createModel(network, initial, settings.batch)
  const optimiser = createOptimiser(settings.optimiser, model.parameters)
  const best = new Map(model.parameters.map(({ name, values }) => [name, values.slice()]))
  const tensors = storedTensors(model, optimiser, best)
  const identity = hashOf({
    network,
    settings,
    images: training.train.count,
    initial: Object.fromEntries(initial),
  })
  let state: TrainingProgress = {
    settings: identity,
    epoch: 0,
    batch: 0,
    lossSum: 0,
    bestEpoch: 0,
    bestAccuracy: -1,
  }
  if (training.resume) state = readCheckpoint(training.checkpoint, identity, tensors)

  const stopped = () => {
    writeCheckpoint(training.checkpoint, state, tensors)
    return signal.reason
  }
  while (state.epoch < settings.epochs) {
    state = await runEpoch(training, model, optimiser, state)
    if (signal.aborted) throw stopped()
    const loss = state.lossSum / state.batch
    const accuracy = await floatAccuracy(network, model.weights(), training.validation, signal)
    if (signal.aborted) throw stopped()
    const better = accuracy.top1 > state.bestAccuracy
    if (better) for (const { name, values } of model.parameters) best.get(name)!.set(values)
    training.progress.done(`loss ${loss.toFixed(4)}, validation ${(100 * accuracy.top1).toFixed(2)} %`)
    const epoch = state.epoch + 1
    state = {
      ...state,
      epoch,
      batch: 0,
      lossSum: 0,
      ...(better ? { bestEpoch: epoch, bestAccuracy: accuracy.top1 } : {}),
    }
    writeCheckpoint(training.checkpoint, state, tensors)
  }
  for (const { name, values } of model.parameters) values.set(best.get(name)!)
  return { weights: model.weights(), bestEpoch: state.bestEpoch, validation: Math.max(0, state.bestAccuracy) }
}

/** Share of images whose class the float network finds, added to what `counter` has. Stops early when the signal is aborted. */
export async function floatAccuracy(
  network: Network,
  weights: Weights,
  set: ImageSet,
  signal: AbortSignal,
  update: (done: number) => void = () => {},
  counter = accuracyCounter(),
): Promise<Accuracy> {
  const { run, atOnce, size } = floatNetwork(network, weights)
  const images = new Float32Array(atOnce * size)
  for (let first = 0; first < set.count && !signal.aborted; first += atOnce) {
    const count = Math.min(atOnce, set.count - first)
    for (let i = 0; i < count; i++) images.set(realImageAt(set, first + i), i * size)
    const scores = run(images.subarray(0, count * size))
    const classes = scores.length / count
    for (let i = 0; i < count; i++)
      counter.add(scores.subarray(i * classes, (i + 1) * classes), set.labels[first + i]!)
    update(first + count)
    await setImmediate()
  }
  return counter.result()
}

async function runEpoch(
  training: Training,
  model: Model,
  optimiser: Optimiser,
  start: TrainingProgress,
): Promise<TrainingProgress> {
  const { train: set, settings, progress, signal } = training
  const { batch: size, seed } = settings
  const batches = Math.floor(set.count / size)
  const order = epochOrder(set, seed, start.epoch)
  const images = new Float32Array(size * elements(training.network.input.shape))
  const labels = new Uint16Array(size)
  let { lossSum } = start
  progress.step(`epoch ${start.epoch + 1} of ${settings.epochs}`, batches)
  for (let batch = start.batch; batch < batches; batch++) {
    await setImmediate()
    if (signal.aborted) return { ...start, batch, lossSum }
    fillBatch(
      set,
      order.subarray(batch * size, (batch + 1) * size),
      { seed, epoch: start.epoch, batch },
      settings.shift,
      images,
      labels,
    )
    lossSum += model.learn(images, labels)
    const step = start.epoch * batches + batch + 1
    optimiser.update(learningRate(settings.rate, step, settings.epochs * batches), step)
    progress.update(batch + 1, `loss ${(lossSum / (batch + 1)).toFixed(4)}`)
  }
  return { ...start, batch: batches, lossSum }
}

function storedTensors(
  model: Model,
  optimiser: Optimiser,
  best: ReadonlyMap<string, Float32Array>,
): ReadonlyMap<string, Float32Array> {
  return new Map([
    ...model.parameters.map(({ name, values }) => [name, values] as const),
    ...optimiser.memory,
    ...[...best].map(([name, values]) => [`best.${name}`, values] as const),
  ])
}
