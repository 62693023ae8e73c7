/** Evaluates a network with seeded weights on drawn images, as `xgen eval` does, and tells what it took: bench/footprint.ts runs it. */
import { buildAssignment } from '../src/approx/build.ts'
import { seededRandom } from '../src/base/random.ts'
import { emulatedAccuracy } from '../src/emu/accuracy.ts'
import { createEmulator } from '../src/emu/emulator.ts'
import type { ByteImages } from '../src/net/data/store.ts'
import { choices, subjectOf } from './networks.ts'

const [network, wanted, count] = process.argv.slice(2)
const { graph } = subjectOf(network!)
const choice = choices.find(({ name }) => name === wanted)!
const emulator = createEmulator(graph, buildAssignment(graph, choice.entries(graph)))

const images = Number(count)
const { shape } = graph.tensors[graph.input]!
const random = seededRandom(3)
const set: ByteImages = {
  shape,
  count: images,
  images: Uint8Array.from({ length: images * shape[0] * shape[1] * shape[2] }, () => random.integer(0, 255)),
  labels: new Uint8Array(images),
}

const start = performance.now()
await emulatedAccuracy(emulator, set, new AbortController().signal)
const seconds = (performance.now() - start) / 1000
const { maxRSS } = process.resourceUsage()
process.stdout.write(
  JSON.stringify({ peakMegabytes: (maxRSS * 1024) / 1e6, imagesPerSecond: images / seconds }),
)
