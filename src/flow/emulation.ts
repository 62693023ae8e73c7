import { emulatedAccuracy } from '../emu/accuracy.ts'
import { createEmulator, type Emulator, emptyCodes } from '../emu/emulator.ts'
import type { ImageSet } from '../net/data/store.ts'
import { quantiseImages } from '../quant/input.ts'
import type { Codes } from '../quant/rules.ts'
import type { Configuration } from './configuration.ts'
import type { AccuracyRun } from './eval.ts'
import type { EmulatedModel } from './model-emulation.ts'
import { prepare } from './preparation.ts'

/** Integers on the emulator, for images. */
export interface Emulation {
  readonly emulator: Emulator
  readonly run: AccuracyRun
  /** The codes that the graph takes for some images. */
  codes(images: ImageSet): Codes
}

/** The network of a configuration, quantised by xgen. */
export function networkEmulation(configuration: Configuration): Emulation {
  const { graph, assignment } = prepare(configuration)
  const emulator = createEmulator(graph, assignment)
  const input = graph.tensors[graph.input]!
  return {
    emulator,
    run: (images, signal, update, counter) => emulatedAccuracy(emulator, images, signal, update, counter),
    codes: (images) => quantiseImages(input, images, emptyCodes(input, images.count)),
  }
}

/** A model file that has integers of its own. */
export const modelEmulation = (model: EmulatedModel): Emulation => ({
  emulator: model.emulator,
  run: async (images, signal, update, counter) => {
    await model.run(images, signal, update, counter)
    return counter.result()
  },
  codes: (images) => model.codes(images),
})
