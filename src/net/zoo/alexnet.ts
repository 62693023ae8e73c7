import type { Conv2d, Layer, Network } from '../network.ts'

const convolution = (
  number: number,
  filters: number,
  kernel: number,
  stride: number,
  padding: number,
): Conv2d => ({
  kind: 'conv2d',
  name: `conv${number}`,
  filters,
  kernel: [kernel, kernel],
  stride: [stride, stride],
  padding: [padding, padding, padding, padding],
  groups: 1,
})

const relu = (number: number): Layer => ({ kind: 'relu', name: `relu${number}` })

const pool = (number: number): Layer => ({
  kind: 'pool',
  name: `pool${number}`,
  mode: 'max',
  window: [3, 3],
  stride: [2, 2],
})

/**
 * AlexNet of one column (Krizhevsky 2014, as torchvision has it) on 224x224 colour images, 1,000 classes: 61,100,840 parameters,
 * 714,188,480 multiplications.
 */
export const alexnet: Network = {
  name: 'alexnet',
  input: { shape: [3, 224, 224] },
  layers: [
    convolution(1, 64, 11, 4, 2),
    relu(1),
    pool(1),
    convolution(2, 192, 5, 1, 2),
    relu(2),
    pool(2),
    convolution(3, 384, 3, 1, 1),
    relu(3),
    convolution(4, 256, 3, 1, 1),
    relu(4),
    convolution(5, 256, 3, 1, 1),
    relu(5),
    pool(3),
    { kind: 'flatten', name: 'flatten' },
    { kind: 'dense', name: 'fc1', units: 4096 },
    relu(6),
    { kind: 'dense', name: 'fc2', units: 4096 },
    relu(7),
    { kind: 'dense', name: 'fc3', units: 1000 },
  ],
}
