import { setImmediate } from 'node:timers/promises'
import { type Accuracy, accuracyCounter } from '../net/data/accuracy.ts'
import type { ImageSet } from '../net/data/store.ts'
import type { QGraph } from '../quant/qgraph.ts'
import { codeRange, quantiseValue } from '../quant/rules.ts'
import { type Emulator, emptyCodes, tensorElements } from './emulator.ts'

const batch = 64

/** Codes of bytes (real = byte / 255), round half up: the input quantisation, as a table of 256. */
export function byteCodes(graph: QGraph): Int16Array {
  const { bits, signed, scale } = graph.tensors[graph.input]!
  const [low, high] = codeRange(bits, signed)
  return Int16Array.from({ length: 256 }, (_, byte) => quantiseValue(byte / 255, scale, low, high))
}

/** Share of images whose class the emulator finds. Stops early when the signal is aborted. */
export async function emulatedAccuracy(
  emulator: Emulator,
  set: ImageSet,
  signal: AbortSignal,
  update: (done: number) => void = () => {},
): Promise<Accuracy> {
  const { graph } = emulator
  const input = graph.tensors[graph.input]!
  const size = tensorElements(input)
  const classes = tensorElements(graph.tensors[graph.output]!)
  const ofByte = byteCodes(graph)
  const counter = accuracyCounter()
  for (let first = 0; first < set.count && !signal.aborted; first += batch) {
    const count = Math.min(batch, set.count - first)
    const codes = emptyCodes(input, count)
    for (let i = 0; i < codes.length; i++) codes[i] = ofByte[set.images[first * size + i]!]!
    const result = emulator.runBatch(codes, count).get(graph.output)!
    for (let i = 0; i < count; i++)
      counter.add(result.subarray(i * classes, (i + 1) * classes), set.labels[first + i]!)
    update(first + count)
    await setImmediate()
  }
  return counter.result()
}
