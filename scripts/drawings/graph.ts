import type { QGraph } from '../../src/quant/qgraph.ts'

/** A network of one convolution without padding, whose values do not matter: what a drawing shows is its plan. */
export function smallGraph(layer: {
  readonly channels: number
  /** Height and width of the input. */
  readonly size: number
  readonly filters: number
  readonly kernel: number
}): QGraph {
  const { channels, size, filters, kernel } = layer
  const result = size - kernel + 1
  const tensor = (shape: readonly [number, number, number]) => ({
    shape,
    bits: 8,
    signed: true,
    scale: 1,
    zeroPoint: 0,
  })
  return {
    name: 'drawing',
    input: 'input',
    output: 'conv1',
    tensors: { input: tensor([channels, size, size]), conv1: tensor([filters, result, result]) },
    nodes: [
      {
        kind: 'conv',
        name: 'conv1',
        dense: false,
        input: 'input',
        output: 'conv1',
        kernel: [kernel, kernel],
        stride: [1, 1],
        padding: [0, 0, 0, 0],
        groups: 1,
        weightBits: 8,
        weights: new Int8Array(filters * channels * kernel * kernel).fill(1),
        bias: new Int32Array(filters),
        multiplier: new Uint16Array(filters).fill(2 ** 15),
        shift: new Uint8Array(filters).fill(20),
        low: -128,
        high: 127,
      },
    ],
  }
}
