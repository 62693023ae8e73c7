import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildAssignment } from '../../src/approx/build.ts'
import { createEmulator } from '../../src/emu/emulator.ts'
import { linksOf } from '../../src/quant/links.ts'
import { filtersOf, type QGraph } from '../../src/quant/qgraph.ts'
import { quantise } from '../../src/quant/quantise.ts'
import { codeRange } from '../../src/quant/rules.ts'
import { anyNetwork } from '../fixtures/any-networks.ts'
import { randomNetwork } from '../fixtures/networks.ts'
import { sketchGraph } from '../fixtures/qgraph.ts'
import { scene } from '../fixtures/scenes.ts'
import { oracleGraph } from '../oracles/graph.ts'

const bits = fc.record({
  weightBits: fc.integer({ min: 2, max: 8 }),
  activationBits: fc.integer({ min: 2, max: 8 }),
  unsigned: fc.boolean(),
})
const eightBits = fc.record({
  weightBits: fc.constant(8),
  activationBits: fc.constant(8),
  unsigned: fc.boolean(),
})

describe('the emulator', () => {
  test('is tried with every kind of node', () => {
    const kinds = new Set<string>()
    for (let seed = 1; seed <= 40; seed++)
      for (const link of linksOf(randomNetwork(seed)).links) kinds.add(link.kind)
    expect([...kinds].sort()).toEqual(['add', 'concat', 'conv', 'pad', 'pool', 'reshape', 'subsample'])
  })

  test('is tried with every kind of node that only it has', () => {
    const kinds = new Set<string>()
    for (let seed = 1; seed <= 60; seed++)
      for (const link of linksOf(anyNetwork(seed)).links) kinds.add(link.kind)
    expect(kinds).toEqual(
      new Set([
        ...['add', 'concat', 'conv', 'mul', 'pad', 'pool', 'recurrent', 'reshape', 'softmax'],
        ...['subsample', 'table', 'transpose'],
      ]),
    )
  })

  test.each([
    ['8 bits, multipliers by layer, filter and kernel', randomNetwork, eightBits, 120],
    ['2 to 8 bits', randomNetwork, bits, 120],
    ['layers of all kinds, 8 bits', anyNetwork, eightBits, 150],
    ['layers of all kinds, 2 to 8 bits', anyNetwork, bits, 150],
  ])('equals the naive oracle on every tensor: %s', (_name, make, options, numRuns) => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), options, (seed, quant) => {
        const { graph, assignment, codes } = scene(seed, quant, make)
        const input = codes(1)
        const trace = createEmulator(graph, assignment).runImage(input)
        const expected = oracleGraph(graph, [...input], (layer, x, w, filter, channel) => {
          const { multipliers, ofKernel } = assignment.get(layer)!
          return multipliers[
            ofKernel[filter * (ofKernel.length / filterCount(graph, layer)) + channel]!
          ]!.multiply(x, w)
        })
        for (const [id, values] of expected) {
          expect([id, ...trace.get(id)!]).toEqual([id, ...values])
          const { bits, signed } = graph.tensors[id]!
          const [low, high] = codeRange(bits, signed)
          expect(Math.min(...values), id).toBeGreaterThanOrEqual(low)
          expect(Math.max(...values), id).toBeLessThanOrEqual(high)
        }
      }),
      { numRuns },
    )
  })

  test('a batch gives what its images give one by one', () => {
    const { graph, assignment, codes } = scene(7, { weightBits: 8, activationBits: 8, unsigned: false })
    const emulator = createEmulator(graph, assignment)
    const batch = codes(70)
    const size = batch.length / 70
    const together = emulator.runBatch(batch, 70).get(graph.output)!
    const apart = Array.from({ length: 70 }, (_, i) => [
      ...emulator.runImage(batch.slice(i * size, (i + 1) * size)).get(graph.output)!,
    ])
    expect([...together]).toEqual(apart.flat())
  })

  test('so do batches of random networks', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const quant = { weightBits: 8, activationBits: 8, unsigned: seed % 3 === 0 }
      const { graph, assignment, codes } = scene(seed, quant, seed % 2 === 0 ? randomNetwork : anyNetwork)
      const emulator = createEmulator(graph, assignment)
      const batch = codes(3)
      const together = emulator.result(batch, 3)
      const size = batch.length / 3
      const apart = [0, 1, 2].flatMap((i) => [...emulator.result(batch.slice(i * size, (i + 1) * size), 1)])
      expect([...together], `network ${seed}`).toEqual(apart)
    }
  })

  test('so does a convolution of one position with a stride: it reads no other image', () => {
    for (const groups of [1, 4]) {
      const layer = { filters: 8, kernel: [1, 1], stride: [2, 2], groups } as const
      const graph = sketchGraph({ input: [8, 1, 1], layers: [layer], seed: 3 })
      const emulator = createEmulator(graph, buildAssignment(graph, []))
      const batch = Int8Array.from({ length: 40 }, (_, i) => ((i * 37) % 251) - 125)
      const apart = [0, 1, 2, 3, 4].flatMap((i) => [...emulator.result(batch.slice(8 * i, 8 * i + 8), 1)])
      expect([...emulator.result(batch, 5)]).toEqual(apart)
    }
  })

  test('padding is multiplied: a multiplier that is wrong at zero changes the edges', () => {
    const network = {
      name: 'edge',
      input: { shape: [1, 2, 2] as const },
      layers: [
        {
          kind: 'conv2d' as const,
          name: 'conv1',
          filters: 1,
          kernel: [3, 3] as const,
          stride: [1, 1] as const,
          padding: [1, 1, 1, 1] as const,
          groups: 1,
        },
      ],
    }
    const weights = new Map([['conv1', { weight: new Float32Array(9).fill(1), bias: new Float32Array(1) }]])
    const graph = quantise(network, weights, new Map([['conv1', { largest: 9, clips: Array(8).fill(9) }]]), {
      weightBits: 8,
      activationBits: 8,
      unsigned: false,
    })
    const assignment = buildAssignment(graph, [])
    const layer = assignment.get('conv1')!
    const exact = layer.multipliers[0]!
    const wrong = {
      ...exact,
      exact: false,
      factors: undefined,
      zeroExact: false,
      multiply: (a: number, b: number) => a * b + (a === 0 ? 127 : 0),
      table: () => exact.table().map((p, i) => p + (i < 256 ? 127 : 0)),
    }
    const zeros = createEmulator(graph, new Map([['conv1', { ...layer, multipliers: [wrong] }]])).runImage(
      new Int8Array(4),
    )
    // Nine products of 127 for each output; 127 * 127 is 1.0, and the output's unit is 9 / 127.
    expect([...zeros.get('conv1')!]).toEqual([1, 1, 1, 1])
  })
})

function filterCount(graph: QGraph, layer: string): number {
  return graph.nodes.flatMap(filtersOf).find(({ name }) => name === layer)!.bias.length
}
