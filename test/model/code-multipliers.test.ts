import { describe, expect, test } from 'vitest'
import { buildAssignment } from '../../src/approx/build.ts'
import type { Multiplier } from '../../src/arith/multiplier.ts'
import { seededRandom } from '../../src/base/random.ts'
import { createEmulator, emptyCodes, type Trace } from '../../src/emu/emulator.ts'
import { lowerOnnxCodes } from '../../src/model/lower/codes/lower.ts'
import { lowerTflite } from '../../src/model/lower/tflite/graph.ts'
import { readTflite } from '../../src/model/tflite/read.ts'
import type { QConv, QGraph } from '../../src/quant/qgraph.ts'
import { codeRange } from '../../src/quant/rules.ts'
import { unlessRefused } from '../fixtures/failure.ts'
import { randomQuantised } from '../fixtures/random-quantised.ts'
import { randomTflite } from '../fixtures/random-tflite.ts'
import { drawnSpecs } from '../fixtures/scenes.ts'
import { tfliteFile } from '../fixtures/tflite.ts'
import { oracleHalfToEven, oracleSums } from '../oracles/convolution.ts'
import { oracleScaled } from '../oracles/tflite.ts'

const cases = process.env['XGEN_FULL'] === '1' ? 2000 : 200
const images = 3

/** The codes of a layer's results by plain loops, from the codes that it reads. */
function expectedCodes({ tensors }: QGraph, node: QConv, multiplier: Multiplier, trace: Trace): number[] {
  const [channels, height, width] = tensors[node.input]!.shape
  const [filters, rows, columns] = tensors[node.output]!.shape
  const { kernel, stride, groups, dilation = [1, 1], padding, weights, low, high } = node
  const shape = { channels, height, width, filters, rows, columns, kernel, stride, dilation, groups }
  const place = {
    images,
    padding: [padding[0], padding[1]] as const,
    outside: tensors[node.input]!.zeroPoint,
  }
  const taps = weights.length / filters
  const products = multiplier.table()
  const product = (x: number, n: number, tap: number) =>
    products[(x & 255) * 256 + (weights[n * taps + tap]! & 255)]!
  const sums = oracleSums({ ...shape, ...place }, trace.get(node.input)!, node.bias, product)
  const rule = node.rule!
  const code = (sum: number, n: number) =>
    rule.kind === 'onnx'
      ? oracleHalfToEven(Math.fround(Math.fround(sum) * rule.factor[n]!))
      : oracleScaled(sum, rule.multiplier[n]!, rule.exponent[n]!)
  return sums.map((sum, i) =>
    Math.max(low, Math.min(high, code(sum | 0, Math.floor(i / (rows * columns)) % filters) + rule.zeroPoint)),
  )
}

function onnxGraph(seed: number, unsigned: boolean): QGraph | undefined {
  const drawn = randomQuantised(seed)
  return drawn && unlessRefused(() => lowerOnnxCodes(drawn.model, { unsigned }).graph)
}

const tfliteGraph = (seed: number, unsigned: boolean) =>
  unlessRefused(() => lowerTflite(readTflite(tfliteFile(randomTflite(seed, true)), 'x'), { unsigned }).graph)

describe('multipliers in integer graphs of random models', () => {
  test.each([
    ['ONNX', onnxGraph],
    ['TensorFlow Lite', tfliteGraph],
  ] as const)(
    'multiply what plain loops do: %s',
    (_, make) => {
      const specs = ['roup:p=1,r=2', ...drawnSpecs()]
      let layers = 0
      for (let seed = 1; seed <= cases; seed++) {
        const graph = make(seed, seed % 2 === 0)
        if (graph === undefined) continue
        const assignment = buildAssignment(graph, [{ selector: 'default', spec: specs[seed % 3]! }])
        const input = graph.tensors[graph.input]!
        const [low, high] = codeRange(input.bits, input.signed)
        const random = seededRandom(seed)
        const codes = emptyCodes(input, images).map(() => random.integer(low, high))
        const trace = createEmulator(graph, assignment).runBatch(codes, images)
        for (const node of graph.nodes) {
          if (node.kind !== 'conv') continue
          layers++
          const [multiplier] = assignment.get(node.name)!.multipliers
          const found = [...trace.get(node.output)!]
          expect(found, `model ${seed}: ${node.name}`).toEqual(expectedCodes(graph, node, multiplier!, trace))
        }
      }
      expect(layers).toBeGreaterThan(cases / 20)
    },
    600_000,
  )
})
