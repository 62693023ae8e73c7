import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { multiplyingNodes } from '../../src/approx/build.ts'
import { createEmulator } from '../../src/emu/emulator.ts'
import { useThreads } from '../../src/kernels/threads.ts'
import { anyNetwork } from '../fixtures/any-networks.ts'
import { randomNetwork } from '../fixtures/networks.ts'
import { importedNetwork } from '../fixtures/random-models.ts'
import { differences, drawnSpecs, familySpecs, oracleTrace, scene } from '../fixtures/scenes.ts'
import { wideNetwork } from '../fixtures/wide-networks.ts'

const runs = process.env['XGEN_FULL'] === undefined ? 25 : 800

const specs = [...familySpecs, ...drawnSpecs()]

describe('batches of images on several threads', () => {
  test.each([
    ['small layers', randomNetwork],
    ['layers of all kinds', anyNetwork],
    ['wide layers', wideNetwork],
    ['layers of imported models', importedNetwork],
  ])(
    'give what the naive oracle gives image by image: %s',
    (_name, make) => {
      fc.assert(
        fc.property(
          fc.integer({ min: 1, max: 10_000_000 }),
          fc.record({ unsigned: fc.boolean(), images: fc.integer({ min: 1, max: 4 }) }),
          fc.integer({ min: 1, max: 4 }),
          (seed, { unsigned, images }, threads) => {
            const drawn = scene(seed, { weightBits: 8, activationBits: 8, unsigned }, make, specs)
            const codes = drawn.codes(images)
            useThreads(threads)
            const trace = createEmulator(drawn.graph, drawn.assignment).runBatch(codes, images)
            expect(differences(trace, oracleTrace(drawn, codes))).toEqual([])
          },
        ),
        { numRuns: runs },
      )
    },
    1_200_000,
  )

  test('wide layers have more filters, taps and positions than the kernels take at once, and every kind of group', () => {
    const shapes = Array.from({ length: 60 }, (_, seed) =>
      scene(seed + 1, { weightBits: 8, activationBits: 8, unsigned: false }, wideNetwork),
    ).flatMap(({ graph }) =>
      multiplyingNodes(graph).map((node) => {
        const [, height, width] = graph.tensors[node.output]!.shape
        return {
          filters: node.bias.length / node.groups,
          taps: node.weights.length / node.bias.length,
          positions: height * width,
          depthwise: node.groups > 1 && node.weights.length / node.bias.length < 26,
        }
      }),
    )
    expect(Math.max(...shapes.map(({ filters }) => filters))).toBeGreaterThan(32)
    expect(Math.max(...shapes.map(({ taps }) => taps))).toBeGreaterThan(100)
    expect(Math.max(...shapes.map(({ positions }) => positions))).toBeGreaterThan(2048)
    expect(shapes.filter(({ depthwise }) => depthwise).length).toBeGreaterThan(5)
  })
})
