import type { Layer } from '../net/network.ts'
import type { LayerShape } from '../net/shapes.ts'
import { imageName } from '../net/wiring.ts'
import type { Bounds, Link } from './links.ts'

// ReLUs, and clips from 0 on, become clamps of the links that make what they read.

/** A clamp that is to be fused, and what it is fused into. */
export interface Fusion {
  readonly image: Bounds
  readonly links: Map<string, Link>
  readonly shapes: readonly LayerShape[]
  /** The name of the layer that clamps, and where: from 0 to `ceiling`. */
  readonly clamp: string
  readonly ceiling: number
}

/** Where a layer that clamps at 0 below clamps above: Infinity of a ReLU. Undefined of other layers. */
export function clampOf(layer: Layer): number | undefined {
  if (layer.kind === 'relu') return Infinity
  if (layer.kind !== 'activation' || layer.function.name !== 'clip' || layer.function.low !== 0)
    return undefined
  return layer.function.high
}

/** Why the links before a clamp cannot take it up; undefined if they can. `reader` is what reads `name` on the way to the clamp. */
export function whyNotFused(fusion: Fusion, name: string, reader: string): string | undefined {
  if (isClamped(fusion, name)) return undefined
  const { links, shapes, clamp } = fusion
  if (name === imageName) return 'it clips the image'
  const link = links.get(name)!
  const other = shapes.find(
    ({ layer, sources }) =>
      layer.name !== clamp && layer.name !== reader && sources.includes(name) && !clampsAlike(fusion, layer),
  )
  if (other !== undefined) return `"${other.layer.name}" reads the values of "${name}" before it`
  switch (link.kind) {
    case 'conv':
    case 'add':
    case 'mul':
      return undefined
    case 'pool':
      if (link.layer.mode === 'average')
        return `it follows the average pooling "${name}": the two cannot be swapped exactly`
      break
    case 'table':
    case 'softmax':
    case 'recurrent':
      return `it follows "${name}" (${link.layer.kind}), which has no clamp`
    default:
  }
  for (const input of link.inputs) {
    const why = whyNotFused(fusion, input, name)
    if (why !== undefined) return why
  }
  return undefined
}

/** Makes the result of a link end in the clamp: its own, or those of all links that it takes its values from. */
export function fuse(fusion: Fusion, name: string): void {
  if (isClamped(fusion, name)) return
  const link = fusion.links.get(name)!
  const ends = link.kind === 'conv' || link.kind === 'add' || link.kind === 'mul'
  if (!ends) for (const input of link.inputs) fuse(fusion, input)
  const ceiling = Math.min(link.ceiling, fusion.ceiling)
  const clamped = { ...link, nonNegative: true, ceiling, ...(ends ? { relu: true } : {}) }
  fusion.links.set(name, clamped as Link)
}

/** Whether a clamp would change nothing of a link's result. */
function isClamped({ image, links, ceiling }: Fusion, name: string): boolean {
  const link = name === imageName ? image : links.get(name)!
  return link.nonNegative && link.ceiling <= ceiling
}

/** Clamps that are all alike may read the same values: one is fused for all of them. */
function clampsAlike({ ceiling }: Fusion, layer: Layer): boolean {
  return clampOf(layer) === ceiling
}
