import { describe, expect, test } from 'vitest'
import { silent } from '../../src/base/progress.ts'
import { createEmulator } from '../../src/emu/emulator.ts'
import { floatNetwork } from '../../src/float/forward.ts'
import { resolveConfiguration } from '../../src/flow/configuration.ts'
import { evaluate } from '../../src/flow/eval.ts'
import { prepare, quantiseInput, testImages } from '../../src/flow/preparation.ts'
import { realImage } from '../../src/net/data/store.ts'
import { countParameters } from '../../src/net/shapes.ts'
import { zoo } from '../../src/net/zoo.ts'
import { failure } from '../fixtures/failure.ts'

const configured = (net: string, weights?: string) =>
  resolveConfiguration({ environment: {}, net, ...(weights === undefined ? {} : { weights }) })

/** Those whose weights are drawn and emulated in seconds. */
const small = zoo.map(({ network }) => network).filter((network) => countParameters(network) < 1_000_000)

describe('seeded weights', () => {
  test.each(small.map(({ name }) => name))(
    '%s: always the same, and its integer results are near the float ones',
    (net) => {
      const { network, weights, weightsHash, ranges, graph, assignment } = prepare(configured(net, 'seeded'))
      const again = prepare(configured(net, 'seeded'))
      expect([again.weightsHash, again.ranges]).toEqual([weightsHash, ranges])
      const [image] = testImages(network, 1, 9).images
      const trace = createEmulator(graph, assignment).runImage(quantiseInput(graph, image!))
      const expected = floatNetwork(network, weights).run(realImage(image!))
      const { scale } = graph.tensors[graph.output]!
      let [error, power] = [0, 0]
      for (const [i, code] of trace.get(graph.output)!.entries()) {
        // what eight drawn images calibrate may be less than what another one gives
        const clipped = Math.max(-128 * scale, Math.min(127 * scale, expected[i]!))
        error += (code * scale - clipped) ** 2
        power += expected[i]! ** 2
      }
      expect(Math.sqrt(error / power)).toBeLessThan(0.1)
      for (const codes of trace.values()) expect(new Set(codes).size).toBeGreaterThan(5)
    },
  )

  test('are named where a network has no others, and have no accuracy', async () => {
    expect(failure(() => prepare(configured('resnet8')))).toMatchObject({
      kind: 'data',
      message: 'there are no trained weights for the network "resnet8"',
      hint: expect.stringContaining('"--weights seeded" makes random ones'),
    })
    // a set that fits, by the image and by the classes
    for (const [net, set] of [
      ['resnet8', 'cifar-10'],
      ['dscnn-kws', 'speech-commands'],
    ] as const)
      expect(failure(() => prepare(configured(net))).hint).toContain(
        `"xgen train --net ${net} --data ${set}"`,
      )
    const request = { data: 'mnist', images: 1, precision: 'int' } as const
    const measured = evaluate(configured('lenet5', 'seeded'), request, silent, new AbortController().signal)
    await expect(measured).rejects.toThrow('seeded weights are untrained: they have no accuracy to measure')
  })
})
