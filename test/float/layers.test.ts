import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../src/base/random.ts'
import { floatNetwork } from '../../src/float/forward.ts'
import type { ActivationFunction, Layer, Network } from '../../src/net/network.ts'
import { elements, layerShapes } from '../../src/net/shapes.ts'
import { randomImages, randomWeights } from '../fixtures/networks.ts'
import { oracleFunction, oracleSoftmax, oracleTranspose } from '../oracles/elementwise.ts'
import { oracleConvolution, oracleDense, oraclePad, oraclePool } from '../oracles/layers.ts'
import { oracleRecurrent } from '../oracles/recurrent.ts'

type Map3 = readonly [number, number, number]

/** The last layer's result for a random image, with what its own input was and its weights. */
function run(shape: Map3, ...layers: Layer[]) {
  const network: Network = { name: 'small', input: { shape }, layers }
  const weights = randomWeights(network, elements(shape) + layers.length)
  const [image] = randomImages(network, 1, elements(shape))
  const signed = image!.map((v) => 8 * v - 4)
  const results: number[][] = [[...signed]]
  floatNetwork(network, weights).trace(signed, (_name, values) => results.push([...values]))
  const last = layers.at(-1)!
  return { input: results.at(-2)!, result: results.at(-1)!, own: weights.get(last.name) }
}

function expectClose(got: readonly number[], wanted: readonly number[]): void {
  expect(got.length).toBe(wanted.length)
  for (const [i, v] of wanted.entries()) expect(Math.abs(got[i]! - v)).toBeLessThan(1e-4 * (1 + Math.abs(v)))
}

const seeds = fc.integer({ min: 1, max: 1_000_000 })

describe('the float reference of', () => {
  test('convolutions with dilation, groups and several filters for a channel', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const random = seededRandom(seed)
        const any = (low: number, high: number) => random.integer(low, high)
        const groups = any(1, 3)
        const shape = [groups * any(1, 2), any(7, 10), any(7, 10)] as const
        const conv = {
          kind: 'conv2d',
          name: 'conv1',
          filters: groups * any(1, 3),
          kernel: [any(1, 3), any(1, 3)],
          stride: [any(1, 2), any(1, 3)],
          padding: [any(0, 2), any(0, 2), any(0, 2), any(0, 2)],
          groups,
          dilation: [any(1, 3), any(1, 3)],
        } as const
        const { input, result, own } = run(shape, conv)
        expectClose(
          result,
          oracleConvolution({ ...conv, input: shape }, input, [...own!.weight], [...own!.bias]),
        )
      }),
      { numRuns: 60 },
    )
  })

  test('pooling rounded up, with and without the padding in its averages', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const random = seededRandom(seed)
        const any = (low: number, high: number) => random.integer(low, high)
        const shape = [2, any(3, 9), any(3, 9)] as const
        const window = [any(1, 3), any(1, 3)] as const
        const pad = (axis: 0 | 1) => any(0, window[axis] - 1)
        const pool = {
          kind: 'pool',
          name: 'pool1',
          mode: any(0, 1) === 0 ? 'max' : 'average',
          window,
          stride: [any(1, 4), any(1, 4)],
          padding: [pad(0), pad(1), pad(0), pad(1)],
          ceil: any(0, 1) === 0,
          countPadding: any(0, 1) === 0,
        } as const
        const { input, result } = run(shape, pool)
        expectClose(result, oraclePool({ ...pool, input: shape }, input))
      }),
      { numRuns: 150 },
    )
  })

  test.each<ActivationFunction>([
    { name: 'clip', low: 0, high: 6 },
    { name: 'clip', low: -1, high: 0.5 },
    { name: 'leaky-relu', slope: 0.1 },
    { name: 'elu', alpha: 0.7 },
    { name: 'hard-sigmoid', slope: 0.2, offset: 0.5 },
    { name: 'hard-swish' },
    { name: 'swish' },
    { name: 'sigmoid' },
    { name: 'tanh' },
  ])('$name', (f) => {
    const { input, result } = run([2, 3, 5], { kind: 'activation', name: 'act', function: f })
    expectClose(
      result,
      input.map((x) => oracleFunction(f, x)),
    )
  })

  test('softmax over channels, features and the features of each step', () => {
    const softmax: Layer = { kind: 'softmax', name: 'softmax' }
    const map = run([4, 3, 2], softmax)
    expectClose(map.result, oracleSoftmax(4, 6, map.input))
    const features = run([4, 3, 2], { kind: 'flatten', name: 'flatten' }, softmax)
    expectClose(features.result, oracleSoftmax(24, 1, features.input))
    const steps = run([1, 3, 4], { kind: 'reshape', name: 'reshape', shape: [3, 4] }, softmax)
    expectClose(
      steps.result,
      [0, 4, 8].flatMap((at) => oracleSoftmax(4, 1, steps.input.slice(at, at + 4))),
    )
  })

  test('products of maps, and of a map and its channels', () => {
    const same = run([2, 3, 2], { kind: 'mul', name: 'mul', inputs: ['input', 'input'] })
    expectClose(
      same.result,
      same.input.map((x) => x * x),
    )
    const squeeze: Layer = { kind: 'pool', name: 'means', mode: 'average', window: [3, 2], stride: [3, 2] }
    for (const inputs of [
      ['input', 'means'],
      ['means', 'input'],
    ] as const) {
      const layer: Layer = { kind: 'mul', name: 'mul', inputs }
      const { result } = run([2, 3, 2], squeeze, layer)
      const image = run([2, 3, 2], { kind: 'reshape', name: 'r', shape: [12] }).input
      const mean = (c: number) => image.slice(6 * c, 6 * c + 6).reduce((a, b) => a + b, 0) / 6
      expectClose(
        result,
        image.map((x, i) => x * mean(Math.floor(i / 6))),
      )
    }
  })

  test('transpositions, of axes that the input is only seen with too', () => {
    const plain = run([2, 3, 4], { kind: 'transpose', name: 't', order: [2, 0, 1] })
    expect(plain.result).toEqual(oracleTranspose([2, 3, 4], [2, 0, 1], plain.input))
    const from = [2, 3, 2, 2]
    const shuffle = run([6, 2, 2], { kind: 'transpose', name: 't', from, order: [1, 0, 2, 3], to: [6, 2, 2] })
    expect(shuffle.result).toEqual(oracleTranspose(from, [1, 0, 2, 3], shuffle.input))
  })

  test('zeros around a map', () => {
    const edges = [1, 0, 2, 3] as const
    const { input, result } = run([2, 3, 4], { kind: 'pad', name: 'pad', channels: [1, 0], edges })
    expect(result).toEqual(oraclePad([2, 3, 4], 1, 0, input, edges))
  })

  test('dense layers at each step of a sequence', () => {
    const sequence: Layer = { kind: 'reshape', name: 'sequence', shape: [3, 5] }
    const { input, result, own } = run([1, 3, 5], sequence, { kind: 'dense', name: 'fc', units: 4 })
    expectClose(
      result,
      [0, 5, 10].flatMap((at) => oracleDense(input.slice(at, at + 5), [...own!.weight], [...own!.bias])),
    )
  })

  const directions = ['forward', 'backward', 'bidirectional'] as const
  test.each(
    (['rnn', 'lstm', 'gru', 'gru-before'] as const).flatMap((cell) =>
      directions.flatMap((direction) =>
        (['all', 'last'] as const).map((returns) => [cell, direction, returns] as const),
      ),
    ),
  )('%s, %s, %s', (cell, direction, returns) => {
    const layer = {
      kind: cell === 'gru-before' ? 'gru' : cell,
      name: 'cell',
      units: 3,
      direction,
      returns,
      ...(cell === 'gru-before' ? { reset: 'before' as const } : {}),
    } as const
    const sequence: Layer = { kind: 'reshape', name: 'sequence', shape: [6, 4] }
    const network: Network = { name: 'r', input: { shape: [1, 6, 4] }, layers: [sequence, layer] }
    expect(layerShapes(network).at(-1)!.output.length).toBe(returns === 'all' ? 2 : 1)
    const { input, result, own } = run([1, 6, 4], sequence, layer)
    const steps = Array.from({ length: 6 }, (_, t) => input.slice(4 * t, 4 * t + 4))
    expectClose(
      result,
      oracleRecurrent(layer, steps, {
        weight: [...own!.weight],
        bias: [...own!.bias],
        recurrentWeight: [...own!.recurrent!.weight],
        recurrentBias: [...own!.recurrent!.bias],
      }),
    )
  })
})
