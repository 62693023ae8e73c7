import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { silent } from '../../src/base/progress.ts'
import { floatNetwork } from '../../src/float/forward.ts'
import { slice } from '../../src/net/data/store.ts'
import { syntheticDigits } from '../../src/net/data/synthetic.ts'
import type { Layer, Network } from '../../src/net/network.ts'
import { elements, outputShape } from '../../src/net/shapes.ts'
import { initialWeights } from '../../src/net/weights.ts'
import { createModel, crossEntropy } from '../../src/train/model.ts'
import { learningRate } from '../../src/train/optimiser.ts'
import { floatAccuracy, type Training, train } from '../../src/train/trainer.ts'
import { randomImages, randomNetwork, randomWeights } from '../fixtures/networks.ts'

const directory = mkdtempSync(join(tmpdir(), 'xgen-train-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const digits = syntheticDigits([1, 12, 12], 700, 3)
const network: Network = {
  name: 'small',
  input: { shape: [1, 12, 12] },
  layers: [
    {
      kind: 'conv2d',
      name: 'conv1',
      filters: 6,
      kernel: [3, 3],
      stride: [1, 1],
      padding: [1, 1, 1, 1],
      groups: 1,
    },
    { kind: 'relu', name: 'relu1' },
    { kind: 'pool', name: 'pool1', mode: 'max', window: [2, 2], stride: [2, 2] },
    { kind: 'flatten', name: 'flatten' },
    { kind: 'dense', name: 'fc1', units: 10 },
  ],
}

const training = (name: string, changes: Partial<Training> = {}): Training => ({
  network,
  initial: initialWeights(network, 1),
  train: slice(digits, 0, 600),
  validation: slice(digits, 600, 700),
  settings: { epochs: 4, batch: 20, rate: 0.01, optimiser: 'adam', shift: 1, seed: 9 },
  checkpoint: join(directory, `${name}.checkpoint`),
  resume: false,
  progress: silent,
  signal: new AbortController().signal,
  ...changes,
})

describe('gradients', () => {
  test('equal the differences of the loss, for every kind of layer', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const net = randomNetwork(seed)
      const classes = elements(outputShape(net))
      const model = createModel(net, randomWeights(net, seed), 2)
      const batch = Float32Array.from(randomImages(net, 2, seed).flatMap((image) => [...image]))
      const loss = () => model.learn(batch, Uint8Array.of(0, classes - 1))
      loss()
      for (const { name, values, gradient } of model.parameters) {
        const expected = gradient.slice()
        const at = expected.reduce((best, g, i) => (Math.abs(g) > Math.abs(expected[best]!) ? i : best), 0)
        const kept = values[at]!
        // Large steps meet the kinks of ReLU and max pooling, small ones the rounding of float32.
        const errors = [4e-3, 1e-3, 2.5e-4, 6e-5].map((step) => {
          values[at] = kept + step
          const above = loss()
          values[at] = kept - step
          const below = loss()
          values[at] = kept
          return Math.abs((above - below) / (2 * step) - expected[at]!)
        })
        expect(Math.min(...errors), `seed ${seed}: ${name}[${at}]`).toBeLessThan(
          0.01 + 0.05 * Math.abs(expected[at]!),
        )
      }
    }
  })

  test('cross-entropy and its gradient', () => {
    const logits = Float32Array.of(0, Math.log(3), 1, 1)
    expect(crossEntropy(logits, Uint8Array.of(1, 0), 2)).toBeCloseTo((Math.log(4 / 3) + Math.log(2)) / 2, 6)
    expect([...logits].map((g) => Math.round(g * 1e6) / 1e6)).toEqual([0.125, -0.125, -0.25, 0.25])
  })

  test('the forward pass of training is the float reference', () => {
    const model = createModel(network, initialWeights(network, 1), 1)
    const float = floatNetwork(network, model.weights())
    const image = randomImages(network, 1, 1)[0]!
    const logits = float.run(image).slice()
    expect(model.learn(image, Uint8Array.of(3))).toBeCloseTo(crossEntropy(logits, Uint8Array.of(3), 10), 6)
  })
})

describe('training', () => {
  test('learns drawn digits, and the same seed gives the same weights', async () => {
    const first = await train(training('first'))
    expect(first.validation).toBeGreaterThan(0.8)
    const second = await train(training('second'))
    expect(second.weights).toEqual(first.weights)
    expect(second.bestEpoch).toBe(first.bestEpoch)
    const measured = await floatAccuracy(
      network,
      first.weights,
      slice(digits, 600, 700),
      new AbortController().signal,
    )
    expect(measured.top1).toBe(first.validation)
  })

  test('momentum learns too', async () => {
    const base = training('sgd')
    expect(
      (await train({ ...base, settings: { ...base.settings, optimiser: 'sgd', rate: 0.02 } })).validation,
    ).toBeGreaterThan(0.6)
  })

  test('interrupted and resumed it gives what it would have given', async () => {
    const whole = await train(training('whole'))
    const abort = new AbortController()
    let steps = 0
    const progress = {
      ...silent,
      update: () => {
        if (++steps === 47) abort.abort(new Error('stop'))
      },
    }
    await expect(train(training('resumed', { progress, signal: abort.signal }))).rejects.toThrow('stop')
    expect(existsSync(join(directory, 'resumed.checkpoint'))).toBe(true)
    const resumed = await train(training('resumed', { resume: true }))
    expect(resumed).toEqual(whole)
  })

  test('a checkpoint of other settings, or none, is refused', async () => {
    await train(training('other', { settings: { ...training('x').settings, epochs: 1 } }))
    await expect(train(training('other', { resume: true }))).rejects.toMatchObject({
      kind: 'usage',
      message: expect.stringContaining('other settings'),
    })
    await expect(train(training('none', { resume: true }))).rejects.toMatchObject({
      kind: 'data',
      message: expect.stringContaining('no checkpoint'),
    })
  })

  test('the learning rate rises, then falls to almost nothing', () => {
    const rates = [1, 10, 20, 500, 1000].map((step) => learningRate(1, step, 1000))
    expect(rates.map((rate) => Math.round(rate * 100) / 100)).toEqual([0.05, 0.5, 1, 0.5, 0])
  })
})

describe('layers that cannot be trained', () => {
  const sequence: Layer = { kind: 'reshape', name: 'sequence', shape: [3, 4] }
  test.each<[string, Layer[]]>([
    ['layer "act1" (activation)', [{ kind: 'activation', name: 'act1', function: { name: 'tanh' } }]],
    ['layer "mul1" (mul)', [{ kind: 'mul', name: 'mul1', inputs: ['input', 'input'] }]],
    ['layer "softmax1" (softmax)', [{ kind: 'softmax', name: 'softmax1' }]],
    ['layer "sequence" (reshape)', [sequence]],
    [
      'layer "pad1" (zeros around the edges)',
      [{ kind: 'pad', name: 'pad1', channels: [0, 0], edges: [1, 1, 1, 1] }],
    ],
  ])('%s is refused by name', (named, layers) => {
    const net: Network = { name: 'small', input: { shape: [1, 3, 4] }, layers }
    expect(() => createModel(net, initialWeights(net, 1), 1)).toThrow(`${named} cannot be trained`)
  })
})
