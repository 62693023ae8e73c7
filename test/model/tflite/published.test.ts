import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
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
