import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { buildAssignment } from '../../../src/approx/build.ts'
import { createEmulator, emptyCodes } from '../../../src/emu/emulator.ts'
import { lowerTflite } from '../../../src/model/lower/tflite/graph.ts'
import type { ModelTensor } from '../../../src/model/model.ts'
import { createTfliteEvaluator } from '../../../src/model/tflite/evaluate.ts'
import { readTflite } from '../../../src/model/tflite/read.ts'

const shared = resolve(import.meta.dirname, '../../../../shared/data')
const model = (name: string) => {
  const file = join(shared, 'models', name)
  return readTflite(readFileSync(file), file)
}

const firstLargest = (codes: ArrayLike<number>) => {
  let best = 0
  for (let i = 1; i < codes.length; i++) if (codes[i]! > codes[best]!) best = i
  return best
}

describe.skipIf(!existsSync(join(shared, 'models')))(
  'the published models of MLPerf Tiny (not run where their data is missing)',
  () => {
    test('keyword spotting finds 449 of 500 clips, of which 60 are tried unless all tests run', () => {
      const { inputs, outputs, ...rest } = model('kws_ref_model.tflite')
      const evaluator = createTfliteEvaluator({ inputs, outputs, ...rest })
      const clips = readFileSync(join(shared, 'keyword-spotting', 'kws01-first500.x.i8.bin'))
      const labels = readFileSync(join(shared, 'keyword-spotting', 'kws01-first500.y.u8.bin'))
      const all = process.env['XGEN_FULL'] !== undefined
      let right = 0
      for (let i = 0; i < (all ? 500 : 60); i++) {
        const data = new Int8Array(clips.buffer, clips.byteOffset + 490 * i, 490)
        const clip: ModelTensor = { type: 'int8', shape: [1, 49, 10, 1], data }
        const result = evaluator.run(new Map([[inputs[0]!.name, clip]])).get(outputs[0]!.name)!
        if (firstLargest(result.data as Int8Array) === labels[i]) right++
      }
      expect(right).toBe(all ? 449 : 57)
    })

    test.each([
      ['kws_ref_model.tflite', [49, 10, 1], 12],
      ['pretrainedResnet_quant.tflite', [32, 32, 3], 15],
    ] as const)(
      '%s: the emulator has the codes of the file, stored signed or unsigned',
      (name, shape, layers) => {
        const whole = model(name)
        const [height, width, channels] = shape
        const size = height * width * channels
        const codes = Int8Array.from({ length: size }, (_, i) => ((i * i * 13 + i * 5) % 256) - 128)
        const file = new Map<string, ModelTensor>()
        const image: ModelTensor = { type: 'int8', shape: [1, ...shape], data: codes }
        createTfliteEvaluator(whole).run(new Map([[whole.inputs[0]!.name, image]]), (id, tensor) =>
          file.set(id, tensor),
        )
        for (const unsigned of [false, true]) {
          const { graph, tensorOf, host } = lowerTflite(whole, { unsigned })
          expect(graph.nodes.length).toBe(layers)
          expect(host.length).toBe(1)
          const input = emptyCodes(graph.tensors[graph.input]!)
          const offset = (id: string) => (graph.tensors[id]!.signed ? 0 : 128)
          for (let c = 0; c < channels; c++)
            for (let p = 0; p < height * width; p++)
              input[c * height * width + p] = codes[p * channels + c]! + offset(graph.input)
          const trace = createEmulator(graph, buildAssignment(graph, [])).runImage(input)
          for (const [id, tensor] of tensorOf) {
            if (id === graph.input) continue
            const [depth, rows, columns] = graph.tensors[id]!.shape
            const area = rows * columns
            const { data } = file.get(tensor)!
            const expected = Array.from(
              { length: depth * area },
              (_, i) => Number(data[(i % area) * depth + Math.floor(i / area)]) + offset(id),
            )
            expect([id, ...trace.get(id)!]).toEqual([id, ...expected])
          }
        }
      },
    )

    test('ResNet-8 is read whole, in both precisions', () => {
      for (const name of ['pretrainedResnet.tflite', 'pretrainedResnet_quant.tflite']) {
        const resnet = model(name)
        expect(resnet.nodes.map(({ operator }) => operator).join(' ')).toBe(
          'CONV_2D CONV_2D CONV_2D ADD CONV_2D CONV_2D CONV_2D ADD CONV_2D CONV_2D CONV_2D ADD AVERAGE_POOL_2D RESHAPE FULLY_CONNECTED SOFTMAX',
        )
        expect(() => createTfliteEvaluator(resnet)).not.toThrow()
      }
    })
  },
)
