import { setImmediate } from 'node:timers/promises'
import { buildAssignment } from '../approx/build.ts'
import type { Entry } from '../approx/entries.ts'
import { dataError, usageError, XgenError } from '../base/errors.ts'
import { createEmulator, type Emulator, emptyCodes, tensorElements } from '../emu/emulator.ts'
import { type LoweredGraph, type LoweringOptions, lowerTflite } from '../model/lower/tflite-graph.ts'
import type { Model } from '../model/model.ts'
import type { ImageSet } from '../net/data/store.ts'
import type { Codes } from '../quant/rules.ts'
import type { ImageModel } from './model-accuracy.ts'

/** A model on the emulator. */
export interface EmulatedModel extends ImageModel {
  readonly emulator: Emulator
  /** The codes that the graph takes for some images. */
  codes(images: ImageSet): Codes
}

/** Images that the emulator gets at a time. */
const batch = 256

/**
 * An int8 model on the emulator, with the multipliers of `entries`: its codes are the file's own where they are exact. Undefined
 * where the model has no integer graph and needs none: it is evaluated as it is then.
 */
export function emulatedModel(
  model: Model,
  entries: readonly Entry[],
  options: LoweringOptions,
): EmulatedModel | undefined {
  const lowered = lowering(model, options, entries.length > 0)
  if (lowered === undefined) return undefined
  const { graph } = lowered
  const emulator = createEmulator(graph, buildAssignment(graph, entries))
  const input = graph.tensors[graph.input]!
  const size = tensorElements(input)
  const offset = input.signed ? -128 : 0
  const codesOf = (images: ImageSet, first: number, count: number): Codes => {
    const codes = emptyCodes(input, count)
    writeCodes(images, first * size, codes, input.signed)
    return codes
  }
  return {
    emulator,
    codes: (images) => codesOf(images, 0, images.count),
    name: model.name,
    shape: input.shape,
    taken: `bytes as ${offset}..${offset + 255}`,
    async run(images, signal, update, counter) {
      for (let first = 0; first < images.count && !signal.aborted; first += batch) {
        const count = Math.min(batch, images.count - first)
        const scores = emulator.result(codesOf(images, first, count), count)
        const classes = scores.length / count
        for (let i = 0; i < count; i++) {
          const label = images.labels[first + i]!
          if (label >= classes)
            throw dataError(`an image is of class ${label}; the model gives ${classes} scores`, {
              where: '--data',
            })
          counter.add(scores.subarray(i * classes, (i + 1) * classes), label)
        }
        update(first + count)
        await setImmediate()
      }
    },
  }
}

/** The integer graph; what is in its way is an error where multipliers are asked for. */
function lowering(model: Model, options: LoweringOptions, needed: boolean): LoweredGraph | undefined {
  const [input] = model.inputs
  if (model.format !== 'tflite' || input?.type !== 'int8' || input.shape?.length !== 4) {
    if (!needed) return undefined
    throw usageError('a model file that is evaluated as it is has exact multipliers', {
      where: '--mult',
      hint: 'Import it first: "xgen net import FILE --data SET --out DIR". int8 files of TensorFlow Lite take multipliers as they are.',
    })
  }
  try {
    return lowerTflite(model, options)
  } catch (error) {
    if (needed || !(error instanceof XgenError) || error.kind === 'internal') throw error
    return undefined
  }
}

/** Bytes become codes by the place of 0; codes of signed sets are the file's, or 128 higher where the graph stores them unsigned. */
function writeCodes(
  { images }: ImageSet,
  from: number,
  codes: Int8Array | Uint8Array,
  signed: boolean,
): void {
  const offset = images instanceof Uint8Array ? (signed ? -128 : 0) : signed ? 0 : 128
  for (let i = 0; i < codes.length; i++) codes[i] = images[from + i]! + offset
}
