import { describe, expect, test } from 'vitest'
import { readDocument } from '../../src/base/document.ts'
import { XgenError } from '../../src/base/errors.ts'
import { readSafetensors } from '../../src/base/safetensors.ts'
import { parseNetwork } from '../../src/net/schema.ts'
import { countMacs, countParameters, layerShapes } from '../../src/net/shapes.ts'
import { checkWeights, initialWeights, serialiseWeights } from '../../src/net/weights.ts'

const parse = (text: string) => parseNetwork(readDocument(text, 'net.yaml'))
const withLayers = (shape: string, ...layers: string[]) =>
  `name: small\ninput: { shape: ${shape} }\nlayers:\n${layers.map((layer) => `  - ${layer}`).join('\n')}\n`
const shapesOf = (text: string) => layerShapes(parse(text)).map(({ output }) => output.join('x'))

function failure(text: string): XgenError {
  try {
    parse(text)
  } catch (error) {
    if (error instanceof XgenError) return error
    throw error
  }
  throw new Error('it did not fail')
}

const everyKind = withLayers(
  '[4, 9, 9]',
  '{ kind: conv2d, filters: 8, kernel: 3, padding: 2, dilation: 2 }',
  '{ kind: activation, function: relu6 }',
  '{ kind: conv2d, filters: 16, kernel: 3, groups: 8, dilation: [1, 2] }',
  '{ kind: activation, function: { name: leaky-relu, slope: 0.1 } }',
  '{ kind: pool, name: squeeze, mode: average, global: true }',
  '{ kind: activation, function: hard-sigmoid }',
  '{ kind: mul, inputs: [act2, act3] }',
  '{ kind: pool, mode: average, window: 2, ceil: true, padding: 1, countPadding: false }',
  '{ kind: transpose, from: [2, 8, 4, 3], order: [1, 0, 2, 3], to: [16, 4, 3] }',
  '{ kind: reshape, shape: [12, 16] }',
  '{ kind: dense, units: 10 }',
  '{ kind: gru, units: 6, returns: all, direction: bidirectional, reset: before }',
  '{ kind: lstm, units: 5, returns: all, direction: backward }',
  '{ kind: rnn, units: 7 }',
  '{ kind: softmax }',
  '{ kind: reshape, shape: [1, 1, 7] }',
  '{ kind: pad, edges: [1, 2] }',
)

describe('layers of every kind', () => {
  test('have their names, shapes and settings', () => {
    const network = parse(everyKind)
    expect(layerShapes(network).map(({ layer, output }) => `${layer.name} ${output.join('x')}`)).toEqual([
      'conv1 8x9x9',
      'act1 8x9x9',
      'conv2 16x7x5',
      'act2 16x7x5',
      'squeeze 16x1x1',
      'act3 16x1x1',
      'mul1 16x7x5',
      'pool2 16x4x3',
      'transpose1 16x4x3',
      'reshape1 12x16',
      'fc1 12x10',
      'gru1 12x12',
      'lstm1 12x5',
      'rnn1 7',
      'softmax1 7',
      'reshape2 1x1x7',
      'pad1 1x3x11',
    ])
    expect(network.layers[1]).toMatchObject({ function: { name: 'clip', low: 0, high: 6 } })
    expect(network.layers[0]).toMatchObject({ dilation: [2, 2] })
    expect(parse(JSON.stringify(network))).toEqual(network)
  })

  test('parameters and multiplications of recurrent layers', () => {
    const steps = (layer: string) =>
      parse(withLayers('[1, 49, 10]', '{ kind: reshape, shape: [49, 10] }', layer))
    // PyTorch's GRU(10, 154) has 76,692 parameters: 3 * 154 * (10 + 154 + 2)
    expect(countParameters(steps('{ kind: gru, units: 154 }'))).toBe(76692)
    expect(countMacs(steps('{ kind: gru, units: 154 }'))).toBe(49 * 3 * 154 * 164)
    expect(countParameters(steps('{ kind: lstm, units: 8, direction: bidirectional }'))).toBe(2 * 4 * 8 * 20)
    expect(countParameters(steps('{ kind: rnn, units: 3 }'))).toBe(3 * 15)
  })

  test('the weights of recurrent layers are four tensors of a file', () => {
    const network = parse(everyKind)
    const weights = initialWeights(network, 3)
    expect(weights.get('gru1')!.recurrent!.weight.length).toBe(2 * 3 * 6 * 6)
    const read = checkWeights(readSafetensors(serialiseWeights(weights, network), 'w'), network, 'w')
    expect(read).toEqual(weights)
    const lost = readSafetensors(serialiseWeights(weights, network), 'w').filter(
      ({ name }) => name !== 'lstm1.recurrent_bias',
    )
    expect(() => checkWeights(lost, network, 'w')).toThrow('lstm1.recurrent_bias')
  })

  test('a last window that does not fit is kept if it begins in the map', () => {
    const pooled = (settings: string) =>
      shapesOf(withLayers('[1, 7, 7]', `{ kind: pool, mode: max, ${settings} }`))[0]
    expect(pooled('window: 2')).toBe('1x3x3')
    expect(pooled('window: 2, ceil: true')).toBe('1x4x4')
    expect(pooled('window: 3, stride: 2, ceil: true')).toBe('1x3x3')
    expect(pooled('window: 2, stride: 2, padding: 1, ceil: true')).toBe('1x4x4')
    expect(pooled('window: 1, stride: 4, ceil: true')).toBe('1x2x2')
  })
})

describe('bad layers', () => {
  test.each([
    ['dilation 0', '{ kind: conv2d, filters: 1, kernel: 3, dilation: 0 }', 'net.yaml:4:44', 'at least 1'],
    [
      'a kernel that dilation makes too large',
      '{ kind: conv2d, filters: 1, kernel: 3, dilation: 4 }',
      'net.yaml:4:5',
      'a kernel of 9x9, larger than its input of 8x8',
    ],
    ['an unknown function', '{ kind: activation, function: mish }', 'net.yaml:4:', 'mish'],
    [
      'a clip that is upside down',
      '{ kind: activation, function: { name: clip, low: 1, high: 0 } }',
      'net.yaml:4:5',
      'clips from 1 to 0: low must be below high',
    ],
    ['a product of one', '{ kind: mul }', 'net.yaml:4:', 'mul takes exactly two'],
    [
      'a reshape of another size',
      '{ kind: reshape, shape: [3, 60] }',
      'net.yaml:4:5',
      'reshapes 3x8x8 (192 values) as 3x60 (180)',
    ],
    [
      'an order that is none',
      '{ kind: transpose, order: [0, 1, 1] }',
      'net.yaml:4:5',
      'has the order 0, 1, 1 for 3 axes',
    ],
    [
      'a transposed result that is not seen as a tensor',
      '{ kind: transpose, from: [3, 2, 4, 8], order: [1, 0, 2, 3] }',
      'net.yaml:4:5',
      'a shape of 4 axes',
    ],
    ['a GRU over a map', '{ kind: gru, units: 4 }', 'net.yaml:4:5', 'needs a sequence of steps and features'],
    ['a reset gate of an LSTM', '{ kind: lstm, units: 4, reset: after }', 'net.yaml:4:', 'reset'],
    ['no units', '{ kind: rnn, units: 0 }', 'net.yaml:4:', 'at least 1'],
  ])('%s', (_name, layer, where, message) => {
    const error = failure(withLayers('[3, 8, 8]', layer))
    expect(error.where).toContain(where)
    expect(error.message).toContain(message)
  })

  test('maps of different shapes cannot be multiplied, nor sequences joined or convolved', () => {
    const message = (...layers: string[]) => failure(withLayers('[3, 8, 8]', ...layers)).message
    expect(message('{ kind: subsample, stride: 2 }', '{ kind: mul, inputs: [input, subsample1] }')).toContain(
      'multiplies results of different shapes: 3x8x8 and 3x4x4',
    )
    const sequence = '{ kind: reshape, shape: [24, 8] }'
    expect(message(sequence, '{ kind: concat, inputs: [reshape1, reshape1] }')).toContain(
      'joins sequences of 24x8',
    )
    expect(message(sequence, '{ kind: conv2d, filters: 1, kernel: 1 }')).toContain('reads a sequence of 24x8')
  })
})
