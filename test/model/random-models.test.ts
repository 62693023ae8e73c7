import { describe, expect, it } from 'vitest'
import { XgenError } from '../../src/base/errors.ts'
import { floatNetwork } from '../../src/float/forward.ts'
import { createEvaluator } from '../../src/model/evaluator.ts'
import { type Lowered, tryLowering } from '../../src/model/lower/lower.ts'
import { readOnnx } from '../../src/model/onnx/read.ts'
import { writeOnnx } from '../../src/model/onnx/write.ts'
import { type RandomModel, randomModel } from '../fixtures/random-models.ts'

const cases = process.env['XGEN_FULL'] === '1' ? 5000 : 200

describe('random ONNX models', () => {
  it('are the same as networks, or are refused', () => {
    let networks = 0
    for (let seed = 1; seed <= cases; seed++) {
      const drawn = randomModel(seed)
      const result = asNetwork(drawn, seed)
      if (result === undefined) continue
      networks++
      expect(distance(result, drawn.result.data), told(drawn, seed)).toBeLessThan(1e-4)
    }
    expect(networks).toBeGreaterThan(cases / 2)
  }, 600_000)

  it('are evaluated from their files as they were put together', () => {
    for (let seed = 1; seed <= cases / 4; seed++) {
      const drawn = randomModel(seed)
      const read = readOnnx(writeOnnx(drawn.model), 'drawn.onnx', '.')
      const results = createEvaluator(read).run(new Map([['image', drawn.image]]))
      const [result] = [...results.values()]
      expect(result?.shape, told(drawn, seed)).toEqual(drawn.result.shape)
      expect(distance(result!.data, drawn.result.data), told(drawn, seed)).toBeLessThan(1e-6)
    }
  }, 600_000)
})

/** What the network of a model gives for its image; undefined where it is refused. What is not refused must run. */
function asNetwork({ model, image }: RandomModel, seed: number): Float32Array | undefined {
  const lowered = networkOf(model, seed)
  return lowered && floatNetwork(lowered.network, lowered.weights).run(image.data as Float32Array)
}

function networkOf(model: RandomModel['model'], seed: number): Lowered | undefined {
  try {
    return tryLowering(model, { name: 'drawn' }).lowered
  } catch (error) {
    if (error instanceof XgenError && error.kind === 'usage') return undefined
    throw new Error(`model ${seed} is neither refused nor lowered`, { cause: error })
  }
}

const told = ({ model }: RandomModel, seed: number) =>
  `model ${seed}: ${model.nodes.map(({ name }) => name).join(', ')}`

/** The largest difference of two results, by the largest value. */
function distance(a: ArrayLike<number | bigint>, b: ArrayLike<number | bigint>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY
  const numbers = Array.from(b, Number)
  const largest = Math.max(1e-3, ...numbers.map(Math.abs))
  return Math.max(...numbers.map((x, i) => Math.abs(x - Number(a[i])) / largest))
}
