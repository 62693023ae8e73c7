import { describe, expect, test } from 'vitest'
import { readDocument } from '../../src/base/document.ts'
import { XgenError } from '../../src/base/errors.ts'
import { parseNetwork } from '../../src/net/schema.ts'
import { countMacs, countParameters, layerShapes } from '../../src/net/shapes.ts'
import { lenet5 } from '../../src/net/zoo/lenet5.ts'
import { loadNetwork } from '../../src/net/zoo.ts'

const parse = (text: string) => parseNetwork(readDocument(text, 'net.yaml'))
const failure = (text: string): XgenError => {
  try {
    parse(text)
  } catch (error) {
    if (error instanceof XgenError) return error
    throw error
  }
  throw new Error('it did not fail')
}
const withLayers = (...layers: string[]) =>
  `name: small\ninput: { shape: [3, 8, 8] }\nlayers:\n${layers.map((layer) => `  - ${layer}`).join('\n')}\n`

describe('LeNet-5', () => {
  test('has 61,706 parameters and 416,520 multiplications', () => {
    expect(countParameters(lenet5)).toBe(61706)
    expect(countMacs(lenet5)).toBe(416520)
  })

  test('its maps are those of the paper', () => {
    expect(layerShapes(lenet5).map(({ output }) => output.join('x'))).toEqual([
      '6x28x28',
      '6x28x28',
      '6x14x14',
      '16x10x10',
      '16x10x10',
      '16x5x5',
      '400',
      '120',
      '120',
      '84',
      '84',
      '10',
    ]) // prettier-ignore
  })
})

describe('network files', () => {
  test('one number stands for both directions, and layers are named by kind', () => {
    const network = parse(
      withLayers(
        '{ kind: conv2d, filters: 4, kernel: 3, padding: [1, 2] }',
        '{ kind: relu }',
        '{ kind: pool, mode: max, window: 2 }',
        '{ kind: subsample, stride: 2 }',
        '{ kind: flatten }',
        '{ kind: dense, units: 5 }',
      ),
    )
    expect(network.layers.map(({ name }) => name)).toEqual([
      'conv1',
      'relu1',
      'pool1',
      'subsample1',
      'flatten1',
      'fc1',
    ])
    expect(network.layers[0]).toMatchObject({
      kernel: [3, 3],
      stride: [1, 1],
      padding: [1, 2, 1, 2],
      groups: 1,
    })
    expect(network.layers[2]).toMatchObject({ window: [2, 2], stride: [2, 2] })
    expect(network.layers[3]).toMatchObject({ stride: [2, 2] })
  })

  test('layers read what they name, or the layer before', () => {
    const network = parse(
      withLayers(
        '{ kind: conv2d, filters: 4, kernel: 3, padding: 1 }',
        '{ kind: relu }',
        '{ kind: pool, inputs: [input], mode: average, window: 3, stride: 1, padding: 1 }',
        '{ kind: pad, channels: [0, 1] }',
        '{ kind: add, inputs: [relu1, pad1] }',
        '{ kind: subsample, stride: [2, 3] }',
        '{ kind: pool, inputs: [add1], mode: max, window: 2, stride: [2, 3] }',
        '{ kind: concat, inputs: [pool2, subsample1, pool2] }',
        '{ kind: pool, mode: average, global: true }',
      ),
    )
    expect(layerShapes(network).map(({ sources, output }) => [sources.join(), output.join('x')])).toEqual([
      ['input', '4x8x8'],
      ['conv1', '4x8x8'],
      ['input', '3x8x8'],
      ['pool1', '4x8x8'],
      ['relu1,pad1', '4x8x8'],
      ['add1', '4x4x3'],
      ['add1', '4x4x3'],
      ['pool2,subsample1,pool2', '12x4x3'],
      ['concat1', '12x1x1'],
    ])
    expect(network.layers[2]).toMatchObject({ padding: [1, 1, 1, 1] })
    expect(network.layers[8]).toMatchObject({ window: [4, 3], stride: [4, 3] })
    expect(parse(JSON.stringify(network))).toEqual(network)
  })

  test('JSON is read like YAML', () => {
    expect(parse(JSON.stringify({ ...lenet5 }))).toEqual(lenet5)
  })

  test.each([
    [
      'an unknown key',
      withLayers('{ kind: dense, units: 5 }', '{ kind: dense, unit: 5 }'),
      'net.yaml:5:20',
      '"unit" is not known here. Did you mean "units"?',
    ],
    [
      'an unknown kind',
      withLayers('{ kind: conv2D, filters: 4 }'),
      'net.yaml:4:7',
      '"conv2D" is not possible here. Did you mean "conv2d"?',
    ],
    [
      'a missing setting',
      withLayers('{ kind: conv2d, filters: 4 }'),
      'net.yaml:4:5',
      'layers[0].kernel is missing',
    ],
    [
      'a wrong type',
      withLayers('{ kind: dense, units: many }'),
      'net.yaml:4:20',
      'layers[0].units is "many"',
    ],
    [
      'a kernel of 0',
      withLayers('{ kind: conv2d, filters: 4, kernel: 0 }'),
      'net.yaml:4:33',
      'layers[0].kernel is 0',
    ],
    [
      'a stride of 0',
      withLayers('{ kind: conv2d, filters: 4, kernel: 3, stride: [1, 0] }'),
      'net.yaml:4:56',
      'is 0',
    ],
    [
      'a kernel larger than its input',
      withLayers('{ kind: conv2d, name: big, filters: 4, kernel: 11, padding: 1 }'),
      'net.yaml:4:5',
      'layer "big" has a kernel of 11x11, larger than its input of 10x10, padding included',
    ],
    [
      'groups that do not divide',
      withLayers('{ kind: conv2d, filters: 4, kernel: 3, groups: 2 }'),
      'net.yaml:4:5',
      'layer "conv1" has 2 groups, which do not divide both its 3 input channels and its 4 filters',
    ],
    [
      'dense on a map',
      withLayers('{ kind: dense, units: 5 }'),
      'net.yaml:4:5',
      'layer "fc1" is dense, but reads a map of 3x8x8',
    ],
    [
      'two layers of one name',
      withLayers('{ kind: relu, name: a }', '{ kind: relu, name: a }'),
      'net.yaml:5:19',
      'two layers are named "a"',
    ],
    [
      'a reserved name',
      withLayers('{ kind: relu, name: default }'),
      'net.yaml:4:19',
      'a layer cannot be named "default"',
    ],
    [
      'an input that is no layer',
      withLayers('{ kind: relu, name: first }', '{ kind: relu, inputs: [frist] }'),
      'net.yaml:5:19',
      'layer "relu2" reads "frist", which is no layer. Did you mean "first"?',
    ],
    [
      'an input that comes later',
      withLayers('{ kind: relu, inputs: [relu2] }', '{ kind: relu }'),
      'net.yaml:4:19',
      'layer "relu1" reads "relu2", which comes after it',
    ],
    [
      'a layer that reads itself',
      withLayers('{ kind: relu, inputs: [relu1] }'),
      'net.yaml:4:19',
      'layer "relu1" reads its own result',
    ],
    [
      'an addition of one',
      withLayers('{ kind: relu }', '{ kind: add }'),
      'net.yaml:5:5',
      'layer "add1" reads one result; add takes exactly two',
    ],
    [
      'a convolution of two',
      withLayers('{ kind: relu }', '{ kind: conv2d, inputs: [input, relu1], filters: 1, kernel: 1 }'),
      'net.yaml:5:21',
      'layer "conv1" reads 2 results; conv2d takes exactly one',
    ],
    [
      'a result that nobody reads',
      withLayers('{ kind: relu }', '{ kind: relu, inputs: [input] }'),
      'net.yaml:4:5',
      'nobody reads the result of layer "relu1"',
    ],
    [
      'a sum of different shapes',
      withLayers('{ kind: pool, mode: max, window: 2 }', '{ kind: add, inputs: [pool1, input] }'),
      'net.yaml:5:5',
      'layer "add1" adds results of different shapes: 3x4x4 and 3x8x8',
    ],
    [
      'maps of different sizes side by side',
      withLayers('{ kind: pool, mode: max, window: 2 }', '{ kind: concat, inputs: [pool1, input] }'),
      'net.yaml:5:5',
      'layer "concat1" joins results that differ in more than their channels: 3x4x4, 3x8x8',
    ],
    [
      'pooling in nothing but padding',
      withLayers('{ kind: pool, mode: max, window: 2, padding: [0, 2] }'),
      'net.yaml:4:5',
      'padding must be smaller than the window',
    ],
    [
      'pooling without a window',
      withLayers('{ kind: pool, mode: max }'),
      'net.yaml:4:5',
      'layer "pool1" has no window',
    ],
    [
      'global pooling with a window',
      withLayers('{ kind: pool, mode: max, global: true, window: 2 }'),
      'net.yaml:4:5',
      'layer "pool1" is a global pooling and has a window',
    ],
    ['broken YAML', 'name: [', 'net.yaml:1:8', 'Flow sequence'],
    ['a key twice', 'name: a\nname: b\n', 'net.yaml:2:1', 'unique'],
    [
      'a huge layer',
      withLayers('{ kind: conv2d, filters: 65536, kernel: 1, padding: 1000 }'),
      'net.yaml:4:5',
      'layer "conv1" has',
    ],
    [
      'layers that are huge together',
      `name: a\ninput: { shape: [64, 1024, 1024] }\nlayers: [${'{ kind: relu }, '.repeat(9)}]\n`,
      'net.yaml:3:58',
      'layer "relu4" brings the network to 335544320 values in feature maps and 0 parameters',
    ],
    [
      'a number instead of a pair',
      withLayers('{ kind: pad, channels: 3 }'),
      'net.yaml:4:18',
      'layers[0].channels is 3: write a list, such as [a, b]',
    ],
    ['no layers', 'name: a\ninput: { shape: [1, 2, 2] }\nlayers: []\n', 'net.yaml:3:1', 'layers is []'],
  ])('%s is refused with its place', (_name, text, where, message) => {
    expect(failure(text)).toMatchObject({ kind: 'usage', where, message: expect.stringContaining(message) })
  })

  test('hostile documents are refused, not suffered', () => {
    expect(failure(`${'['.repeat(100_000)}`)).toMatchObject({
      kind: 'usage',
      message: expect.stringContaining('nest deeper'),
    })
    const bomb = `a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n${'bcdefghi'
      .split('')
      .map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefgh'[i]}`).join(', ')}]`)
      .join('\n')}\n`
    expect(failure(bomb)).toMatchObject({ kind: 'usage', message: expect.stringMatching(/alias/i) })
    expect(
      failure('__proto__: { name: x }\nname: a\ninput: { shape: [1, 2, 2] }\nlayers: [{ kind: relu }]\n')
        .message,
    ).toContain('__proto__')
  })
})

describe('--net', () => {
  test.each([
    ['lenet', 'there is no built-in network "lenet". Did you mean "lenet5"?'],
    ['net.onnx', 'net.onnx is a model file'],
  ])('%s', (name, message) => {
    expect(() => loadNetwork(name)).toThrow(message)
  })
})
