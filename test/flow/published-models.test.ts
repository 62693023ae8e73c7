import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { silent } from '../../src/base/progress.ts'
import { resolveConfiguration } from '../../src/flow/configuration.ts'
import { type EvalRequest, evaluate } from '../../src/flow/eval.ts'
import { dataSet } from '../../src/net/data/catalogue.ts'
import { isPresent } from '../../src/net/data/store.ts'

const models = resolve(import.meta.dirname, '../../../shared/data/models')
const full = process.env['XGEN_FULL'] === '1'

interface Published {
  readonly file: string
  readonly request: Omit<EvalRequest, 'images'>
  /** Images, and how many of them are found. */
  readonly all: readonly [images: number, right: number]
  readonly first: readonly [images: number, right: number]
}

/** `all` is of the whole test set (of keywords, the clips that are given); `first` of the images that every run of the tests tries. */
const published: readonly Published[] = [
  {
    file: 'pretrainedResnet_quant.tflite',
    request: { data: 'cifar-10', precision: undefined },
    all: [10_000, 8707],
    first: [500, 445],
  },
  {
    file: 'kws_ref_model.tflite',
    request: { data: 'keyword-spotting', precision: undefined },
    all: [500, 449],
    first: [100, 94],
  },
  {
    file: 'mnist-7.onnx',
    request: { data: 'mnist', precision: 'float', inputRange: [0, 255] },
    all: [10_000, 9891],
    first: [500, 493],
  },
]

describe('published models, as "xgen eval" evaluates them', () => {
  test.for(published)(
    '$file finds as many as it is known for',
    async ({ file, request, ...counts }, context) => {
      const net = join(models, file)
      if (!existsSync(net)) return context.skip('not run: no data (the published model files are missing)')
      if (!isPresent(dataSet(request.data!)))
        return context.skip(`not run: no data (set XGEN_DATA_DIR, or run "xgen data fetch ${request.data}")`)
      const [images, right] = full ? counts.all : counts.first
      const configuration = resolveConfiguration({ environment: {}, net })
      const { signal } = new AbortController()
      const result = await evaluate(configuration, { ...request, images }, silent, signal)
      expect(Math.round(result.top1 * images)).toBe(right)
      expect(result.images).toBe(images)
    },
  )
})
