import { describe, expect, test } from 'vitest'
import { buildAssignment } from '../../src/approx/build.ts'
import { createEmulator, emptyCodes } from '../../src/emu/emulator.ts'
import { floatNetwork } from '../../src/float/forward.ts'
import type { Layer, Network } from '../../src/net/network.ts'
import { lenet5 } from '../../src/net/zoo/lenet5.ts'
import { calibrate } from '../../src/quant/calibrate.ts'
import { quantiseReals } from '../../src/quant/input.ts'
import { linksOf } from '../../src/quant/links.ts'
import { int8, parseActivations } from '../../src/quant/options.ts'
import { quantise } from '../../src/quant/quantise.ts'
import { quantiseValue } from '../../src/quant/rules.ts'
import { randomImages, randomNetwork, randomWeights } from '../fixtures/networks.ts'

const conv: Layer = {
  kind: 'conv2d',
  name: 'conv1',
  filters: 2,
  kernel: [3, 3],
  stride: [1, 1],
  padding: [0, 0, 0, 0],
  groups: 1,
}
const pool = (mode: 'max' | 'average'): Layer => ({
  kind: 'pool',
  name: 'pool1',
  mode,
  window: [2, 2],
  stride: [2, 2],
})
const relu: Layer = { kind: 'relu', name: 'relu1' }
const network = (...layers: Layer[]): Network => ({ name: 'small', input: { shape: [1, 8, 8] }, layers })

describe('fusing ReLU', () => {
  test.each([
    ['behind the convolution', network(conv, relu, pool('max'))],
    ['behind max pooling, which it commutes with', network(conv, pool('max'), relu)],
    ['behind flatten', network(conv, { kind: 'flatten', name: 'flatten' }, relu)],
  ])('%s', (_name, net) => {
    expect(linksOf(net).links[0]).toMatchObject({ kind: 'conv', relu: true, nonNegative: true })
    expect(linksOf(net).links.some((link) => link.layer.kind === ('relu' as string))).toBe(false)
  })

  test('behind average pooling it is a table, and says why', () => {
    const { links } = linksOf(network(conv, pool('average'), relu))
    expect(links.map(({ kind }) => kind)).toEqual(['conv', 'pool', 'table'])
    expect(links[0]).toMatchObject({ relu: false })
    expect(links[2]).toMatchObject({
      nonNegative: true,
      why: 'it follows the average pooling "pool1": the two cannot be swapped exactly',
    })
  })

  test('a clip from 0 on is a ReLU with a ceiling: the largest code is not above it', () => {
    const relu6: Layer = { kind: 'activation', name: 'act1', function: { name: 'clip', low: 0, high: 6 } }
    const net = network(conv, pool('max'), relu6)
    expect(linksOf(net).links).toMatchObject([{ kind: 'conv', relu: true, ceiling: 6 }, { ceiling: 6 }])
    const weights = randomWeights(net, 1)
    const ofClip = (clip: number) =>
      quantise(net, weights, new Map([['conv1', { largest: clip, clips: Array(8).fill(clip) }]]), int8)
    expect(ofClip(6).nodes[0]).toMatchObject({ low: 0, high: 127 })
    // 6 is code 95 where a code counts 8/127
    expect(ofClip(8).nodes[0]).toMatchObject({ low: 0, high: 95 })
  })

  test('a ReLU on an image that has a range of its own does something', () => {
    expect(linksOf(network(relu, conv), true).links.map(({ kind }) => kind)).toEqual(['table', 'conv'])
    const around: Layer = { ...add, inputs: ['input', 'relu1'] }
    expect(linksOf(network(relu, around), true).links[1]).toMatchObject({ kind: 'add', nonNegative: false })
  })

  test('clamps that differ cannot share a convolution', () => {
    const six: Layer = {
      kind: 'activation',
      name: 'six',
      inputs: ['conv1'],
      function: { name: 'clip', low: 0, high: 6 },
    }
    const both: Layer = { kind: 'add', name: 'add1', inputs: ['relu1', 'six'] }
    expect(linksOf(network(conv, relu, six, both)).links.map(({ kind }) => kind)).toEqual([
      'conv',
      'table',
      'table',
      'add',
    ])
  })

  test('a ReLU on what cannot be negative does nothing', () => {
    expect(linksOf(network(relu, conv)).links.map((link) => link.kind)).toEqual(['conv'])
  })

  const second: Layer = { ...conv, name: 'conv2', inputs: ['input'] } as Layer
  const add: Layer = { kind: 'add', name: 'add1', inputs: ['conv2', 'conv1'] }
  const concat: Layer = { kind: 'concat', name: 'concat1', inputs: ['conv2', 'conv1'] }

  test('behind an addition the sum is clamped, and what it adds keeps its sign', () => {
    const { links, output } = linksOf(network(conv, second, add, relu))
    expect(output).toBe('add1')
    expect(links).toMatchObject([
      { kind: 'conv', relu: false, nonNegative: false },
      { kind: 'conv', relu: false, nonNegative: false, inputs: ['input'] },
      { kind: 'add', relu: true, nonNegative: true, inputs: ['conv2', 'conv1'] },
    ])
  })

  test('behind concat, padding and subsampling every layer that makes the values takes it up', () => {
    const pad: Layer = { kind: 'pad', name: 'pad1', channels: [1, 2] }
    const subsample: Layer = { kind: 'subsample', name: 'subsample1', stride: [2, 2] }
    const { links } = linksOf(network(conv, second, concat, pad, subsample, relu))
    expect(links.map(({ kind, nonNegative }) => [kind, nonNegative])).toEqual([
      ['conv', true],
      ['conv', true],
      ['concat', true],
      ['pad', true],
      ['subsample', true],
    ])
    expect(links.map((link) => ('relu' in link ? link.relu : undefined))).toEqual([
      true,
      true,
      undefined,
      undefined,
      undefined,
    ])
  })

  test('what reads a fused ReLU reads the layer that took it up', () => {
    const net = network(
      conv,
      relu,
      { ...second, inputs: ['relu1'], padding: [1, 1, 1, 1], filters: 2 } as Layer,
      { ...add, inputs: ['conv2', 'relu1'] },
    )
    expect(linksOf(net).links.map(({ inputs }) => inputs)).toEqual([['input'], ['conv1'], ['conv2', 'conv1']])
  })

  test('where somebody reads the values before it, it is a table, and says who', () => {
    const around: Layer = { ...add, inputs: ['conv1', 'relu1'] }
    expect(linksOf(network(conv, relu, around)).links[1]).toMatchObject({
      kind: 'table',
      why: '"add1" reads the values of "conv1" before it',
    })
  })

  test('ReLUs of the same values are one clamp', () => {
    const pooled: Layer = { ...pool('max'), inputs: ['conv1'] } as Layer
    const other: Layer = { ...relu, name: 'relu2', inputs: ['conv1'] }
    const flat = (name: string, source: string): Layer => ({ kind: 'flatten', name, inputs: [source] })
    const both: Layer = { kind: 'concat', name: 'both', inputs: ['flatten1', 'flatten2'] }
    const tail = [flat('flatten1', 'relu1'), flat('flatten2', 'relu2'), both] as const
    const { links } = linksOf(network(conv, pooled, relu, other, ...tail))
    expect(links.map(({ kind }) => kind)).toEqual(['conv', 'pool', 'reshape', 'reshape', 'concat'])
  })
})

test('the result is int8, or uint8 where activations are and the network ends in a ReLU', () => {
  const signed = (net: Network, activations: string) => {
    const weights = randomWeights(net, 1)
    const ranges = calibrate(net, weights, randomImages(net, 2, 1))
    const graph = quantise(net, weights, ranges, { weightBits: 8, ...parseActivations(activations) })
    return graph.tensors[graph.output]!.signed
  }
  expect(signed(network(conv), 'uint8')).toBe(true)
  expect(signed(network(conv, relu), 'int8')).toBe(true)
  expect(signed(network(conv, relu), 'uint8')).toBe(false)
})

describe('quantise', () => {
  const weights = randomWeights(lenet5, 3)
  const images = randomImages(lenet5, 8, 4)
  const ranges = calibrate(lenet5, weights, images)

  test('keeps the shape of LeNet-5', () => {
    const graph = quantise(lenet5, weights, ranges, int8)
    expect(graph.nodes.map(({ name, kind }) => `${name}:${kind}`)).toEqual([
      'conv1:conv',
      'pool1:pool',
      'conv2:conv',
      'pool2:pool',
      'flatten:reshape',
      'fc1:conv',
      'fc2:conv',
      'fc3:conv',
    ]) // prettier-ignore
    expect(graph.tensors['flatten']!.shape).toEqual([400, 1, 1])
    expect(graph.tensors['input']!.scale).toBe(1 / 127)
    expect(graph.nodes[0]).toMatchObject({ low: 0, high: 127 })
    expect(graph.nodes.at(-1)).toMatchObject({ low: -128, high: 127, dense: true, kernel: [1, 1] })
  })

  test('uint8 stores what cannot be negative unsigned, and only that', () => {
    const graph = quantise(lenet5, weights, ranges, { ...int8, ...parseActivations('uint8') })
    expect(graph.tensors['input']).toMatchObject({ signed: false, bits: 8, scale: 1 / 255 })
    expect(graph.tensors['pool1']!.signed).toBe(false)
    expect(graph.tensors['fc3']!.signed).toBe(true)
  })

  test.each([
    ['int8', 8, 8, 0.02],
    ['uint8', 8, 'uint8', 0.015],
    ['6 bits', 6, 6, 0.09],
  ] as const)('%s results are near the float ones', (_name, weightBits, activations, tolerance) => {
    const graph = quantise(lenet5, weights, ranges, { weightBits, ...parseActivations(activations) })
    const emulator = createEmulator(graph, buildAssignment(graph, []))
    const float = floatNetwork(lenet5, weights)
    const input = graph.tensors['input']!
    const output = graph.tensors[graph.output]!
    let error = 0
    let power = 0
    for (const image of images) {
      const high = input.signed ? 2 ** (input.bits - 1) - 1 : 2 ** input.bits - 1
      const values = Array.from(image, (x) => quantiseValue(x, input.scale, 0, high))
      const codes = input.signed ? Int8Array.from(values) : Uint8Array.from(values)
      const result = emulator.runImage(codes).get(graph.output)!
      for (const [i, expected] of float.run(image).entries()) {
        error += (result[i]! * output.scale - expected) ** 2
        power += expected ** 2
      }
    }
    expect(Math.sqrt(error / power)).toBeLessThan(tolerance)
  })

  test('of random graphs too: no result is further off than a few of its units', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const net = randomNetwork(seed)
      const given = randomWeights(net, seed)
      const calibrating = randomImages(net, 4, seed)
      const options = { ...int8, unsigned: seed % 2 === 0 }
      const graph = quantise(net, given, calibrate(net, given, calibrating), options)
      const input = graph.tensors['input']!
      const codes = quantiseReals(input, calibrating[0]!, emptyCodes(input))
      const result = createEmulator(graph, buildAssignment(graph, [])).runImage(codes).get(graph.output)!
      const { scale } = graph.tensors[graph.output]!
      for (const [i, expected] of floatNetwork(net, given).run(calibrating[0]!).entries())
        expect(Math.abs(result[i]! - expected / scale), `seed ${seed}`).toBeLessThan(8)
    }
  })

  test('a concat has one scale and type, which all that it joins share', () => {
    const branch = (name: string): Layer => ({ ...conv, name, inputs: ['input'] }) as Layer
    const net = network(
      branch('conv1'),
      relu,
      branch('conv2'),
      { ...pool('max'), window: [3, 3], stride: [1, 1], padding: [1, 1, 1, 1] } as Layer,
      { kind: 'concat', name: 'concat1', inputs: ['relu1', 'pool1'] },
      { kind: 'add', name: 'add1', inputs: ['concat1', 'concat1'] },
    )
    const range = (clip: number) => ({ largest: clip, clips: Array<number>(8).fill(clip) })
    const given = new Map([
      ['conv1', range(3)],
      ['conv2', range(2)],
      ['add1', range(5)],
    ])
    const graph = quantise(net, randomWeights(net, 1), given, { ...int8, ...parseActivations('uint8') })
    for (const id of ['conv1', 'conv2', 'pool1', 'concat1'])
      expect(graph.tensors[id], id).toMatchObject({ scale: 3 / 127, signed: true })
    expect(graph.tensors['add1']).toMatchObject({ scale: 5 / 127, signed: true, shape: [4, 6, 6] })
    expect(graph.nodes[0]).toMatchObject({ low: 0, high: 127 })
    expect(graph.nodes.at(-1)).toMatchObject({
      inputs: ['concat1', 'concat1'],
      multipliers: [39322, 39322],
      shift: 16,
    })
  })

  test('a filter of zeros, and one whose bias dwarfs its weights, keep their bias', () => {
    const net = network({ ...conv, kernel: [1, 1] } as Layer)
    const given = new Map([
      ['conv1', { weight: Float32Array.of(0, 1e-12), bias: Float32Array.of(0.5, -0.25) }],
    ])
    const found = calibrate(net, given, randomImages(net, 2, 1))
    const graph = quantise(net, given, found, int8)
    const codes = createEmulator(graph, buildAssignment(graph, []))
      .runImage(new Int8Array(64).fill(100))
      .get('conv1')!
    const scale = graph.tensors['conv1']!.scale
    expect(codes[0]! * scale).toBeCloseTo(0.5, 2)
    expect(codes[64]! * scale).toBeCloseTo(-0.25, 2)
  })

  test('ranges of another network are refused', () => {
    expect(() => quantise(lenet5, weights, new Map([...ranges].slice(1)), int8)).toThrow(
      'there is no calibrated range for layer "conv1"',
    )
  })
})

test('activation types', () => {
  expect(parseActivations('uint8')).toEqual({ activationBits: 8, unsigned: true })
  expect(parseActivations(4)).toEqual({ activationBits: 4, unsigned: false })
  expect(() => parseActivations('int9')).toThrow('"int9" is no type of activation')
})
