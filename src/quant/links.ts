import type {
  Activation,
  Add,
  Concat,
  Conv2d,
  Dense,
  Flatten,
  Layer,
  Multiply,
  Network,
  Pad,
  Pool,
  Recurrent,
  Relu,
  Reshape,
  Softmax,
  Subsample,
  Transpose,
} from '../net/network.ts'
import { asMap, type LayerShape, layerShapes } from '../net/shapes.ts'
import { imageName } from '../net/wiring.ts'
import { clampOf, type Fusion, fuse, whyNotFused } from './fusion.ts'

/**
 * A layer of a network as an integer node. A ReLU, or a clip from 0 on, is no link where the links that make what it reads can take
 * it up; where they cannot, it is a table.
 */
export type Link = Linked &
  (
    | ({ readonly kind: 'conv'; readonly layer: Conv2d | Dense } & Clamped)
    | ({ readonly kind: 'add'; readonly layer: Add } & Clamped)
    | ({ readonly kind: 'mul'; readonly layer: Multiply } & Clamped)
    | { readonly kind: 'table'; readonly layer: Relu | Activation; readonly why: string | undefined }
    | { readonly kind: 'pool'; readonly layer: Pool }
    | { readonly kind: 'reshape'; readonly layer: Flatten | Reshape }
    | { readonly kind: 'transpose'; readonly layer: Transpose }
    | { readonly kind: 'concat'; readonly layer: Concat }
    | { readonly kind: 'pad'; readonly layer: Pad }
    | { readonly kind: 'subsample'; readonly layer: Subsample }
    | { readonly kind: 'softmax'; readonly layer: Softmax }
    | { readonly kind: 'recurrent'; readonly layer: Recurrent }
  )

interface Linked extends Bounds {
  readonly shaped: LayerShape
  /** What it reads: names of links before it, or `input`. */
  readonly inputs: readonly string[]
}

/** What is known of a result's values. */
export interface Bounds {
  /** Whether its result cannot be negative. */
  readonly nonNegative: boolean
  /** What its result cannot exceed, as far as is known: Infinity. */
  readonly ceiling: number
}

/** Whether it ends in a ReLU, which clips at `ceiling` where that is finite. */
interface Clamped {
  readonly relu: boolean
}

/** The links of a network in order, by name; and the one whose result is the network's. */
export interface Links {
  readonly links: readonly Link[]
  readonly output: string
}

/**
 * A ReLU commutes with everything that moves or compares values (max pooling, flatten, concat, channel padding, subsampling), so
 * it may stand behind them if nobody else reads the values before it. Images are in [0, 1], unless they have a range of their own.
 */
export function linksOf(network: Network, ownRange = false): Links {
  const image = ownRange ? { nonNegative: false, ceiling: Infinity } : { nonNegative: true, ceiling: 1 }
  const links = new Map<string, Link>()
  const shapes = layerShapes(network)
  /** What a ReLU's readers read in its place. */
  const made = new Map([[imageName, imageName]])
  for (const shaped of shapes) {
    const { layer, sources } = shaped
    const inputs = sources.map((source) => made.get(source)!)
    const clamp = clampOf(layer)
    const fusion: Fusion = { image, links, shapes, clamp: layer.name, ceiling: clamp ?? Infinity }
    const why = clamp === undefined ? undefined : whyNotFused(fusion, inputs[0]!, layer.name)
    if (clamp !== undefined && why === undefined) {
      fuse(fusion, inputs[0]!)
      made.set(layer.name, inputs[0]!)
    } else {
      links.set(
        layer.name,
        linkOf(
          layer,
          {
            shaped,
            inputs,
            ...bounds(
              layer,
              inputs.map((name) => (name === imageName ? image : links.get(name)!)),
            ),
          },
          why,
        ),
      )
      made.set(layer.name, layer.name)
    }
  }
  return { links: [...links.values()], output: made.get(network.layers.at(-1)!.name)! }
}

/** Whether a link's values are new and have a scale of their own, which calibration finds. */
export function isCalibrated(link: Link): link is Link & { readonly kind: 'conv' | 'add' | 'mul' | 'table' } {
  return link.kind === 'conv' || link.kind === 'add' || link.kind === 'mul' || link.kind === 'table'
}

function linkOf(layer: Layer, linked: Linked, why: string | undefined): Link {
  switch (layer.kind) {
    case 'conv2d':
    case 'dense':
      return { kind: 'conv', layer, relu: false, ...linked }
    case 'add':
      return { kind: 'add', layer, relu: false, ...linked }
    case 'mul':
      return { kind: 'mul', layer, relu: false, ...linked }
    case 'relu':
    case 'activation':
      return { kind: 'table', layer, why, ...linked }
    case 'flatten':
    case 'reshape':
      return { kind: 'reshape', layer, ...linked }
    case 'rnn':
    case 'gru':
    case 'lstm':
      return { kind: 'recurrent', layer, ...linked }
    case 'pool':
      return { kind: 'pool', layer, ...linked }
    case 'transpose':
      return { kind: 'transpose', layer, ...linked }
    case 'concat':
      return { kind: 'concat', layer, ...linked }
    case 'pad':
      return { kind: 'pad', layer, ...linked }
    case 'subsample':
      return { kind: 'subsample', layer, ...linked }
    case 'softmax':
      return { kind: 'softmax', layer, ...linked }
  }
}

/** What is known of the values of a layer's result, before any clamp that is fused into it. */
function bounds(layer: Layer, inputs: readonly Bounds[]): Bounds {
  const nonNegative = inputs.every((input) => input.nonNegative)
  const ceiling = Math.max(...inputs.map((input) => input.ceiling))
  switch (layer.kind) {
    case 'conv2d':
    case 'dense':
      return { nonNegative: false, ceiling: Infinity }
    case 'add':
    case 'mul':
      return { nonNegative, ceiling: Infinity }
    case 'relu':
      return { nonNegative: true, ceiling }
    case 'activation':
      return ofFunction(layer, nonNegative, ceiling)
    case 'softmax':
      return { nonNegative: true, ceiling: 1 }
    case 'rnn':
    case 'gru':
    case 'lstm':
      return { nonNegative: false, ceiling: 1 }
    case 'pad':
      return { nonNegative, ceiling: Math.max(0, ceiling) }
    default:
      return { nonNegative, ceiling }
  }
}

function ofFunction({ function: f }: Activation, nonNegative: boolean, ceiling: number) {
  switch (f.name) {
    case 'clip':
      return { nonNegative: f.low >= 0 || (nonNegative && f.high >= 0), ceiling: f.high }
    case 'hard-sigmoid':
    case 'sigmoid':
      return { nonNegative: true, ceiling: 1 }
    case 'tanh':
      return { nonNegative, ceiling: 1 }
    case 'leaky-relu':
    case 'elu':
      // below 0 they may rise, by a negative slope
      return { nonNegative, ceiling: nonNegative ? ceiling : Infinity }
    case 'hard-swish':
    case 'swish':
      return { nonNegative, ceiling: Math.max(0, ceiling) }
  }
}

/** [channels, height, width] of a link's result. */
export function linkShape(link: Link): readonly [number, number, number] {
  return asMap(link.shaped.output)
}
