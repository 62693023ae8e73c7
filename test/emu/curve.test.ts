import fc from 'fast-check'
import { expect, test } from 'vitest'
import { buildAssignment } from '../../src/approx/build.ts'
import { seededRandom } from '../../src/base/random.ts'
import { createEmulator, emptyCodes } from '../../src/emu/emulator.ts'
import { calibrate } from '../../src/quant/calibrate.ts'
import type { CurveChoice } from '../../src/quant/curve-layer.ts'
import { quantise } from '../../src/quant/quantise.ts'
import { codeRange } from '../../src/quant/rules.ts'
import { randomImages, randomNetwork, randomWeights } from '../fixtures/networks.ts'
import { oracleGraph } from '../oracles/graph.ts'

const specs = [
  'exact',
  'exact:arch=booth4',
  'trunc:ka=2,kb=1',
  'roup:p=1,r=2',
  'roup:p=0,r=4,rounding=asymmetric',
]

/** A random network some of whose layers have curves, of any degree, group and width. */
function scene(seed: number, activationBits: number, unsigned: boolean) {
  const network = randomNetwork(seed)
  const weights = randomWeights(network, seed + 1)
  const ranges = calibrate(network, weights, randomImages(network, 2, seed + 2))
  const random = seededRandom(seed + 3)
  const options = { weightBits: 8, activationBits, unsigned }
  const choices = new Map(
    [...weights.keys()].flatMap((name): [string, CurveChoice][] => {
      const degree = random.integer(1, 2) as 1 | 2
      const choice = { degree, length: random.integer(2, 12), bits: random.integer(4, 12) }
      return random.unit() < 0.7 ? [[name, choice]] : []
    }),
  )
  const graph = quantise(network, weights, ranges, options, choices)
  const curved = graph.nodes.filter((node) => node.kind === 'conv')
  const pick = () => specs[random.integer(0, specs.length - 1)]!
  const entries = curved.flatMap((node) => [
    { selector: node.name, spec: pick() },
    { selector: `${node.name}[${random.integer(0, node.bias.length - 1)}]`, spec: pick() },
  ])
  const assignment = buildAssignment(graph, entries)
  const input = graph.tensors[graph.input]!
  const [low, high] = codeRange(input.bits, input.signed)
  return { graph, assignment, codes: emptyCodes(input).map(() => random.integer(low, high)) }
}

test('layers with curves equal the naive oracle on every tensor', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.integer({ min: 5, max: 8 }),
      fc.boolean(),
      (seed, bits, unsigned) => {
        const { graph, assignment, codes } = scene(seed, bits, unsigned)
        const trace = createEmulator(graph, assignment).runImage(codes)
        const expected = oracleGraph(graph, [...codes], (layer, x, w, filter, channel, order) => {
          const { multipliers, byOrder, ofKernel } = assignment.get(layer)!
          const node = graph.nodes.find((n) => n.name === layer)
          const kernels = ofKernel.length / (node?.kind === 'conv' ? node.bias.length : 1)
          const of = byOrder === undefined ? multipliers : byOrder[order!]!
          return of[ofKernel[filter * kernels + channel]!]!.multiply(x, w)
        })
        for (const [id, values] of expected) expect([id, ...trace.get(id)!]).toEqual([id, ...values])
      },
    ),
    { numRuns: 80 },
  )
})
