import { imageName } from '../net/wiring.ts'
import { isCalibrated, type Link } from './links.ts'
import type { QuantOptions } from './options.ts'
import type { QTensor } from './qgraph.ts'
import { type Ranges, rangeOf } from './ranges.ts'
import { codeRange } from './rules.ts'

/** What all tensors of one chain of values share. */
export type TensorType = Pick<QTensor, 'bits' | 'signed' | 'scale' | 'zeroPoint'>

/**
 * The type and scale of every tensor. What computes values makes new scales; what only moves or compares values passes them on, and
 * a concat makes one of all that it joins: of the largest clip, signed if one of them is.
 */
export function tensorTypes(
  links: readonly Link[],
  ranges: Ranges,
  options: QuantOptions,
): ReadonlyMap<string, TensorType> {
  const group = groupsOf(links)
  const members = new Map<string, Source[]>()
  for (const source of sourcesOf(links, ranges)) {
    const known = members.get(group(source.name))
    if (known === undefined) members.set(group(source.name), [source])
    else known.push(source)
  }
  const types = new Map([...members].map(([name, sources]) => [name, typeOf(sources, ranges, options)]))
  return new Map([imageName, ...links.map(nameOf)].map((name) => [name, types.get(group(name))!]))
}

/** A tensor whose values are new. */
interface Source {
  readonly name: string
  readonly nonNegative: boolean
  /** Values of one range always, [0, 1) or [-1, 1): no calibration finds it. */
  readonly unit: boolean
}

/** The image lies in [0, 1] unless it has a range of its own, which may be on both sides of 0. */
function sourcesOf(links: readonly Link[], ranges: Ranges): Source[] {
  return [
    { name: imageName, nonNegative: !ranges.has(imageName), unit: false },
    ...links
      .filter((link) => isCalibrated(link) || isUnit(link))
      .map((link) => ({ name: nameOf(link), nonNegative: link.nonNegative, unit: isUnit(link) })),
  ]
}

const isUnit = ({ kind }: Link) => kind === 'softmax' || kind === 'recurrent'

function typeOf(sources: readonly Source[], ranges: Ranges, options: QuantOptions): TensorType {
  const bits = options.activationBits
  const signed = !(options.unsigned && sources.every(({ nonNegative }) => nonNegative))
  const magnitudeBits = signed ? bits - 1 : bits
  const [, high] = codeRange(bits, signed)
  const clips = sources.map(({ name, unit }) => {
    // a power of two for a scale: of int8 1/128, so that 1 itself is clamped
    if (unit) return high / (high + 1)
    return name === imageName && !ranges.has(name) ? 1 : rangeOf(ranges, name).clips[magnitudeBits - 1]!
  })
  return { bits, signed, scale: Math.max(...clips) / high, zeroPoint: 0 }
}

/** Tensors of one scale are one group, named after one of them. */
function groupsOf(links: readonly Link[]): (name: string) => string {
  const next = new Map<string, string>()
  const group = (name: string): string => {
    let at = name
    for (let up = next.get(at); up !== undefined; up = next.get(at)) at = up
    return at
  }
  for (const link of links) {
    if (isCalibrated(link) || isUnit(link)) continue
    for (const input of link.inputs) {
      const [of, to] = [group(nameOf(link)), group(input)]
      if (of !== to) next.set(of, to)
    }
  }
  return group
}

function nameOf(link: Link): string {
  return link.layer.name
}
