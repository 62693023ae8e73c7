import type { Network } from '../network.ts'

const pool = { kind: 'pool', mode: 'max', window: [2, 2], stride: [2, 2] } as const
const convolution = { kind: 'conv2d', kernel: [5, 5], stride: [1, 1], groups: 1 } as const

const leNet = (name: string): Network => ({
  name,
  input: { shape: [1, 28, 28] },
  layers: [
    { ...convolution, name: 'conv1', filters: 6, padding: [2, 2, 2, 2] },
    { kind: 'relu', name: 'relu1' },
    { ...pool, name: 'pool1' },
    { ...convolution, name: 'conv2', filters: 16, padding: [0, 0, 0, 0] },
    { kind: 'relu', name: 'relu2' },
    { ...pool, name: 'pool2' },
    { kind: 'flatten', name: 'flatten' },
    { kind: 'dense', name: 'fc1', units: 120 },
    { kind: 'relu', name: 'relu3' },
    { kind: 'dense', name: 'fc2', units: 84 },
    { kind: 'relu', name: 'relu4' },
    { kind: 'dense', name: 'fc3', units: 10 },
  ],
})

/** LeNet-5 on 28x28 digits, padded to 32x32: 61,706 parameters, 416,520 multiplications. (LeCun et al. 1998, with ReLU and max pooling.) */
export const lenet5 = leNet('lenet5')

/** The same layers, for pieces of clothing. */
export const lenetFashion = leNet('lenet-fashion')
