import { describe, expect, test } from 'vitest'
import { buildAssignment } from '../../src/approx/build.ts'
import { readDocument } from '../../src/base/document.ts'
import { XgenError } from '../../src/base/errors.ts'
import { hardwareRefusals } from '../../src/flow/hardware-check.ts'
import { parseNetwork } from '../../src/net/schema.ts'
import { zoo } from '../../src/net/zoo.ts'
import { planNetwork } from '../../src/plan/network.ts'
import { calibrate } from '../../src/quant/calibrate.ts'
import { int8 } from '../../src/quant/options.ts'
import { quantise } from '../../src/quant/quantise.ts'
import { randomImages, randomWeights } from '../fixtures/networks.ts'

/** A network of a convolution and these layers. */
function networkOf(...layers: string[]) {
  const lines = ['{ kind: conv2d, filters: 4, kernel: 3 }', ...layers]
  const text = `name: small\ninput: { shape: [2, 9, 9] }\nlayers:\n${lines.map((l) => `  - ${l}\n`).join('')}`
  return parseNetwork(readDocument(text, 'net.yaml'))
}

/** What planning it comes to. */
function planOf(...layers: string[]) {
  const network = networkOf(...layers)
  const weights = randomWeights(network, 1)
  const graph = quantise(network, weights, calibrate(network, weights, randomImages(network, 1, 1)), int8)
  const array = {
    rows: 4,
    columns: 4,
    dataflow: 'weight-stationary',
    memoryBits: 2 ** 24,
    parallel: false,
  } as const
  try {
    return planNetwork(graph, buildAssignment(graph, []), array).plan
  } catch (error) {
    if (error instanceof XgenError) return error
    throw error
  }
}

describe('what the hardware does not have', () => {
  test.each([
    [['{ kind: conv2d, filters: 2, kernel: 2, dilation: 2 }'], 'conv2', 'has a dilation of 2x2'],
    [
      ['{ kind: reshape, shape: [28, 7] }', '{ kind: dense, units: 3 }'],
      'fc1',
      'is dense over a sequence of 28 steps',
    ],
    [['{ kind: activation, function: tanh }'], 'act1', 'is an activation by table (tanh)'],
    [['{ kind: mul, inputs: [conv1, conv1] }'], 'mul1', 'multiplies two maps'],
    [['{ kind: transpose, order: [0, 2, 1] }'], 'transpose1', 'transposes a map'],
    [['{ kind: reshape, shape: [28, 7] }', '{ kind: gru, units: 3 }'], 'gru1', 'is recurrent (gru)'],
    [['{ kind: pad, edges: 1 }'], 'pad1', 'puts zeros around a map (1, 1, 1, 1)'],
    [['{ kind: softmax }'], 'softmax1', 'is a softmax'],
    [['{ kind: pool, mode: max, window: 2, ceil: true }'], 'pool1', 'windows that reach past its padding'],
    [
      ['{ kind: pool, mode: average, window: 3, padding: 1, countPadding: false }'],
      'pool1',
      'is a mean that does not count its padding',
    ],
  ])('%s is refused by name', (layers, where, message) => {
    const error = planOf(...layers) as XgenError
    expect(error).toBeInstanceOf(XgenError)
    expect(error.where).toBe(where)
    expect(error.message).toContain(message)
    expect(error.hint).toBeDefined()
  })

  test('all of it at once, and before there are weights', () => {
    const layers = [
      '{ kind: activation, function: tanh }',
      '{ kind: mul, inputs: [act1, act1] }',
      '{ kind: softmax }',
    ]
    const error = planOf(...layers) as XgenError
    expect(error).toMatchObject({ kind: 'usage', where: 'small' })
    const lines = error.message.split('\n')
    expect(lines[0]).toBe('the hardware cannot run 3 layers:')
    const found = hardwareRefusals(networkOf(...layers))
    expect(found.map(({ layer, why }) => `${layer} ${why}`)).toEqual([
      'act1 is an activation by table (tanh)',
      'mul1 multiplies two maps',
      'softmax1 is a softmax',
    ])
    for (const [i, { layer, why, hint }] of found.entries())
      expect(lines[i + 1]).toBe(`  layer "${layer}" ${why}. ${hint}`)
    expect(zoo.filter(({ network }) => hardwareRefusals(network).length > 0)).toHaveLength(2)
  }, 60_000)

  test('a ReLU that is a table says why', () => {
    const error = planOf('{ kind: pool, mode: average, window: 2 }', '{ kind: relu }') as XgenError
    expect(error.hint).toContain('it follows the average pooling "pool1"')
  })

  test('ReLU6, and poolings whose windows fit all the same, are no reason', () => {
    const plan = planOf(
      '{ kind: activation, function: relu6 }',
      '{ kind: pool, mode: average, window: 7, ceil: true, countPadding: false }',
    )
    expect(plan).not.toBeInstanceOf(XgenError)
  })
})
