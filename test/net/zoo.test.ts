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
import { gruKws, lstmKws } from '../../src/net/zoo/keywords.ts'
import { lenet5, lenetFashion } from '../../src/net/zoo/lenet5.ts'
import { mobileNetV1, mobileNetV2 } from '../../src/net/zoo/mobilenet.ts'
import { resnet8, resnet8Mlperf, resnet20 } from '../../src/net/zoo/resnet.ts'
import { vgg16, vgg16Cifar } from '../../src/net/zoo/vgg.ts'
import { loadNetwork, zoo } from '../../src/net/zoo.ts'
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

  // Networks with batch norm are published without the biases that folding leaves, or with scales and shifts instead of them.
  test.each([
    [mobileNetV1, 4_210_088, 4_231_976, 568_740_352],
    [mobileNetV2, 3_470_760, 3_504_872, 300_774_272],
  ])('$name: parameters without batch norm and with it', (make, without, withNorm, macs) => {
    const network = make({ width: 1, resolution: 224 })
    const biases = convolutions(network).reduce((sum, { output }) => sum + output[0], 0)
    expect(countParameters(network) - biases).toBe(without)
    expect(countParameters(network) + biases).toBe(withNorm)
    expect(countMacs(network)).toBe(macs)
  })

  test('resnet20 with the scales and shifts of its batch norms', () => {
    const biases = convolutions(resnet20).reduce((sum, { output }) => sum + output[0], 0)
    expect(countParameters(resnet20) + biases).toBe(269_722)
  })

  test('recurrent keyword spotters: gates of units by features, units and both biases, a dense layer', () => {
    expect(countParameters(gruKws)).toBe(3 * 154 * (10 + 154 + 2) + 12 * (154 + 1))
    expect(countParameters(lstmKws)).toBe(4 * 118 * (10 + 118 + 2) + 12 * (118 + 1))
    expect(countMacs(gruKws)).toBe(49 * 3 * 154 * (10 + 154) + 12 * 154)
    expect(countMacs(lstmKws)).toBe(49 * 4 * 118 * (10 + 118) + 12 * 118)
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
    '%s can be written as a file',
    (_name, network) =>
      expect(parseNetwork(readDocument(JSON.stringify(network), 'net.json'))).toEqual(network),
  )

  const relusOf = ({ layers }: Network) => layers.filter(({ kind }) => kind === 'relu').length
  const withRelu = zoo.map(({ network }) => network).filter((network) => relusOf(network) > 0)
  test.each(withRelu.map((network) => [network.name, network] as const))(
    '%s: every ReLU is fused',
    (_name, network) =>
      expect(linksOf(network).links.filter((link) => 'relu' in link && link.relu)).toHaveLength(
        relusOf(network),
      ),
  )
})

describe('sizes of MobileNets', () => {
  test('width scales the channels, resolution the image', () => {
    const small = loadNetwork('mobilenetv1:width=0.25,resolution=96')
    expect(small.name).toBe('mobilenetv1-w0_25-r96')
    expect(shapes(small)).toMatchObject({
      conv1: '8x48x48',
      pointwise13: '256x3x3',
      pool: '256x1x1',
      fc: '1000',
    })
    const wide = loadNetwork('mobilenetv2:width=1.4')
    expect(shapes(wide)).toMatchObject({ conv1: '48x112x112', conv2: '1792x7x7', fc: '1000' })
    expect(shapes(loadNetwork('mobilenetv2:resolution=130'))).toMatchObject({
      conv2: '1280x5x5',
      pool: '1280x1x1',
    })
    expect(parseNetwork(readDocument(JSON.stringify(small), 'net.json'))).toEqual(small)
  })

  test.each([
    ['mobilenetv1:widht=0.5', 'the size of a network has no "widht". Did you mean "width"?'],
    ['mobilenetv1:width=0', 'width is "0": from 0.05 to 4 is possible'],
    ['mobilenetv1:width=', 'width is "": from 0.05 to 4 is possible'],
    ['mobilenetv2:resolution=96.5', 'resolution is "96.5": from 32 to 1024 is possible'],
    ['mobilenetv2:width=0.5,width=1', 'width is set twice'],
    ['lenet5:width=2', 'the network "lenet5" has one size'],
  ])('%s is refused', (net, message) => {
    expect(() => loadNetwork(net)).toThrow(message)
  })
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
