import { describe, expect, it } from 'vitest'
import { floatNetwork } from '../../src/float/forward.ts'
import { seededWeights } from '../../src/flow/seeded.ts'
import { createEvaluator } from '../../src/model/evaluator.ts'
import { lowerOnnx } from '../../src/model/lower/lower.ts'
import { modelOf } from '../../src/model/onnx/from-network.ts'
import { readOnnx } from '../../src/model/onnx/read.ts'
import { writeOnnx } from '../../src/model/onnx/write.ts'
import type { Layer, Network } from '../../src/net/network.ts'
import { elements } from '../../src/net/shapes.ts'
import { zooEntry } from '../../src/net/zoo.ts'
import { normalTensor } from '../fixtures/onnx-models.ts'

const sequence = (...layers: Layer[]): Network => ({
  name: 'sequence',
  input: { shape: [1, 6, 5] },
  layers: [{ kind: 'reshape', name: 'steps', shape: [6, 5] }, ...layers],
})

const networks: readonly Network[] = [
  zooEntry('lenet5')!.network,
  zooEntry('resnet8')!.network,
  zooEntry('resnet20')!.network,
  zooEntry('dscnn-kws')!.network,
  zooEntry('mobilenetv2:width=0.35,resolution=32')!.network,
  sequence(
    { kind: 'gru', name: 'gru', units: 4, direction: 'bidirectional', returns: 'all', reset: 'before' },
    { kind: 'dense', name: 'fc', units: 3 },
    { kind: 'softmax', name: 'share' },
    { kind: 'lstm', name: 'lstm', units: 3, direction: 'backward', returns: 'last' },
  ),
  sequence(
    { kind: 'transpose', name: 'turned', order: [1, 0] },
    { kind: 'reshape', name: 'map', shape: [5, 3, 2] },
    { kind: 'pool', name: 'mean', mode: 'average', window: [3, 2], stride: [3, 2] },
    { kind: 'activation', name: 'gate', function: { name: 'hard-sigmoid', slope: 0.2, offset: 0.5 } },
    { kind: 'mul', name: 'scaled', inputs: ['map', 'gate'] },
    { kind: 'activation', name: 'swish', function: { name: 'swish' } },
    { kind: 'pad', name: 'wide', channels: [1, 2], edges: [1, 0, 2, 1] },
    { kind: 'activation', name: 'clip', function: { name: 'clip', low: -1, high: 2 } },
  ),
]

describe('a network as an ONNX file', () => {
  it.each(networks.map((network) => [network.name, network] as const))(
    '%s computes the same',
    (_, network) => {
      const weights = seededWeights(network)
      const model = readOnnx(writeOnnx(modelOf(network, weights)), 'written.onnx', '.')
      const image = normalTensor([1, ...network.input.shape], 5)
      const [written] = [
        ...createEvaluator(model)
          .run(new Map([['input', image]]))
          .values(),
      ]
      const expected = floatNetwork(network, weights)
        .run(image.data as Float32Array)
        .slice()
      close(written!.data as Float32Array, expected)
      const again = lowerOnnx(model, { name: network.name })
      expect(elements(again.network.input.shape)).toBe(image.data.length)
      if (network.layers.every(({ kind }) => kind !== 'subsample'))
        close(floatNetwork(again.network, again.weights).run(image.data as Float32Array), expected)
    },
  )
})

function close(found: Float32Array, expected: Float32Array): void {
  expect(found.length).toBe(expected.length)
  const largest = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-3)
  for (let i = 0; i < expected.length; i++)
    expect(Math.abs(found[i]! - expected[i]!) / largest).toBeLessThan(1e-4)
}
