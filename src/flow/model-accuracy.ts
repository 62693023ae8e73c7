import { dataError, usageError } from '../base/errors.ts'
import { shapeText } from '../model/evaluate.ts'
import { createEvaluator } from '../model/evaluator.ts'
import type { Model, ModelTensor, ModelValue } from '../model/model.ts'
import { codeOfReal } from '../model/operators/tflite/quantise.ts'
import { elementsOf, emptyTensor, isHalf } from '../model/tensors.ts'
import type { AccuracyCounter } from '../net/data/accuracy.ts'
import type { ImageShape } from '../net/data/catalogue.ts'
import type { ImageSet } from '../net/data/store.ts'

/** What bytes 0 and 255 of an image are for a model, where it does not take bytes. */
export type InputRange = readonly [low: number, high: number]

/** `0..255`, as an option gives it. */
export function parseInputRange(text: string): InputRange {
  const match = /^(-?[\d.]+(?:e[-+]?\d+)?)\.\.(-?[\d.]+(?:e[-+]?\d+)?)$/i.exec(text)
  const [low, high] = [Number(match?.[1]), Number(match?.[2])]
  if (Number.isFinite(low) && Number.isFinite(high) && low < high) return [low, high]
  throw usageError(`"${text}" is no range: two numbers are needed, the smaller one first`, {
    where: '--input-range',
    hint: 'For example 0..1, 0..255 or -1..1.',
  })
}

/** Images to a model and its scores back. */
export interface ImageModel {
  readonly name: string
  /** Of one image. */
  readonly shape: ImageShape
  /** What it is told of the images, in words: `pixels as 0..255`. */
  readonly taken: string
  run(
    images: ImageSet,
    signal: AbortSignal,
    update: (done: number) => void,
    counter: AccuracyCounter,
  ): Promise<void>
}

/** Images that a model of any batch gets at a time. */
const batchSize = 16

/** Images as a model takes them. */
export interface ImageInput {
  readonly name: string
  readonly shape: ImageShape
  readonly taken: string
  /** Images that go into one tensor. */
  readonly batch: number
  /** A tensor of `count` images, at most `batch`; one of a fixed batch is filled up with zeros. */
  tensor(images: ImageSet, first: number, count: number): ModelTensor
}

export function imageInput(model: Model, range: InputRange | undefined): ImageInput {
  const [input, ...others] = model.inputs
  if (input === undefined || others.length > 0)
    throw usageError(`the model has ${model.inputs.length} inputs: images go to a model with one`, {
      where: '--net',
    })
  const layout = imageLayout(input, model.format)
  const encode = encoder(input, range)
  const size = elementsOf(layout.shape)
  return {
    name: input.name,
    shape: layout.shape,
    taken: encode.taken,
    batch: input.shape?.[0] ?? batchSize,
    tensor(images, first, count) {
      const tensor = emptyTensor(isHalf(input.type) ? 'float32' : input.type, [
        input.shape?.[0] ?? count,
        ...layout.tensor,
      ])
      for (let i = 0; i < count; i++) encode.put(images, first + i, layout, tensor, i * size)
      return tensor
    },
  }
}

/** A model that takes images and gives a score for each class, evaluated as its file says. */
export function imageModel(model: Model, range: InputRange | undefined): ImageModel {
  const { name, shape, taken, batch, tensor } = imageInput(model, range)
  const evaluator = createEvaluator(model)
  return {
    name: model.name,
    shape,
    taken,
    async run(images, signal, update, counter) {
      for (let from = 0; from < images.count && !signal.aborted; from += batch) {
        const count = Math.min(batch, images.count - from)
        const given = tensor(images, from, count)
        const scores = [...evaluator.run(new Map([[name, given]])).values()][0]!
        countScores(scores, given.shape[0]!, count, images.labels.subarray(from), counter)
        update(from + count)
        await new Promise(setImmediate)
      }
    },
  }
}

export function countScores(
  { data }: Pick<ModelTensor, 'data'>,
  batch: number,
  count: number,
  labels: ArrayLike<number>,
  counter: AccuracyCounter,
): void {
  const classes = data.length / batch
  for (let i = 0; i < count; i++) {
    const scores = Array.from({ length: classes }, (_, n) => Number(data[i * classes + n]))
    const label = labels[i]!
    if (label >= classes)
      throw dataError(`an image is of class ${label}; the model gives ${classes} scores`, { where: '--data' })
    counter.add(scores, label)
  }
}

/** How an image lies in a model's input. */
interface ImageLayout {
  readonly shape: ImageShape
  /** Of one image in the input. */
  readonly tensor: readonly number[]
  readonly channelsLast: boolean
}

/** [n, c, h, w]; [n, h, w, c] where the format has it so, or where only that has 1 or 3 channels. */
function imageLayout({ name, shape }: ModelValue, format: Model['format']): ImageLayout {
  const tensor = shape?.slice(1) ?? []
  if (shape === undefined || shape.length !== 4 || tensor.some((n) => n === undefined))
    throw usageError(`the input "${name}" of the model is ${shapeText(shape)}, which is no batch of images`, {
      where: '--net',
      hint: 'Needed is [n, channels, height, width] with fixed sizes.',
    })
  const [a, b, c] = tensor as [number, number, number]
  const few = (n: number) => n === 1 || n === 3
  const channelsLast = format === 'tflite' || (!few(a) && few(c))
  return { shape: channelsLast ? [c, a, b] : [a, b, c], tensor: [a, b, c], channelsLast }
}

interface Encoder {
  readonly taken: string
  put(images: ImageSet, index: number, layout: ImageLayout, to: ModelTensor, at: number): void
}

/** How stored values become a model's input: bytes as they are (less 128 for int8), or real values of a range. */
function encoder(input: ModelValue, range: InputRange | undefined): Encoder {
  const { type, name } = input
  const codes = type === 'uint8' || type === 'int8'
  if (!codes && type !== 'float32' && !isHalf(type))
    throw usageError(
      `the input "${name}" of the model is ${type}: images are given as float32, uint8 or int8`,
      {
        where: '--net',
      },
    )
  if (codes && range !== undefined)
    throw usageError(`the input "${name}" of the model takes codes of ${type}, not real values`, {
      where: '--input-range',
      hint: 'Leave it away.',
    })
  const [low, high] = range ?? [0, 1]
  const offset = type === 'int8' ? -128 : 0
  return {
    taken: codes ? `bytes as ${offset}..${offset + 255}` : `pixels as ${low}..${high}`,
    put(set, index, { channelsLast }, { data }, at) {
      const { images, encoding } = set
      const [channels, height, width] = set.shape
      const plane = height * width
      const start = index * channels * plane
      const to = data as Float32Array
      for (let c = 0; c < channels; c++) {
        const [scale, zero] = [encoding?.scale[c], encoding?.offset[c]]
        const codeOf = codes ? codesOfStored(input, set, c) : undefined
        for (let p = 0; p < plane; p++) {
          const stored = images[start + c * plane + p]!
          const place = at + (channelsLast ? p * channels + c : c * plane + p)
          if (codeOf) to[place] = codeOf(stored)
          else if (scale !== undefined) to[place] = stored * scale + zero!
          else to[place] = low + (stored / 255) * (high - low)
        }
      }
    },
  }
}

/** The codes of a model's input for the stored values of a channel: bytes as they are, else those of the real values that they are. */
function codesOfStored(
  { type, name, quantisation }: ModelValue,
  { images, encoding }: ImageSet,
  channel: number,
): (stored: number) => number {
  const least = type === 'int8' ? -128 : 0
  if (images instanceof Uint8Array) return (stored) => stored + least
  const [scale, zero] = [encoding?.scale[channel], encoding?.offset[channel]]
  if (scale !== undefined && quantisation?.scale.length === 1) {
    const own = { scale: quantisation.scale[0]!, zeroPoint: quantisation.zeroPoint[0]! }
    return (stored) => Math.max(least, Math.min(least + 255, codeOfReal(stored * scale + zero!, own)))
  }
  // codes of int8, in a scale that neither tells
  if (images instanceof Int8Array) return (stored) => stored + least + 128
  throw usageError(
    `the input "${name}" of the model takes codes of ${type} in a scale that its file does not tell, and the data set has real values`,
    { where: '--data', hint: 'Use a model that takes real values and quantises them itself.' },
  )
}
