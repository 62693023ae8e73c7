import { describe, expect, test } from 'vitest'
import { buildAssignment } from '../../../src/approx/build.ts'
import { seededRandom } from '../../../src/base/random.ts'
import { createEmulator, emptyCodes } from '../../../src/emu/emulator.ts'
import { floatNetwork } from '../../../src/float/forward.ts'
import { lowerOnnx } from '../../../src/model/lower/lower.ts'
import { floatView } from '../../../src/model/lower/tflite/float-view.ts'
import { lowerTflite } from '../../../src/model/lower/tflite/graph.ts'
import type { ModelTensor } from '../../../src/model/model.ts'
import { createTfliteEvaluator } from '../../../src/model/tflite/evaluate.ts'
import { readTflite } from '../../../src/model/tflite/read.ts'
import { unlessRefused } from '../../fixtures/failure.ts'
import { randomTflite } from '../../fixtures/random-tflite.ts'
import { type FileModel, tfliteFile } from '../../fixtures/tflite.ts'

const cases = process.env['XGEN_FULL'] === '1' ? 5000 : 200

/** Values [1, y, x, channel] as [channel][y][x]; others as they are. */
function channelsFirst({ shape, data }: Pick<ModelTensor, 'shape' | 'data'>): number[] {
  const values = Array.from(data, Number)
  if (shape.length !== 4) return values
  const channels = shape[3]!
  const positions = values.length / channels
  return values.map((_, i) => values[(i % positions) * channels + Math.floor(i / positions)]!)
}

/** An image for a model, and what the file gives for it. */
function evaluated(file: FileModel, seed: number) {
  const random = seededRandom(seed)
  const { type, shape } = file.tensors[0]!
  const length = shape.reduce((product, n) => product * n, 1)
  const data =
    type === 'int8'
      ? Int8Array.from({ length }, () => random.integer(-128, 127))
      : type === 'uint8'
        ? Uint8Array.from({ length }, () => random.integer(0, 255))
        : Float32Array.from({ length }, () => random.unit())
  const model = readTflite(tfliteFile(file), 'x')
  const image: ModelTensor = { type: type as 'int8' | 'uint8' | 'float32', shape, data }
  const [result] = createTfliteEvaluator(model)
    .run(new Map([['t0', image]]))
    .values()
  return { model, image: channelsFirst(image), expected: channelsFirst(result!) }
}

/** The same file in uint8: codes and zero points 128 higher, weights of one scale. */
const unsigned = (file: FileModel): FileModel => ({
  ...file,
  tensors: file.tensors.map((tensor) => {
    if (tensor.type !== 'int8') return tensor
    const { data, scale, zeroPoint, ...rest } = tensor
    return {
      ...rest,
      type: 'uint8',
      ...(data && { data: data.map((code) => code + 128) }),
      ...(scale && { scale: scale.slice(0, 1), zeroPoint: [(zeroPoint?.[0] ?? 0) + 128] }),
    }
  }),
})

const told = (file: FileModel, seed: number) =>
  `model ${seed}: ${file.operators.map(({ operator }) => operator).join(', ')}`

describe('random models of TensorFlow Lite', () => {
  test('of floats are the same as networks, or are refused', () => {
    let networks = 0
    for (let seed = 1; seed <= cases; seed++) {
      const file = randomTflite(seed, false)
      const { model, image, expected } = evaluated(file, seed)
      const lowered = unlessRefused(() => lowerOnnx(floatView(model).model, { name: 'drawn' }))
      if (lowered === undefined) continue
      networks++
      const result = floatNetwork(lowered.network, lowered.weights).run(Float32Array.from(image))
      expect(result.length, told(file, seed)).toBe(expected.length)
      const largest = Math.max(1e-3, ...expected.map(Math.abs))
      const distance = Math.max(...expected.map((x, i) => Math.abs(x - result[i]!) / largest))
      expect(distance, told(file, seed)).toBeLessThan(1e-4)
    }
    expect(networks).toBeGreaterThan(cases / 3)
  }, 600_000)

  test.each([
    ['int8', (file: FileModel) => file, false],
    ['uint8', unsigned, false],
    ['int8 that are stored as uint8', (file: FileModel) => file, true],
  ] as const)(
    'of codes of %s are the same as integer graphs, code by code, or are refused',
    (_, made, stored) => {
      let graphs = 0
      for (let seed = 1; seed <= cases; seed++) {
        const file = made(randomTflite(seed, true))
        const { model, image, expected } = evaluated(file, seed)
        const graph = unlessRefused(() => lowerTflite(model, { unsigned: stored }).graph)
        if (graph === undefined) continue
        graphs++
        /** Codes of int8 may lie 128 higher in the graph. */
        const offset = (id: string) => (stored && !graph.tensors[id]!.signed ? 128 : 0)
        const codes = emptyCodes(graph.tensors[graph.input]!)
        codes.set(image.map((code) => code + offset(graph.input)))
        const trace = createEmulator(graph, buildAssignment(graph, [])).runImage(codes)
        const found = Array.from(trace.get(graph.output)!, (code) => code - offset(graph.output))
        expect(found, told(file, seed)).toEqual(expected)
      }
      expect(graphs).toBeGreaterThan(cases / 5)
    },
    600_000,
  )
})
