import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { floatNetwork } from '../../src/float/forward.ts'
import { multiplyMatrices, rowMajor, transposed } from '../../src/float/matmul.ts'
import type { LayerWeights } from '../../src/net/network.ts'
import { asMap, type LayerShape, layerShapes } from '../../src/net/shapes.ts'
import { anyNetwork } from '../fixtures/any-networks.ts'
import { randomImages, randomNetwork, randomWeights } from '../fixtures/networks.ts'
import { oracleConvolution, oracleDense, oraclePad, oraclePool, oracleSubsample } from '../oracles/layers.ts'

function oracle(
  { layer, input }: LayerShape,
  inputs: readonly (readonly number[])[],
  w: LayerWeights | undefined,
): readonly number[] {
  const x = inputs[0]!
  const map = asMap(input)
  switch (layer.kind) {
    case 'conv2d':
      return oracleConvolution({ ...layer, input: map }, x, [...w!.weight], [...w!.bias])
    case 'dense':
      return oracleDense(x, [...w!.weight], [...w!.bias])
    case 'relu':
      return x.map((v) => Math.max(0, v))
    case 'pool':
      return oraclePool({ ...layer, input: map }, x)
    case 'flatten':
      return x
    case 'add':
      return x.map((v, i) => v + inputs[1]![i]!)
    case 'concat':
      return inputs.flat()
    case 'pad':
      return oraclePad(map, ...layer.channels, x)
    case 'subsample':
      return oracleSubsample(map, layer.stride, x)
    default:
      throw new Error(`random networks have no ${layer.kind}`)
  }
}

describe('the float reference', () => {
  test('equals plain loops on random networks, layer by layer', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), (seed) => {
        const network = randomNetwork(seed)
        const weights = randomWeights(network, seed)
        const image = randomImages(network, 1, seed)[0]!
        const results = new Map<string, readonly number[]>([['input', [...image]]])
        const shapes = new Map(layerShapes(network).map((shaped) => [shaped.layer.name, shaped]))
        floatNetwork(network, weights).trace(image, (name, values) => {
          const shaped = shapes.get(name)!
          const x = oracle(
            shaped,
            shaped.sources.map((source) => results.get(source)!),
            weights.get(name),
          )
          results.set(name, x)
          expect(values.length, name).toBe(x.length)
          for (const [i, v] of x.entries())
            expect(Math.abs(values[i]! - v), name).toBeLessThan(1e-4 * (1 + Math.abs(v)))
        })
      }),
      { numRuns: 100 },
    )
  })

  test.each([
    ['small networks', randomNetwork],
    ['layers of all kinds', anyNetwork],
  ])('several images give what each gives alone, to the last bit: %s', (_name, make) => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), (seed) => {
        const network = make(seed)
        const { run, size } = floatNetwork(network, randomWeights(network, seed))
        const images = randomImages(network, 3, seed)
        const together = new Float32Array(3 * size)
        for (const [i, image] of images.entries()) together.set(image, i * size)
        const results = Float32Array.from(run(together))
        const alone = images.map((image) => [...run(image)])
        expect([...results]).toEqual(alone.flat())
      }),
      { numRuns: 100 },
    )
  })

  test('matrix products of every size and layout', () => {
    const size = fc.integer({ min: 1, max: 21 })
    fc.assert(
      fc.property(
        size,
        size,
        size,
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        (m, n, k, ta, tb, accumulate) => {
          const a = Float32Array.from({ length: m * k }, (_, i) => ((i * 37) % 17) - 8)
          const b = Float32Array.from({ length: k * n }, (_, i) => ((i * 53) % 23) - 11)
          const c = new Float32Array(m * n).fill(3)
          const matrixA = ta ? transposed(rowMajor(a, m)) : rowMajor(a, k)
          const matrixB = tb ? transposed(rowMajor(b, k)) : rowMajor(b, n)
          multiplyMatrices([m, n, k], matrixA, matrixB, { data: c, offset: 0, row: n, accumulate })
          for (let i = 0; i < m; i++) {
            for (let j = 0; j < n; j++) {
              let sum = accumulate ? 3 : 0
              for (let s = 0; s < k; s++)
                sum += a[ta ? s * m + i : i * k + s]! * b[tb ? j * k + s : s * n + j]!
              expect(c[i * n + j]).toBe(sum)
            }
          }
        },
      ),
    )
  })
})
