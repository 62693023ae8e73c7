import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readDocument } from '../../src/base/document.ts'
import { packageRoot } from '../../src/base/files.ts'
import type { Network } from '../../src/net/network.ts'
import { parseNetwork } from '../../src/net/schema.ts'
import { countMacs, countParameters, layerShapes } from '../../src/net/shapes.ts'
import { alexnet } from '../../src/net/zoo/alexnet.ts'
import { dscnnKws } from '../../src/net/zoo/dscnn.ts'
import { lenet5, lenetFashion } from '../../src/net/zoo/lenet5.ts'
import { resnet8, resnet8Mlperf, resnet20 } from '../../src/net/zoo/resnet.ts'
import { vgg16, vgg16Cifar } from '../../src/net/zoo/vgg.ts'
import { zoo } from '../../src/net/zoo.ts'
import { linksOf } from '../../src/quant/links.ts'

const convolutions = (network: Network) => layerShapes(network).filter(({ layer }) => layer.kind === 'conv2d')
const shapes = (network: Network) =>
  Object.fromEntries(layerShapes(network).map(({ layer, output }) => [layer.name, output.join('x')]))

describe('published sizes of the built-in networks, batch norm folded', () => {
  test.each([
    [lenet5, 61_706, 416_520],
    [lenetFashion, 61_706, 416_520],
    [alexnet, 61_100_840, 714_188_480],
    [vgg16, 138_357_544, 15_470_264_320],
    [vgg16Cifar, 14_719_818, 313_201_664],
    [resnet8Mlperf, 77_706, 12_501_632],
    [dscnnKws, 22_604, 2_656_768],
  ])('$name', (network, parameters, macs) => {
    expect(countParameters(network)).toBe(parameters)
    expect(countMacs(network)).toBe(macs)
  })

  test('resnet20: 268,346 parameters without the biases that batch norm leaves', () => {
    const biases = convolutions(resnet20).reduce((sum, { output }) => sum + output[0], 0)
    expect(biases).toBe(688)
    expect(countParameters(resnet20) - biases).toBe(268_346)
    expect(countMacs(resnet20)).toBe(40_551_040)
    expect(convolutions(resnet20)).toHaveLength(19)
  })

  test('resnet8: shares of its seven convolutions in their 12,238,848 multiplications', () => {
    const macs = convolutions(resnet8).map((shaped) => shaped.macs)
    const total = macs.reduce((sum, n) => sum + n, 0)
    expect(total).toBe(12_238_848)
    expect(macs.map((n) => ((100 * n) / total).toFixed(2))).toEqual([
      '3.61',
      '19.28',
      '19.28',
      '9.64',
      '19.28',
      '9.64',
      '19.28',
    ])
  })
})

describe('the built-in networks', () => {
  test('maps of the residual networks and the depthwise one', () => {
    for (const network of [resnet8, resnet8Mlperf, resnet20])
      expect(shapes(network), network.name).toMatchObject({ conv1: '16x32x32', pool: '64x1x1', fc: '10' })
    expect(shapes(resnet8)).toMatchObject({ pool2: '16x16x16', pad2: '32x16x16', add3: '64x8x8' })
    expect(shapes(resnet8Mlperf)).toMatchObject({ shortcut2: '32x16x16', shortcut3: '64x8x8' })
    expect(shapes(resnet20)).toMatchObject({ subsample4: '16x16x16', pad7: '64x8x8', add9: '64x8x8' })
    expect(shapes(dscnnKws)).toMatchObject({ conv1: '64x25x5', depthwise4: '64x25x5', pool: '64x1x1' })
  })

  test.each(zoo.map(({ network }) => [network.name, network] as const))(
    '%s can be written as a file, and every ReLU is fused',
    (_name, network) => {
      expect(parseNetwork(readDocument(JSON.stringify(network), 'net.json'))).toEqual(network)
      const { links } = linksOf(network)
      const relus = network.layers.filter(({ kind }) => kind === 'relu').length
      expect(links.filter((link) => 'relu' in link && link.relu)).toHaveLength(relus)
    },
  )
})

describe('docs/networks.md', () => {
  const text = readFileSync(join(packageRoot, 'docs', 'networks.md'), 'utf8')

  test('its network can be used', () => {
    const [, example] = /^```yaml\n(.*?)^```/ms.exec(text)!
    const network = parseNetwork(readDocument(example!, 'networks.md'))
    expect(linksOf(network).output).toBe('fc1')
    expect(shapes(network)).toMatchObject({ widened: '32x16x16', sum: '32x16x16', pool2: '32x1x1' })
  })

  test('its table has every built-in network with its sizes', () => {
    const rows = [...text.matchAll(/^\| `([\w-]+)` .*\| +([\d,]+) \| +([\d,]+) \|$/gm)]
    expect(rows.map(([, ...cells]) => cells)).toEqual(
      zoo.map(({ network }) => [
        network.name,
        countParameters(network).toLocaleString('en-US'),
        countMacs(network).toLocaleString('en-US'),
      ]),
    )
  })
})
