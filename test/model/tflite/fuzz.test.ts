import { expect, test } from 'vitest'
import { XgenError } from '../../../src/base/errors.ts'
import { type Random, seededRandom } from '../../../src/base/random.ts'
import { tryLowering } from '../../../src/model/lower/lower.ts'
import { floatView } from '../../../src/model/lower/tflite/float-view.ts'
import { lowerTflite } from '../../../src/model/lower/tflite/graph.ts'
import type { Model } from '../../../src/model/model.ts'
import { elementsOf, emptyTensor } from '../../../src/model/tensors.ts'
import { createTfliteEvaluator } from '../../../src/model/tflite/evaluate.ts'
import { readTflite } from '../../../src/model/tflite/read.ts'
import { mutated } from '../../fixtures/mutated.ts'
import { randomTflite } from '../../fixtures/random-tflite.ts'
import { tfliteFile } from '../../fixtures/tflite.ts'

const runs = process.env['XGEN_FULL'] === '1' ? 100_000 : 1000

/** Small models of real values and of codes, with up to ten operators of all kinds. */
const seeds = Array.from({ length: 40 }, (_, i) => tfliteFile(randomTflite(i + 1, i % 2 === 0)))

/** A place beyond the file, a length of billions, a negative number, or another place in the file. */
const harm = (random: Random) =>
  random.integer(0, 1) === 0
    ? [0xff, 0xff, 0xff, random.integer(0, 255)]
    : [random.integer(0, 255), random.integer(0, 15), 0, 0]

/** Bytes changed, or a number of four bytes: lengths and places stand there. */
function harmed(bytes: Uint8Array, random: Random): Uint8Array {
  if (random.integer(0, 1) === 0) return mutated(bytes, random, harm)
  const copy = bytes.slice()
  for (let n = random.integer(1, 4); n > 0; n--)
    copy.set(harm(random), 4 * random.integer(0, Math.floor(copy.length / 4) - 1))
  return copy
}

/** Lowers a model that read well in both ways, and runs it unless it became a large one. */
function use(model: Model): void {
  const lowerings = [() => lowerTflite(model), () => tryLowering(floatView(model).model, { name: 'mutated' })]
  for (const lower of lowerings) unlessRefused(lower)
  const evaluator = createTfliteEvaluator(model, { elements: 2 ** 20, work: 2 ** 24 })
  const sizes = [...model.values.values()].map(({ shape }) => elementsOf(shape as number[]))
  if (sizes.reduce((sum, n) => sum + n, 0) > 2 ** 20) return
  const inputs = model.inputs.map(
    ({ name, type, shape }) => [name, emptyTensor(type, shape as number[])] as const,
  )
  evaluator.run(new Map(inputs))
}

/** Whether it was refused, for a reason. */
function unlessRefused(f: () => unknown): boolean {
  try {
    f()
    return false
  } catch (error) {
    if (!(error instanceof XgenError) || error.kind === 'internal') throw error
    expect(error.message.length).toBeGreaterThan(10)
    return true
  }
}

test('mutated TensorFlow Lite files are computed, or refused with a reason, within 1 GB', () => {
  const random = seededRandom(20)
  let refused = 0
  for (let i = 0; i < runs; i++) {
    const file = harmed(seeds[i % seeds.length]!, random)
    if (unlessRefused(() => use(readTflite(file, 'mutated.tflite')))) refused++
  }
  expect(refused).toBeGreaterThan(runs / 4)
  expect(refused).toBeLessThan(runs)
  // in kilobytes
  expect(process.resourceUsage().maxRSS).toBeLessThan(2 ** 20)
}, 600_000)
