import { setImmediate } from 'node:timers/promises'
import { type Accuracy, accuracyCounter } from '../net/data/accuracy.ts'
import { type ImageSet, slice } from '../net/data/store.ts'
import { quantiseImages } from '../quant/input.ts'
import { type Emulator, emptyCodes, tensorElements } from './emulator.ts'

/** Large batches: tables are built once for all images of one. */
const batch = 256

/** Share of images whose class the emulator finds, added to what `counter` has. Stops early when the signal is aborted. */
export async function emulatedAccuracy(
  emulator: Emulator,
  set: ImageSet,
  signal: AbortSignal,
  update: (done: number) => void = () => {},
  counter = accuracyCounter(),
): Promise<Accuracy> {
  const { graph } = emulator
  const input = graph.tensors[graph.input]!
  const classes = tensorElements(graph.tensors[graph.output]!)
  for (let first = 0; first < set.count && !signal.aborted; first += batch) {
    const count = Math.min(batch, set.count - first)
    const codes = quantiseImages(input, slice(set, first, first + count), emptyCodes(input, count))
    const result = emulator.result(codes, count)
    for (let i = 0; i < count; i++)
      counter.add(result.subarray(i * classes, (i + 1) * classes), set.labels[first + i]!)
    update(first + count)
    await setImmediate()
  }
  return counter.result()
}
