import type { Conv2d, Layer, Network } from '../network.ts'

/** What a MobileNet is scaled by: `width` multiplies the channels, `resolution` is the size of the image. */
export interface MobileNetSize {
  readonly width: number
  readonly resolution: number
}

const relu6 = (name: string): Layer => ({
  kind: 'activation',
  name,
  function: { name: 'clip', low: 0, high: 6 },
})

interface ConvolutionSize {
  readonly kernel: number
  readonly stride: number
  readonly groups?: number
}

function convolution(name: string, filters: number, { kernel, stride, groups = 1 }: ConvolutionSize): Conv2d {
  const pad = (kernel - 1) / 2
  return {
    kind: 'conv2d',
    name,
    filters,
    kernel: [kernel, kernel],
    stride: [stride, stride],
    padding: [pad, pad, pad, pad],
    groups,
  }
}

/** Names carry the size where it is not the usual one: letters, digits, `-` and `_` are possible. */
function nameOf(stem: string, { width, resolution }: MobileNetSize): string {
  const widened = width === 1 ? '' : `-w${String(width).replace('.', '_')}`
  return `${stem}${widened}${resolution === 224 ? '' : `-r${resolution}`}`
}

const classifier = (resolution: number): Layer[] => {
  const size = Math.ceil(resolution / 32)
  return [
    { kind: 'pool', name: 'pool', mode: 'average', window: [size, size], stride: [size, size] },
    { kind: 'flatten', name: 'flatten' },
    { kind: 'dense', name: 'fc', units: 1000 },
  ]
}

/** Filters and stride of each depthwise separable block. */
const separable = [
  [64, 1],
  [128, 2],
  [128, 1],
  [256, 2],
  [256, 1],
  [512, 2],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [1024, 2],
  [1024, 1],
] as const

/**
 * MobileNet (Howard et al. 2017), batch norm folded: 568,740,352 multiplications on 224x224 colour images; 4,210,088 parameters and
 * the 10,944 biases that its batch norms leave (4,231,976 with their scales and shifts).
 */
export function mobileNetV1(size: MobileNetSize): Network {
  const scaled = (filters: number) => Math.max(1, Math.floor(filters * size.width))
  const layers: Layer[] = [convolution('conv1', scaled(32), { kernel: 3, stride: 2 }), relu6('relu1')]
  let channels = scaled(32)
  for (const [index, [filters, stride]] of separable.entries()) {
    const block = index + 1
    layers.push(
      convolution(`depthwise${block}`, channels, { kernel: 3, stride, groups: channels }),
      relu6(`relu${block}a`),
      convolution(`pointwise${block}`, scaled(filters), { kernel: 1, stride: 1 }),
      relu6(`relu${block}b`),
    )
    channels = scaled(filters)
  }
  layers.push(...classifier(size.resolution))
  return {
    name: nameOf('mobilenetv1', size),
    input: { shape: [3, size.resolution, size.resolution] },
    layers,
  }
}

/** Expansion, filters, number and first stride of the inverted residual blocks of one kind. */
const inverted = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const

/** The nearest multiple of 8, but not below nine tenths. */
function byEight(filters: number): number {
  const rounded = Math.max(8, Math.floor((filters + 4) / 8) * 8)
  return rounded < 0.9 * filters ? rounded + 8 : rounded
}

/**
 * MobileNetV2 (Sandler et al. 2018), batch norm folded: 300,774,272 multiplications on 224x224 colour images; 3,470,760 parameters and
 * the 17,056 biases that its batch norms leave (3,504,872 with their scales and shifts).
 */
export function mobileNetV2(size: MobileNetSize): Network {
  const scaled = (filters: number) => byEight(filters * size.width)
  const layers: Layer[] = [convolution('conv1', scaled(32), { kernel: 3, stride: 2 }), relu6('relu1')]
  let channels = scaled(32)
  let [block, x] = [0, 'relu1']
  for (const [expansion, base, count, first] of inverted) {
    const filters = scaled(base)
    for (let i = 0; i < count; i++) {
      const stride = i === 0 ? first : 1
      layers.push(...invertedResidual(++block, { channels, filters, expansion, stride, x }))
      x = layers.at(-1)!.name
      channels = filters
    }
  }
  const last = size.width > 1 ? scaled(1280) : 1280
  layers.push(convolution('conv2', last, { kernel: 1, stride: 1 }), relu6('relu2'))
  layers.push(...classifier(size.resolution))
  return {
    name: nameOf('mobilenetv2', size),
    input: { shape: [3, size.resolution, size.resolution] },
    layers,
  }
}

interface Block {
  readonly channels: number
  readonly filters: number
  readonly expansion: number
  readonly stride: number
  /** The layer that the block reads. */
  readonly x: string
}

/** Expanded by 1x1 filters, depthwise, projected without an activation; added to what it read where sizes are the same. */
function invertedResidual(block: number, { channels, filters, expansion, stride, x }: Block): Layer[] {
  const inner = channels * expansion
  const expand: Layer[] =
    expansion === 1
      ? []
      : [convolution(`expand${block}`, inner, { kernel: 1, stride: 1 }), relu6(`relu${block}a`)]
  const layers: Layer[] = [
    ...expand,
    convolution(`depthwise${block}`, inner, { kernel: 3, stride, groups: inner }),
    relu6(`relu${block}b`),
    convolution(`project${block}`, filters, { kernel: 1, stride: 1 }),
  ]
  return stride === 1 && channels === filters
    ? [...layers, { kind: 'add', name: `add${block}`, inputs: [`project${block}`, x] }]
    : layers
}
