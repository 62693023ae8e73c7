import { expect, test } from 'vitest'
import { silent } from '../../src/base/progress.ts'
import { findRanges } from '../../src/flow/calibration.ts'
import { initialWeights } from '../../src/net/weights.ts'
import { lenet5 } from '../../src/net/zoo/lenet5.ts'
import { calibrate } from '../../src/quant/calibrate.ts'

test('ranges are those of one go; weights whose results overflow are refused with the layer', async () => {
  const weights = initialWeights(lenet5, 1)
  const images = [new Float32Array(784).fill(1), new Float32Array(784).fill(0.5)]
  const { signal } = new AbortController()
  const find = () => findRanges(lenet5, weights, images, 'w.safetensors', silent, signal)
  expect(await find()).toEqual(calibrate(lenet5, weights, images))
  weights.get('conv2')!.weight.fill(3e38)
  await expect(find()).rejects.toMatchObject({
    kind: 'data',
    where: 'w.safetensors',
    message: expect.stringContaining('the results of layer "conv2" overflow'),
  })
})
