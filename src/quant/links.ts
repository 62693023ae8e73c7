import { usageError } from '../base/errors.ts'
import type {
  Add,
  Concat,
  Conv2d,
  Dense,
  Flatten,
  Layer,
  Network,
  Pad,
  Pool,
  Subsample,
} from '../net/network.ts'
import { asMap, type LayerShape, layerShapes } from '../net/shapes.ts'
import { imageName } from '../net/wiring.ts'

/** A layer of a network as an integer node. A ReLU is no link: it is fused into the links that make what it reads. */
export type Link = Linked &
  (
    | { readonly kind: 'conv'; readonly layer: Conv2d | Dense; readonly relu: boolean }
    | { readonly kind: 'add'; readonly layer: Add; readonly relu: boolean }
    | { readonly kind: 'pool'; readonly layer: Pool }
    | { readonly kind: 'reshape'; readonly layer: Flatten }
    | { readonly kind: 'concat'; readonly layer: Concat }
    | { readonly kind: 'pad'; readonly layer: Pad }
    | { readonly kind: 'subsample'; readonly layer: Subsample }
  )

interface Linked {
  readonly shaped: LayerShape
  /** What it reads: names of links before it, or `input`. */
  readonly inputs: readonly string[]
  /** Whether its result cannot be negative. Images are in [0, 1]. */
  readonly nonNegative: boolean
}

/** The links of a network in order, by name; and the one whose result is the network's. */
export interface Links {
  readonly links: readonly Link[]
  readonly output: string
}

/**
 * A ReLU commutes with everything that moves or compares values (max pooling, flatten, concat, channel padding,
 * subsampling), so it may stand behind them if nobody else reads the values before it. Behind average pooling it is refused.
 */
export function linksOf(network: Network): Links {
  const links = new Map<string, Link>()
  const shapes = layerShapes(network)
  /** What a ReLU's readers read in its place. */
  const made = new Map([[imageName, imageName]])
  for (const shaped of shapes) {
    const { layer, sources } = shaped
    const inputs = sources.map((source) => made.get(source)!)
    if (layer.kind === 'relu') {
      fuse({ links, shapes, relu: layer.name }, inputs[0]!, layer.name)
      made.set(layer.name, inputs[0]!)
    } else {
      const nonNegative =
        layer.kind !== 'conv2d' && layer.kind !== 'dense' && inputs.every(isNonNegative(links))
      links.set(layer.name, linkOf(layer, { shaped, inputs, nonNegative }))
      made.set(layer.name, layer.name)
    }
  }
  return { links: [...links.values()], output: made.get(network.layers.at(-1)!.name)! }
}

function linkOf(layer: Exclude<Layer, { kind: 'relu' }>, linked: Linked): Link {
  if (linked.shaped.input.length === 2) throw floatOnly(layer, `${layer.kind} over a sequence`)
  if (layer.kind === 'conv2d' && layer.dilation !== undefined) throw floatOnly(layer, 'dilated convolution')
  if (layer.kind === 'pool' && (layer.ceil === true || layer.countPadding === false))
    throw floatOnly(layer, 'pooling rounded up or without its padding')
  switch (layer.kind) {
    case 'conv2d':
    case 'dense':
      return { kind: 'conv', layer, relu: false, ...linked }
    case 'add':
      return { kind: 'add', layer, relu: false, ...linked }
    case 'flatten':
      return { kind: 'reshape', layer, ...linked }
    case 'pool':
      return { kind: 'pool', layer, ...linked }
    case 'concat':
      return { kind: 'concat', layer, ...linked }
    case 'pad':
      return { kind: 'pad', layer, ...linked }
    case 'subsample':
      return { kind: 'subsample', layer, ...linked }
    default:
      throw floatOnly(layer, layer.kind)
  }
}

function floatOnly({ name }: Layer, what: string) {
  return usageError(`layer "${name}" (${what}) has no integer rule yet`, {
    where: name,
    hint: 'Only its float reference can be computed.',
  })
}

const isNonNegative = (links: ReadonlyMap<string, Link>) => (name: string) =>
  name === imageName || links.get(name)!.nonNegative

interface Fusion {
  readonly links: Map<string, Link>
  readonly shapes: readonly LayerShape[]
  /** The name of the ReLU. */
  readonly relu: string
}

/** Makes the result of a link end in ReLU: its own, or those of all links that it takes its values from. */
function fuse(fusion: Fusion, name: string, reader: string): void {
  if (isNonNegative(fusion.links)(name)) return
  const link = fusion.links.get(name)!
  checkReaders(fusion, name, reader)
  if (link.kind === 'pool' && link.layer.mode === 'average') {
    throw usageError(
      `layer "${fusion.relu}" (relu) follows the average pooling "${name}": the two cannot be swapped exactly`,
      {
        where: fusion.relu,
        hint: 'Put the ReLU directly behind the convolution.',
      },
    )
  }
  const ends = link.kind === 'conv' || link.kind === 'add'
  if (!ends) for (const input of link.inputs) fuse(fusion, input, name)
  fusion.links.set(name, { ...link, nonNegative: true, ...(ends ? { relu: true } : {}) } as Link)
}

/** Only ReLUs, which are all fused alike, and the link that the fused one goes through may read what loses its negative values. */
function checkReaders({ shapes, relu }: Fusion, name: string, reader: string): void {
  const other = shapes.find(
    ({ layer, sources }) => layer.kind !== 'relu' && layer.name !== reader && sources.includes(name),
  )
  if (other === undefined) return
  throw usageError(
    `layer "${relu}" (relu) cannot be fused into "${name}": "${other.layer.name}" reads the values before the ReLU`,
    {
      where: relu,
      hint: `The accelerator keeps a layer's result once: let "${other.layer.name}" read "${relu}", or put a layer with weights or an add before the ReLU.`,
    },
  )
}

/** [channels, height, width] of a link's result. */
export function linkShape(link: Link): readonly [number, number, number] {
  return asMap(link.shaped.output)
}
