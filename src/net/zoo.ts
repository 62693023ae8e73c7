import { usageError } from '../base/errors.ts'
import { didYouMean, nearest } from '../base/suggest.ts'
import type { Network } from './network.ts'
import { readNetworkFile } from './schema.ts'
import { alexnet } from './zoo/alexnet.ts'
import { dscnnKws } from './zoo/dscnn.ts'
import { gruKws, lstmKws } from './zoo/keywords.ts'
import { lenet5, lenetFashion } from './zoo/lenet5.ts'
import { type MobileNetSize, mobileNetV1, mobileNetV2 } from './zoo/mobilenet.ts'
import { resnet8, resnet8Mlperf, resnet20 } from './zoo/resnet.ts'
import { vgg16, vgg16Cifar } from './zoo/vgg.ts'

/** A built-in network. */
export interface ZooEntry {
  readonly network: Network
  /** The data set that its weights in nets/ were trained on; absent where it has none. */
  readonly data?: string
  readonly summary: string
  /** The network at another size, where it has several: `NAME:width=0.25,resolution=96`. */
  readonly sized?: (size: MobileNetSize) => Network
}

const usual: MobileNetSize = { width: 1, resolution: 224 }

export const zoo: readonly ZooEntry[] = [
  { network: lenet5, data: 'mnist', summary: 'LeNet-5, 28x28 digits, 10 classes' },
  {
    network: lenetFashion,
    data: 'fashion-mnist',
    summary: 'LeNet-5 for 28x28 pieces of clothing, 10 classes',
  },
  { network: resnet8, summary: 'ResNet-8 of ALWANN and MAx-DNN, 32x32 colour images, 10 classes' },
  { network: resnet8Mlperf, summary: 'ResNet-8 of MLPerf Tiny, 32x32 colour images, 10 classes' },
  { network: resnet20, summary: 'ResNet-20, 32x32 colour images, 10 classes' },
  { network: dscnnKws, summary: 'DS-CNN of MLPerf Tiny, keywords in 49x10 MFCCs, 12 classes' },
  { network: alexnet, summary: 'AlexNet, 224x224 colour images, 1,000 classes' },
  { network: vgg16, summary: 'VGG-16, 224x224 colour images, 1,000 classes' },
  { network: vgg16Cifar, summary: 'VGG-16 for 32x32 colour images, 10 classes' },
  {
    network: mobileNetV1(usual),
    sized: mobileNetV1,
    summary: 'MobileNet, 224x224 colour images, 1,000 classes; any width and resolution',
  },
  {
    network: mobileNetV2(usual),
    sized: mobileNetV2,
    summary: 'MobileNetV2, 224x224 colour images, 1,000 classes; any width and resolution',
  },
  { network: gruKws, summary: 'GRU of 154 units, keywords in 49x10 MFCCs, 12 classes' },
  { network: lstmKws, summary: 'LSTM of 118 units, keywords in 49x10 MFCCs, 12 classes' },
]

/** A built-in network by its name, with its size behind a colon where it has several. Undefined where there is no such name. */
export function zooEntry(net: string): ZooEntry | undefined {
  const [name = '', size] = net.split(/:(.*)/s)
  const entry = zoo.find(({ network }) => network.name === name)
  if (entry === undefined || size === undefined) return entry
  if (entry.sized === undefined)
    throw usageError(`the network "${name}" has one size: "${size}" cannot be set`, { where: 'net' })
  return { ...entry, network: entry.sized(parseSize(size)) }
}

const bounds = { width: [0.05, 4], resolution: [32, 1024] } as const

/** `width=0.25,resolution=96`; what is not named is as usual. */
function parseSize(text: string): MobileNetSize {
  const size: { -readonly [K in keyof MobileNetSize]: MobileNetSize[K] } = { ...usual }
  const named = new Set<string>()
  for (const part of text.split(',')) {
    const [key = '', value = ''] = part.split(/=(.*)/s).map((piece) => piece.trim())
    if (key !== 'width' && key !== 'resolution')
      throw usageError(`the size of a network has no "${key}".${didYouMean(key, Object.keys(bounds))}`, {
        where: 'net',
        hint: 'For example: mobilenetv1:width=0.25,resolution=96.',
      })
    const number = value === '' ? Number.NaN : Number(value)
    const [low, high] = bounds[key]
    if (
      !(number >= low && number <= high) ||
      (key === 'resolution' && !Number.isInteger(number)) ||
      named.has(key)
    )
      throw usageError(
        named.has(key) ? `${key} is set twice` : `${key} is "${value}": from ${low} to ${high} is possible`,
        { where: 'net' },
      )
    named.add(key)
    size[key] = number
  }
  return size
}

/** The network of `--net`: a built-in name, or a .json or .yaml file. */
export function loadNetwork(net: string): Network {
  const available = zoo.map(({ network }) => network.name)
  if (/\.(json|ya?ml)$/i.test(net)) return readNetworkFile(net)
  if (/\.(onnx|tflite)$/i.test(net)) {
    throw usageError(`${net} is a model file, which holds more than a network`, {
      hint: `Make a network file of it: "xgen net import ${net}".`,
    })
  }
  const entry = zooEntry(net)
  if (entry !== undefined) return entry.network
  // a size behind a misspelt name stays as it is
  const [name = ''] = net.split(':')
  const near = nearest(name, available)
  const meant = near === undefined ? '' : ` Did you mean "${near}${net.slice(name.length)}"?`
  throw usageError(`there is no built-in network "${net}".${meant}`, {
    where: 'net',
    hint: `Available: ${available.join(', ')}; or name a .json, .yaml, .onnx or .tflite file.`,
  })
}
