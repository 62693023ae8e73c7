import { usageError } from '../base/errors.ts'
import type { Conv2d, Dense, Flatten, Network, Pool } from '../net/network.ts'
import { asMap, type LayerShape, layerShapes } from '../net/shapes.ts'

/** The layers of a network as integer nodes: each ReLU is fused into the convolution or dense layer that it follows. */
export type Link =
  | {
      readonly kind: 'conv'
      readonly layer: Conv2d | Dense
      readonly shaped: LayerShape
      readonly relu: boolean
      readonly nonNegative: boolean
    }
  | {
      readonly kind: 'pool'
      readonly layer: Pool
      readonly shaped: LayerShape
      readonly nonNegative: boolean
    }
  | {
      readonly kind: 'reshape'
      readonly layer: Flatten
      readonly shaped: LayerShape
      readonly nonNegative: boolean
    }

/**
 * `nonNegative` tells whether the link's result cannot be negative. A ReLU commutes with max pooling and flatten, so it may
 * stand behind them; behind average pooling it does not, and is refused. Images are in [0, 1].
 */
export function chain(network: Network): readonly Link[] {
  const links: Link[] = []
  let nonNegative = true
  for (const shaped of layerShapes(network)) {
    const { layer } = shaped
    switch (layer.kind) {
      case 'conv2d':
      case 'dense':
        nonNegative = false
        links.push({ kind: 'conv', layer, shaped, relu: false, nonNegative })
        break
      case 'pool':
        links.push({ kind: 'pool', layer, shaped, nonNegative })
        break
      case 'flatten':
        links.push({ kind: 'reshape', layer, shaped, nonNegative })
        break
      case 'relu':
        if (!nonNegative) fuse(links, layer.name)
        nonNegative = true
        break
    }
  }
  return links
}

/** Makes the last convolution end in ReLU, and all links behind it non-negative. */
function fuse(links: Link[], name: string): void {
  for (let i = links.length - 1; i >= 0; i--) {
    const link = links[i]!
    if (link.kind === 'pool' && link.layer.mode === 'average') {
      throw usageError(
        `layer "${name}" (relu) follows the average pooling "${link.layer.name}": the two cannot be swapped exactly`,
        {
          where: name,
          hint: 'Put the ReLU directly behind the convolution.',
        },
      )
    }
    links[i] = { ...link, nonNegative: true, ...(link.kind === 'conv' ? { relu: true } : {}) } as Link
    if (link.kind === 'conv') return
  }
}

/** [channels, height, width] of a link's result. */
export function linkShape(link: Link): readonly [number, number, number] {
  return asMap(link.shaped.output)
}
