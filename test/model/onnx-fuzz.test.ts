import { describe, expect, it } from 'vitest'
import { XgenError } from '../../src/base/errors.ts'
import { type Random, seededRandom } from '../../src/base/random.ts'
import { createOnnxEvaluator } from '../../src/model/evaluate.ts'
import { lowerOnnxCodes } from '../../src/model/lower/codes/lower.ts'
import { tryLowering } from '../../src/model/lower/lower.ts'
import { shapeOfOne } from '../../src/model/lower/trace.ts'
import type { Model } from '../../src/model/model.ts'
import { readOnnx } from '../../src/model/onnx/read.ts'
import { writeOnnx } from '../../src/model/onnx/write.ts'
import { onnxOperators } from '../../src/model/operators/onnx/registry.ts'
import type { Budget } from '../../src/model/operators/operator.ts'
import { emptyTensor } from '../../src/model/tensors.ts'
import { mutated } from '../fixtures/mutated.ts'
import { digitsModel, floatInput, int64Tensor, normalTensor, onnxModel } from '../fixtures/onnx-models.ts'
import { quantisedModel } from '../fixtures/quantised-models.ts'

const full = process.env['XGEN_FULL'] === '1'
const runs = full ? 100_000 : 1000

/** A length or size that is huge. */
const hugeSize = (random: Random) => [0xff, 0xff, 0xff, 0xff, random.integer(0, 15)]

/** Small models with operators of every kind. */
const small = (nodes: Parameters<typeof onnxModel>[1], constants: Parameters<typeof onnxModel>[3]) =>
  onnxModel([floatInput('x', 1, 2, 4, 4)], nodes, ['y'], constants)

const seeds: readonly (readonly [name: string, model: Model])[] = [
  [
    'maps',
    small(
      [
        {
          operator: 'Conv',
          inputs: ['x', 'w', 'b'],
          outputs: ['c'],
          attributes: { pads: [1, 1, 1, 1], strides: [1, 1] },
        },
        { operator: 'BatchNormalization', inputs: ['c', 'b', 'b', 'b', 'b'], outputs: ['n'] },
        {
          operator: 'MaxPool',
          inputs: ['n'],
          outputs: ['m'],
          attributes: { kernel_shape: [2, 2], ceil_mode: 1 },
        },
        { operator: 'Pad', inputs: ['m', 'pads'], outputs: ['p'], attributes: { mode: 'reflect' } },
        {
          operator: 'AveragePool',
          inputs: ['p'],
          outputs: ['y'],
          attributes: { kernel_shape: [2, 2], auto_pad: 'SAME_LOWER' },
        },
      ],
      {
        w: normalTensor([3, 2, 3, 3], 1),
        b: { type: 'float32', shape: [3], data: Float32Array.of(1, 2, 3) },
        pads: int64Tensor(0, 0, 1, 1, 0, 0, 1, 1),
      },
    ),
  ],
  [
    'shapes',
    small(
      [
        { operator: 'Transpose', inputs: ['x'], outputs: ['t'], attributes: { perm: [0, 2, 3, 1] } },
        { operator: 'Slice', inputs: ['t', 'from', 'to'], outputs: ['s'] },
        { operator: 'Reshape', inputs: ['s', 'shape'], outputs: ['r'] },
        { operator: 'Concat', inputs: ['r', 'r'], outputs: ['j'], attributes: { axis: 1 } },
        { operator: 'Gather', inputs: ['j', 'index'], outputs: ['g'], attributes: { axis: 1 } },
        { operator: 'Split', inputs: ['g'], outputs: ['a', 'b'], attributes: { axis: 1 } },
        { operator: 'Add', inputs: ['a', 'b'], outputs: ['y'] },
      ],
      {
        from: int64Tensor(0, 1),
        to: int64Tensor(1, 3),
        shape: int64Tensor(1, -1),
        index: int64Tensor(0, 3, -1, 2),
      },
    ),
  ],
  [
    'codes and sequences',
    small(
      [
        { operator: 'QuantizeLinear', inputs: ['x', 'scale', 'zero'], outputs: ['q'] },
        { operator: 'DequantizeLinear', inputs: ['q', 'scale', 'zero'], outputs: ['d'] },
        { operator: 'Reshape', inputs: ['d', 'shape'], outputs: ['r'] },
        { operator: 'GRU', inputs: ['r', 'w', 'h'], outputs: ['', 'g'], attributes: { hidden_size: 2 } },
        { operator: 'MatMul', inputs: ['g', 'm'], outputs: ['p'] },
        { operator: 'Softmax', inputs: ['p'], outputs: ['y'] },
      ],
      {
        scale: { type: 'float32', shape: [], data: Float32Array.of(0.1) },
        zero: { type: 'uint8', shape: [], data: Uint8Array.of(3) },
        shape: int64Tensor(8, 1, 4),
        w: normalTensor([1, 6, 4], 1),
        h: normalTensor([1, 6, 2], 2),
        m: normalTensor([2, 3], 3),
      },
    ),
  ],
  ['a network', digitsModel()],
  [
    'a network of codes',
    quantisedModel(
      small(
        [
          { operator: 'Conv', inputs: ['x', 'w'], outputs: ['c'], attributes: { pads: [1, 1, 1, 1] } },
          { operator: 'Relu', inputs: ['c'], outputs: ['r'] },
          { operator: 'Add', inputs: ['r', 'r'], outputs: ['a'] },
          { operator: 'Concat', inputs: ['a', 'x'], outputs: ['j'], attributes: { axis: 1 } },
          { operator: 'Pad', inputs: ['j', 'pads'], outputs: ['p'] },
          { operator: 'GlobalAveragePool', inputs: ['p'], outputs: ['y'] },
        ],
        { w: normalTensor([3, 2, 3, 3], 1), pads: int64Tensor(0, 1, 1, 1, 0, 0, 1, 1) },
      ),
      [normalTensor([1, 2, 4, 4], 2)],
      { type: 'int8', weights: 'int8', perFilter: true },
    ),
  ],
]

/** What is not an integer graph is refused with a reason too. */
function lowerIfPossible(model: Model): void {
  try {
    lowerOnnxCodes(model)
  } catch (error) {
    if (!(error instanceof XgenError) || error.kind === 'internal') throw error
  }
}

/** A small one, so that what asks for much is told early. */
const budget = (): Budget => ({ elements: 2 ** 20, work: 2 ** 24 })

describe('mutated ONNX files', () => {
  it.each(seeds)('%s: are computed, or refused with a reason', (_, model) => {
    const bytes = writeOnnx(model)
    const random = seededRandom(bytes.length)
    let [refused, computed] = [0, 0]
    for (let i = 0; i < runs / seeds.length; i++) {
      const file = mutated(bytes, random, hugeSize)
      try {
        const read = readOnnx(file, 'mutated.onnx', '.')
        tryLowering(read, { name: 'mutated' })
        lowerIfPossible(read)
        const inputs = new Map(
          read.inputs.map((value) => [value.name, emptyTensor(value.type, shapeOfOne(value))]),
        )
        createOnnxEvaluator(read, onnxOperators, budget).run(inputs)
        computed++
      } catch (error) {
        if (!(error instanceof XgenError) || error.kind === 'internal') throw error
        expect(error.message.length).toBeGreaterThan(10)
        refused++
      }
    }
    expect(refused).toBeGreaterThan(0)
    expect(computed).toBeGreaterThan(0)
    // in kilobytes: within 1 GB
    expect(process.resourceUsage().maxRSS).toBeLessThan(2 ** 20)
  })
})
