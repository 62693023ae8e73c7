import { describe, expect, test } from 'vitest'
import { buildAssignment } from '../../src/approx/build.ts'
import { type Entry, mergeEntries, parseFlag, parseFlags } from '../../src/approx/entries.ts'
import { parseSelector } from '../../src/approx/selector.ts'
import { lenet5 } from '../../src/net/zoo/lenet5.ts'
import { calibrate } from '../../src/quant/calibrate.ts'
import { int8 } from '../../src/quant/options.ts'
import { quantise } from '../../src/quant/quantise.ts'
import { failure } from '../fixtures/failure.ts'
import { randomImages, randomWeights } from '../fixtures/networks.ts'

const weights = randomWeights(lenet5, 1)
const graph = quantise(lenet5, weights, calibrate(lenet5, weights, randomImages(lenet5, 1, 1)), int8)

/** Assigns by lines such as `conv2=trunc:ka=1,kb=1`. */
const assign = (...lines: string[]) => buildAssignment(graph, lines.map(parseFlag))
const specOf = (layer: 'conv1' | 'conv2' | 'fc1', filter: number, channel: number, ...lines: string[]) => {
  const { multipliers, ofKernel } = assign(...lines).get(layer)!
  const channels = { conv1: 1, conv2: 6, fc1: 400 }[layer]
  return multipliers[ofKernel[filter * channels + channel]!]!.spec
}
describe('--mult', () => {
  test('the default is every layer, also of a network without any that multiplies', () => {
    const network = {
      name: 'moves',
      input: { shape: [2, 4, 4] },
      layers: [{ kind: 'pool', name: 'pool1', mode: 'max', window: [2, 2], stride: [2, 2] }],
    } as const
    const moves = quantise(network, new Map(), new Map(), int8)
    expect(buildAssignment(moves, [parseFlag('trunc:ka=1,kb=1')]).size).toBe(0)
    expect(failure(() => buildAssignment(moves, [parseFlag('conv1=exact')])).message).toBe(
      'there is no layer "conv1".',
    )
  })

  test('WHERE= is there only before the first "=" and without ":"', () => {
    expect(parseFlag('roup:p=1,r=2')).toMatchObject({ selector: 'default', spec: 'roup:p=1,r=2' })
    expect(parseFlag('conv2=roup:p=1,r=2')).toMatchObject({ selector: 'conv2', spec: 'roup:p=1,r=2' })
    expect(parseFlag('conv1[0-2] [1]=exact')).toMatchObject({ selector: 'conv1[0-2][1]', spec: 'exact' })
    expect(parseFlag('exact')).toMatchObject({ selector: 'default', spec: 'exact' })
  })

  test('the same selector later wins', () => {
    const file: Entry[] = [
      { selector: 'conv2', spec: 'exact' },
      { selector: 'default', spec: 'exact' },
    ]
    expect(
      mergeEntries(file, [parseFlag('conv2=trunc:ka=1,kb=1')]).map((e) => `${e.selector}=${e.spec}`),
    ).toEqual(['conv2=trunc:ka=1,kb=1', 'default=exact'])
  })

  test.each([
    [['exact', 'drum:k=4'], 'all products without one of their own: exact and drum:k=4'],
    [['conv1=exact', 'conv2=exact', 'conv1=drum:k=4'], '"conv1": exact and drum:k=4'],
    [['conv1[0-2] [1]=exact', 'conv1[0-2][1]=exact'], '"conv1[0-2][1]": exact and exact'],
  ])('two for the same products are refused: %j', (texts, message) => {
    expect(failure(() => parseFlags(texts))).toMatchObject({
      kind: 'usage',
      where: '--mult',
      message: `two multipliers are given for ${message}`,
    })
    expect(parseFlags(texts.slice(0, -1))).toHaveLength(texts.length - 1)
  })

  test.each(['', 'conv 2!', 'conv1[', 'conv1[2-1]', 'conv1[a]', 'conv1[0][1][2]', 'default[0]', 'conv1[]'])(
    '"%s" is refused',
    (text) => {
      expect(failure(() => parseSelector(text, 'here'))).toMatchObject({ kind: 'usage', where: 'here' })
    },
  )
})

describe('precedence', () => {
  const lines = [
    'trunc:ka=1,kb=1',
    'conv*=trunc:ka=2,kb=1',
    'conv2=trunc:ka=1,kb=2',
    'conv2[0-3]=trunc:ka=2,kb=2',
    'conv2[2-5][1]=trunc:ka=3,kb=3',
  ]
  test.each([
    ['default', 'fc1', 0, 0, 'trunc:ka=1,kb=1'],
    ['a wild layer over default', 'conv1', 5, 0, 'trunc:ka=2,kb=1'],
    ['an exact layer over a wild one', 'conv2', 15, 5, 'trunc:ka=1,kb=2'],
    ['a filter over its layer', 'conv2', 3, 0, 'trunc:ka=2,kb=2'],
    ['a kernel over its filter', 'conv2', 3, 1, 'trunc:ka=3,kb=3'],
    ['a kernel over its layer', 'conv2', 5, 1, 'trunc:ka=3,kb=3'],
  ] as const)('%s', (_name, layer, filter, channel, expected) => {
    expect(specOf(layer, filter, channel, ...lines)).toBe(expected)
  })

  test('without any entry all products are exact', () => {
    expect(
      [...assign().values()].every(({ multipliers }) => multipliers.length === 1 && multipliers[0]!.exact),
    ).toBe(true)
  })

  test('the domain is that of the layer', () => {
    expect(assign().get('conv2')!.multipliers[0]!.domain).toEqual({
      nA: 8,
      signedA: true,
      nB: 8,
      signedB: true,
    })
  })
})

describe('mistakes', () => {
  test.each([
    ['an unknown layer', ['conv3=exact'], 'there is no layer "conv3". Did you mean "conv1"?'],
    ['a layer that multiplies nothing', ['pool1=exact'], 'layer "pool1" (pool) multiplies nothing'],
    ['a pattern without a match', ['dw*=exact'], 'no layer matches "dw*"'],
    [
      'a filter that is not there',
      ['conv1[0-6]=exact'],
      '"conv1[0-6]": layer "conv1" has no filter 6; it has 6 filters, 0 to 5',
    ],
    [
      'a kernel that is not there',
      ['conv2[0][6]=exact'],
      '"conv2[0][6]": layer "conv2" has no kernel 6; it has 6 kernels',
    ],
    [
      'overlapping filters',
      ['conv1[0-2]=exact', 'conv1[2-4]=trunc:ka=1,kb=1'],
      '"conv1[0-2]" and "conv1[2-4]" both choose a multiplier for layer "conv1", filter 2',
    ],
    [
      'overlapping patterns',
      ['conv*=exact', '*1=trunc:ka=1,kb=1'],
      '"conv*" and "*1" both choose a multiplier for layer "conv1"',
    ],
    ['an unknown family', ['conv1=roop:p=1'], '"roop" is no multiplier family. Did you mean "roup"?'],
  ])('%s', (_name, lines, message) => {
    const error = failure(() => assign(...lines))
    expect(error.message).toContain(message)
    expect(error).toMatchObject({ kind: 'usage', where: '--mult' })
  })

  test('accumulators of more than 32 bits are refused with both bounds', () => {
    const node = graph.nodes.find((n) => n.name === 'fc1')!
    const wide = {
      ...graph,
      nodes: graph.nodes.map((n) =>
        n === node && n.kind === 'conv' ? { ...n, bias: n.bias.map(() => 2 ** 31 - 1) } : n,
      ),
    }
    expect(failure(() => buildAssignment(wide, []))).toMatchObject({
      kind: 'usage',
      where: 'fc1',
      message: expect.stringMatching(/can accumulate from -\d+ to \d+: more than 32 bits/),
    })
  })
})
