import { describe, expect, test } from 'vitest'
import { buildAssignment } from '../../src/approx/build.ts'
import { createEmulator, emptyCodes } from '../../src/emu/emulator.ts'
import { floatNetwork } from '../../src/float/forward.ts'
import type { Layer, Network } from '../../src/net/network.ts'
import { calibrate } from '../../src/quant/calibrate.ts'
import { quantiseReals } from '../../src/quant/input.ts'
import { int8 } from '../../src/quant/options.ts'
import { quantise } from '../../src/quant/quantise.ts'
import { randomImages, randomWeights } from '../fixtures/networks.ts'

const sequence: Layer = { kind: 'reshape', name: 'sequence', shape: [30, 6] }
const networkOf = (...layers: Layer[]): Network => ({
  name: 'sequences',
  input: { shape: [1, 30, 6] },
  layers: [sequence, ...layers],
})
const cell = (kind: 'rnn' | 'gru' | 'lstm', more: object = {}): Layer => ({
  ...{ kind, name: 'cell1', units: 12, direction: 'forward', returns: 'all' },
  ...more,
})

function quantised(network: Network) {
  const weights = randomWeights(network, 5)
  const images = randomImages(network, 4, 6)
  const graph = quantise(network, weights, calibrate(network, weights, images), int8)
  return { graph, weights, images }
}

describe('recurrent layers in integers', () => {
  test.each([
    ['rnn', cell('rnn')],
    ['gru, reset after', cell('gru', { reset: 'after' })],
    ['gru, reset before, both ways', cell('gru', { reset: 'before', direction: 'bidirectional' })],
    ['lstm, backward', cell('lstm', { direction: 'backward' })],
  ])('%s: states are near the float ones after 30 steps', (_name, layer) => {
    const network = networkOf(layer)
    const { graph, weights, images } = quantised(network)
    expect(graph.tensors['cell1']).toMatchObject({ scale: 1 / 128, signed: true })
    const emulator = createEmulator(graph, buildAssignment(graph, []))
    const float = floatNetwork(network, weights)
    const input = graph.tensors['input']!
    let squares = 0
    let count = 0
    for (const image of images) {
      const codes = emulator.runImage(quantiseReals(input, image, emptyCodes(input))).get('cell1')!
      const wanted = float.run(image)
      for (const [i, real] of wanted.entries()) squares += (codes[i]! / 128 - real) ** 2
      count += wanted.length
    }
    // states are in [-1, 1]: two units of int8
    expect(Math.sqrt(squares / count)).toBeLessThan(2 / 128)
  })

  test('both sets of filters have multipliers of their own, by filter and kernel', () => {
    const { graph } = quantised(networkOf(cell('gru')))
    const assignment = buildAssignment(graph, [
      { selector: 'cell1_*', spec: 'trunc:ka=1,kb=1' },
      { selector: 'cell1_state[12-23][11]', spec: 'exact' },
    ])
    const specs = (set: string) => {
      const { multipliers, ofKernel } = assignment.get(set)!
      return [...new Set([...ofKernel].map((index) => multipliers[index]!.spec))]
    }
    expect(assignment.get('cell1_input')!.ofKernel.length).toBe(36 * 6)
    expect(assignment.get('cell1_state')!.ofKernel.length).toBe(36 * 12)
    expect(specs('cell1_input').length).toBe(1)
    expect(specs('cell1_state').length).toBe(2)
    expect(() => buildAssignment(graph, [{ selector: 'cell1', spec: 'exact' }])).toThrow(
      'layer "cell1" (gru) has two sets of filters: "cell1_input", which multiplies its input, and "cell1_state"',
    )
  })

  test('a layer named like a set of filters is refused', () => {
    const dense: Layer = { kind: 'dense', name: 'cell1_input', units: 6 }
    expect(() => quantised(networkOf(dense, cell('gru')))).toThrow('a layer is named "cell1_input"')
  })
})
