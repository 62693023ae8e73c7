import { usageError } from '../base/errors.ts'
import { didYouMean } from '../base/suggest.ts'
import type { Network } from './network.ts'
import { readNetworkFile } from './schema.ts'
import { alexnet } from './zoo/alexnet.ts'
import { dscnnKws } from './zoo/dscnn.ts'
import { lenet5, lenetFashion } from './zoo/lenet5.ts'
import { resnet8, resnet8Mlperf, resnet20 } from './zoo/resnet.ts'
import { vgg16, vgg16Cifar } from './zoo/vgg.ts'

/** A built-in network. */
export interface ZooEntry {
  readonly network: Network
  /** The data set that its weights in nets/ were trained on; absent where it has none. */
  readonly data?: string
  readonly summary: string
}

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
]

/** Names of the zoo that are planned and not there yet. */
const planned = ['mobilenetv1', 'mobilenetv2', 'gru-kws', 'lstm-kws']

export function zooEntry(name: string): ZooEntry | undefined {
  return zoo.find(({ network }) => network.name === name)
}

/** The network of `--net`: a built-in name, or a .json or .yaml file. */
export function loadNetwork(net: string): Network {
  const available = zoo.map(({ network }) => network.name)
  if (/\.(json|ya?ml)$/i.test(net)) return readNetworkFile(net)
  if (/\.(onnx|tflite)$/i.test(net)) {
    throw usageError(`${net}: ONNX and TFLite files are not imported yet`, {
      hint: `Use a .json or .yaml network file, or a built-in network: ${available.join(', ')}.`,
    })
  }
  const entry = zooEntry(net)
  if (entry !== undefined) return entry.network
  if (planned.includes(net))
    throw usageError(`the network "${net}" is not built in yet; available: ${available.join(', ')}`, {
      where: 'net',
    })
  throw usageError(`there is no built-in network "${net}".${didYouMean(net, available)}`, {
    where: 'net',
    hint: `Available: ${available.join(', ')}; or name a .json or .yaml network file.`,
  })
}
