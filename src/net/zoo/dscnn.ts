import type { Layer, Network } from '../network.ts'

const filters = 64

/** A depthwise 3x3 convolution and a pointwise one, each with ReLU. */
function separable(block: number): Layer[] {
  const convolution = { kind: 'conv2d', filters, stride: [1, 1] } as const
  return [
    {
      ...convolution,
      name: `depthwise${block}`,
      kernel: [3, 3],
      padding: [1, 1, 1, 1],
      groups: filters,
    },
    { kind: 'relu', name: `relu${block}a` },
    { ...convolution, name: `pointwise${block}`, kernel: [1, 1], padding: [0, 0, 0, 0], groups: 1 },
    { kind: 'relu', name: `relu${block}b` },
  ]
}

/**
 * The keyword spotter of MLPerf Tiny, DS-CNN of "Hello Edge" (Zhang et al. 2017), on 49 frames of 10 MFCCs, batch norm folded:
 * 22,604 parameters, 2,656,768 multiplications.
 */
export const dscnnKws: Network = {
  name: 'dscnn-kws',
  input: { shape: [1, 49, 10] },
  layers: [
    {
      kind: 'conv2d',
      name: 'conv1',
      filters,
      kernel: [10, 4],
      stride: [2, 2],
      padding: [4, 1, 5, 1],
      groups: 1,
    },
    { kind: 'relu', name: 'relu1' },
    ...[1, 2, 3, 4].flatMap(separable),
    { kind: 'pool', name: 'pool', mode: 'average', window: [25, 5], stride: [25, 5] },
    { kind: 'flatten', name: 'flatten' },
    { kind: 'dense', name: 'fc', units: 12 },
  ],
}
