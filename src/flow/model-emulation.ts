import { setImmediate } from 'node:timers/promises'
import { buildAssignment } from '../approx/build.ts'
import type { Entry } from '../approx/entries.ts'
import { usageError, XgenError } from '../base/errors.ts'
import { createEmulator, type Emulator, emptyCodes, tensorElements } from '../emu/emulator.ts'
import { createOnnxEvaluator, shapeText } from '../model/evaluate.ts'
import { computesIntegers } from '../model/integers.ts'
import { lowerOnnxCodes } from '../model/lower/codes/lower.ts'
import { type LoweredGraph, type LoweringOptions, lowerTflite } from '../model/lower/tflite/graph.ts'
import type { Model, ModelTensor, ModelValue } from '../model/model.ts'
import { codeOfReal } from '../model/operators/tflite/quantise.ts'
import { elementsOf } from '../model/tensors.ts'
import type { ImageSet } from '../net/data/store.ts'
import type { QTensor } from '../quant/qgraph.ts'
import { type Codes, codeRange } from '../quant/rules.ts'
import { type Configuration, quantOptionsOf } from './configuration.ts'
import {
  countScores,
  type ImageInput,
  type ImageModel,
  type InputRange,
  imageInput,
} from './model-accuracy.ts'

/** A model on the emulator. */
export interface EmulatedModel extends ImageModel {
  readonly emulator: Emulator
  /** The codes that the graph takes for some images. */
  codes(images: ImageSet): Codes
}

/** Images that the emulator gets at a time. */
const batch = 256

export interface EmulationOptions extends LoweringOptions {
  /** What bytes 0 and 255 of an image are for a model that takes real values. */
  readonly inputRange?: InputRange | undefined
}

/** What a configuration says of a model's integers: how they are stored. Their bits are the file's, and no others can be asked for. */
export function storageOf(configuration: Configuration): Pick<LoweringOptions, 'unsigned'> {
  const { weightBits, activationBits, unsigned } = quantOptionsOf(configuration)
  for (const [setting, bits] of Object.entries({ weights: weightBits, activations: activationBits }))
    if (bits !== 8)
      throw usageError(`${bits} bits are asked for, and a model file has its own`, {
        where: `quant.${setting}`,
        hint: 'Import it for other bits: "xgen net import FILE --data SET --out DIR".',
      })
  return { unsigned }
}

/**
 * A quantised model on the emulator, with the multipliers of `entries`: its codes are the file's own where they are exact. Undefined
 * where the model has no integer graph and needs none: it is evaluated as it is then.
 */
export function emulatedModel(
  model: Model,
  entries: readonly Entry[],
  options: EmulationOptions,
): EmulatedModel | undefined {
  const lowered = lowering(model, options, entries.length > 0)
  if (lowered === undefined) return undefined
  const { graph } = lowered
  const emulator = createEmulator(graph, buildAssignment(graph, entries))
  const input = graph.tensors[graph.input]!
  const given = imageInput(model, options.inputRange)
  const codesOf =
    model.format === 'tflite' ? fileReader(model, given, input) : codesReader(lowered, given, input)
  const scoresOf = scoresReader(lowered)
  const stored = given.taken.startsWith('bytes') && !input.signed ? 'bytes as 0..255' : given.taken
  return {
    emulator,
    codes: (images) => codesOf(images, 0, images.count),
    name: model.name,
    shape: given.shape,
    taken: stored,
    async run(images, signal, update, counter) {
      for (let first = 0; first < images.count && !signal.aborted; first += batch) {
        const count = Math.min(batch, images.count - first)
        const codes = emulator.result(codesOf(images, first, count), count)
        countScores(scoresOf(codes, count), count, count, images.labels.subarray(first), counter)
        update(first + count)
        await setImmediate()
      }
    },
  }
}

type CodesReader = (images: ImageSet, first: number, count: number) => Codes

/** Tensors of TensorFlow Lite, channels last, as codes of the graph: real values become those that the model's own QUANTIZE makes. */
function fileReader(model: Model, given: ImageInput, input: QTensor): CodesReader {
  const [channels, height, width] = input.shape
  const [low, high] = codeRange(8, input.signed)
  const { type } = model.inputs[0]!
  // int8 codes may lie 128 higher in the graph
  const above = type === 'int8' && !input.signed ? 128 : 0
  const codeOf =
    type === 'float32'
      ? (x: number) => Math.max(low, Math.min(high, codeOfReal(x, input)))
      : (code: number) => code + above
  const area = height * width
  return (images, first, count) => {
    const codes = emptyCodes(input, count)
    for (let i = 0; i < count; i++) {
      const { data } = given.tensor(images, first + i, 1)
      for (let c = 0, at = i * channels * area; c < channels; c++)
        for (let p = 0; p < area; p++, at++) codes[at] = codeOf(Number(data[p * channels + c]))
    }
    return codes
  }
}

/** The graph's codes of images: what the part in float before it makes of them, or the bytes as the model takes them. */
function codesReader({ head }: LoweredGraph, given: ImageInput, input: QTensor): CodesReader {
  const size = tensorElements(input)
  const evaluator = head && createOnnxEvaluator(head)
  return (images, first, count) => {
    const codes = emptyCodes(input, count)
    for (let from = 0; from < count; from += given.batch) {
      const some = Math.min(given.batch, count - from)
      const tensor = given.tensor(images, first + from, some)
      const made = evaluator ? [...evaluator.run(new Map([[given.name, tensor]])).values()][0]! : tensor
      writeCodes(made, codes.subarray(from * size, (from + some) * size))
    }
    return codes
  }
}

/** Codes of the file; 128 higher where the graph stores those of int8 unsigned. */
function writeCodes({ type, data }: ModelTensor, codes: Codes): void {
  const offset = type === 'int8' && codes instanceof Uint8Array ? 128 : 0
  for (let i = 0; i < codes.length; i++) codes[i] = Number(data[i]) + offset
}

/** The scores of images: the graph's codes, or what the part in float behind it makes of those, image by image. */
function scoresReader({ tail }: LoweredGraph) {
  const [end] = tail?.inputs ?? []
  const evaluator = tail && createOnnxEvaluator(tail)
  return (codes: Codes, count: number): Pick<ModelTensor, 'data'> => {
    if (evaluator === undefined) return { data: codes }
    const shape = end!.shape as readonly number[]
    const size = elementsOf(shape)
    const rows = Array.from({ length: count }, (_, i) => {
      const own = codes.subarray(i * size, (i + 1) * size)
      const offset = end!.type === 'int8' && codes instanceof Uint8Array ? 128 : 0
      const data = end!.type === 'int8' ? Int8Array.from(own, (code) => code - offset) : own
      const tensor = { type: end!.type, shape, data }
      return Array.from([...evaluator.run(new Map([[end!.name, tensor]])).values()][0]!.data, Number)
    })
    return { data: Float32Array.from(rows.flat()) }
  }
}

/** What keeps a quantised model off the emulator, in words; undefined where nothing does. */
export function whyNotEmulated(model: Model): string | undefined {
  try {
    lowering(model, {}, true)
    return undefined
  } catch (error) {
    if (!(error instanceof XgenError) || error.kind === 'internal') throw error
    return error.message
  }
}

/** The integer graph; what is in its way is an error where multipliers are asked for. */
function lowering(model: Model, options: LoweringOptions, needed: boolean): LoweredGraph | undefined {
  const [input] = model.inputs
  const quantised = computesIntegers(model)
  if (!quantised || input?.shape?.length !== 4) {
    if (!needed) return undefined
    throw quantised ? noImages(input) : floatOperators()
  }
  try {
    return model.format === 'onnx' ? lowerOnnxCodes(model, options) : lowerTflite(model, options)
  } catch (error) {
    if (needed || !(error instanceof XgenError) || error.kind === 'internal') throw error
    return undefined
  }
}

const importFirst = 'Import it first: "xgen net import FILE --data SET --out DIR".'

const noImages = (input: ModelValue | undefined) =>
  usageError(
    `the emulator gives a model file images of four axes; its input "${input?.name ?? ''}" is ${shapeText(input?.shape)}`,
    { where: '--mult', hint: importFirst },
  )

const floatOperators = () =>
  usageError('a model file that is evaluated as it is has exact multipliers', {
    where: '--mult',
    hint: `${importFirst} Quantised files take multipliers as they are.`,
  })
