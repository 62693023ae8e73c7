import type { Layer, Network } from '../network.ts'

/** Filters of the 3x3 convolutions; each row ends in max pooling. (Simonyan and Zisserman 2015, configuration D.) */
const stages = [
  [64, 64],
  [128, 128],
  [256, 256, 256],
  [512, 512, 512],
  [512, 512, 512],
] as const

function features(): Layer[] {
  let number = 0
  return stages.flatMap((stage, index) => [
    ...stage.flatMap((filters): Layer[] => [
      {
        kind: 'conv2d',
        name: `conv${++number}`,
        filters,
        kernel: [3, 3],
        stride: [1, 1],
        padding: [1, 1, 1, 1],
        groups: 1,
      },
      { kind: 'relu', name: `relu${number}` },
    ]),
    { kind: 'pool', name: `pool${index + 1}`, mode: 'max', window: [2, 2], stride: [2, 2] },
  ])
}

/** VGG-16 on 224x224 colour images, 1,000 classes: 138,357,544 parameters, 15,470,264,320 multiplications. */
export const vgg16: Network = {
  name: 'vgg16',
  input: { shape: [3, 224, 224] },
  layers: [
    ...features(),
    { kind: 'flatten', name: 'flatten' },
    { kind: 'dense', name: 'fc1', units: 4096 },
    { kind: 'relu', name: 'relu14' },
    { kind: 'dense', name: 'fc2', units: 4096 },
    { kind: 'relu', name: 'relu15' },
    { kind: 'dense', name: 'fc3', units: 1000 },
  ],
}

/** VGG-16 as it is used on 32x32 images: the same convolutions and one dense layer; 14,719,818 parameters, 313,201,664 multiplications. */
export const vgg16Cifar: Network = {
  name: 'vgg16-cifar',
  input: { shape: [3, 32, 32] },
  layers: [...features(), { kind: 'flatten', name: 'flatten' }, { kind: 'dense', name: 'fc', units: 10 }],
}
