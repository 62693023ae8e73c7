import type { Conv2d, Layer, Network } from '../network.ts'

/** How a block that halves the map and doubles the channels carries its input around its convolutions. */
type Shortcut = 'pooled' | 'convolved' | 'subsampled'

const channels = [16, 32, 64] as const

/** A residual network on 32x32 colour images: three stages of `blocks` blocks with two 3x3 convolutions each, batch norm folded. */
function residualNetwork(name: string, blocks: number, shortcut: Shortcut): Network {
  const layers: Layer[] = [convolution('conv1', 'input', channels[0], 1), relu(1, 'conv1')]
  let x = 'relu1'
  let convolutions = 1
  for (const [stage, filters] of channels.entries()) {
    for (let block = 0; block < blocks; block++) {
      const number = stage * blocks + block + 1
      const stride = stage > 0 && block === 0 ? 2 : 1
      const [first, second] = [convolutions + 1, convolutions + 2]
      convolutions = second
      const around = stride === 1 ? [] : shortcutLayers(shortcut, number, x, filters)
      // The shortcut comes first, so that the addition follows the convolution whose results it can take as they come.
      layers.push(
        ...around,
        convolution(`conv${first}`, x, filters, stride),
        relu(first, `conv${first}`),
        convolution(`conv${second}`, `relu${first}`, filters, 1),
        { kind: 'add', name: `add${number}`, inputs: [`conv${second}`, around.at(-1)?.name ?? x] },
        relu(second, `add${number}`),
      )
      x = `relu${second}`
    }
  }
  layers.push(
    { kind: 'pool', name: 'pool', mode: 'average', window: [8, 8], stride: [8, 8] },
    { kind: 'flatten', name: 'flatten' },
    { kind: 'dense', name: 'fc', units: 10 },
  )
  return { name, input: { shape: [3, 32, 32] }, layers }
}

function convolution(name: string, input: string, filters: number, stride: number, size = 3): Conv2d {
  const pad = (size - 1) / 2
  return {
    kind: 'conv2d',
    name,
    inputs: [input],
    filters,
    kernel: [size, size],
    stride: [stride, stride],
    padding: [pad, pad, pad, pad],
    groups: 1,
  }
}

const relu = (number: number, input: string): Layer => ({
  kind: 'relu',
  name: `relu${number}`,
  inputs: [input],
})

/** From a map of filters / 2 channels to one of half the size and twice the channels. */
function shortcutLayers(kind: Shortcut, block: number, input: string, filters: number): Layer[] {
  if (kind === 'convolved') return [convolution(`shortcut${block}`, input, filters, 2, 1)]
  const added = filters / 4
  const pad: Layer = { kind: 'pad', name: `pad${block}`, channels: [added, added] }
  return kind === 'pooled'
    ? [
        {
          kind: 'pool',
          name: `pool${block}`,
          inputs: [input],
          mode: 'average',
          window: [2, 2],
          stride: [2, 2],
        },
        pad,
      ]
    : [{ kind: 'subsample', name: `subsample${block}`, inputs: [input], stride: [2, 2] }, pad]
}

/**
 * ResNet-8 of ALWANN (Mrazek et al., ICCAD 2019) and MAx-DNN (Leon et al., LASCAS 2022): seven 3x3 convolutions, shortcuts
 * without weights (2x2 average pooling and channels of zeros); 12,238,848 multiplications in the convolutions.
 */
export const resnet8 = residualNetwork('resnet8', 1, 'pooled')

/** ResNet-8 of MLPerf Tiny (Banbury et al. 2021): 1x1 convolutions as shortcuts; 77,706 parameters, 12,501,632 multiplications. */
export const resnet8Mlperf = residualNetwork('resnet8-mlperf', 1, 'convolved')

/**
 * ResNet-20 (He et al. 2016, shortcuts of option A: subsampling and channels of zeros): 40,551,040 multiplications; 268,346
 * parameters and the 688 biases that its batch norms leave when they are folded.
 */
export const resnet20 = residualNetwork('resnet20', 3, 'subsampled')
