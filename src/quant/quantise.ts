import { usageError } from '../base/errors.ts'
import type { Network, Weights } from '../net/network.ts'
import { noPadding } from '../net/shapes.ts'
import { imageName } from '../net/wiring.ts'
import { type CurveChoice, curveCodes } from './curve-layer.ts'
import { multiplyNode, softmaxNode, tableNode } from './elementwise.ts'
import { type Link, linkShape, linksOf } from './links.ts'
import type { QuantOptions } from './options.ts'
import type { QAdd, QConv, QGraph, QNode, QTensor } from './qgraph.ts'
import type { Ranges } from './ranges.ts'
import { addFactors, codeRange, fixedPoint } from './rules.ts'
import { tensorTypes } from './scales.ts'

/** Largest magnitude of a bias, so that it never uses more than half of the 32-bit accumulator. */
const largestBias = 2 ** 30

/** Smallest ratio of product scale to output scale that a shift of 47 can express, with room for rounding. */
const smallestFactor = 2 ** -31

/**
 * The integer network. Needs no data: activation scales come from the ranges, weight scales from the weights. The
 * image's range is [0, 1]. The weights of the layers in `curves` are replaced by curves.
 */
export function quantise(
  network: Network,
  weights: Weights,
  ranges: Ranges,
  options: QuantOptions,
  curves: ReadonlyMap<string, CurveChoice> = new Map(),
): QGraph {
  const { links, output } = linksOf(network, ranges.has(imageName))
  const types = tensorTypes(links, ranges, options)
  const tensors: Record<string, QTensor> = {
    [imageName]: { shape: network.input.shape, ...types.get(imageName)! },
  }
  const nodes = links.map((link): QNode => {
    const { name } = link.layer
    tensors[name] = { shape: linkShape(link), ...types.get(name)! }
    return nodeOf(link, weights, tensors, options, curves)
  })
  return { name: network.name, input: imageName, output, tensors, nodes }
}

function nodeOf(
  link: Link,
  weights: Weights,
  tensors: Readonly<Record<string, QTensor>>,
  options: QuantOptions,
  curves: ReadonlyMap<string, CurveChoice>,
): QNode {
  const { name } = link.layer
  const { inputs } = link
  const moved = { name, input: inputs[0]!, output: name }
  switch (link.kind) {
    case 'conv':
      return convolution(
        link,
        weights,
        { id: moved.input, ...tensors[moved.input]! },
        tensors[name]!,
        options,
        curves.get(name),
      )
    case 'add': {
      const [first, second] = inputs as [string, string]
      return addition(link, [first, second], [tensors[first]!, tensors[second]!], tensors[name]!)
    }
    case 'mul':
      return multiplyNode(link, tensors, clampOf(tensors[name]!, link))
    case 'table':
      return tableNode(link, tensors[moved.input]!, tensors[name]!)
    case 'softmax':
      return softmaxNode(link, tensors[moved.input]!, tensors[name]!)
    case 'recurrent':
      throw usageError(`layer "${name}" (${link.layer.kind}) has no integer rule yet`, {
        where: name,
        hint: 'Only its float reference can be computed.',
      })
    case 'pool': {
      const { mode, window, stride, padding = noPadding, countPadding } = link.layer
      const counted = countPadding === false ? { countPadding } : {}
      return { kind: 'pool', ...moved, mode, window, stride, padding, ...counted }
    }
    case 'reshape':
      return { kind: 'reshape', ...moved }
    case 'transpose': {
      const { order, from = link.shaped.input } = link.layer
      return { kind: 'transpose', ...moved, from, order }
    }
    case 'concat':
      return { kind: 'concat', name, inputs, output: name }
    case 'pad': {
      const [before, after] = link.layer.channels
      return { kind: 'pad', ...moved, before, after }
    }
    case 'subsample':
      return { kind: 'subsample', ...moved, stride: link.layer.stride }
  }
}

function addition(
  link: Link & { kind: 'add' },
  inputs: readonly [string, string],
  [first, second]: readonly [QTensor, QTensor],
  output: QTensor,
): QAdd {
  const { name } = link.layer
  const factors = addFactors(first.scale / output.scale, second.scale / output.scale)
  if (factors === undefined) {
    throw usageError(
      `layer "${name}": its calibrated range and that of what it adds differ by more than 2^15`,
      {
        where: name,
        hint: 'The ranges do not belong to these weights: calibrate again.',
      },
    )
  }
  return { kind: 'add', name, inputs, output: name, ...factors, ...clampOf(output, link) }
}

/** The codes that a result is clamped to: those of its tensor, with a ReLU from 0 on and up to its ceiling. */
function clampOf(
  { bits, signed, scale }: QTensor,
  { relu, ceiling }: Pick<Link & { kind: 'conv' }, 'relu' | 'ceiling'>,
): { low: number; high: number } {
  const [low, high] = codeRange(bits, signed)
  return relu ? { low: 0, high: Math.min(high, Math.floor(ceiling / scale + 0.5)) } : { low, high }
}

function convolution(
  link: Link & { kind: 'conv' },
  weights: Weights,
  input: QTensor & { readonly id: string },
  output: QTensor,
  options: QuantOptions,
  choice: CurveChoice | undefined,
): QConv {
  const { layer } = link
  const { weight, bias } = weights.get(layer.name)!
  // A bias that dwarfs its weights decides the scale: the codes of weights that small are near 0 anyway.
  const least = (n: number) =>
    Math.max(Math.abs(bias[n]!) / (input.scale * largestBias), (smallestFactor * output.scale) / input.scale)
  const codes =
    choice === undefined
      ? { ...weightCodes(weight, bias.length, options.weightBits, least), weightBits: options.weightBits }
      : curveCodes(layer.name, weight, bias.length, choice, input, least)
  const { units, ...operands } = codes
  const q = {
    bias: new Int32Array(bias.length),
    multiplier: new Uint16Array(bias.length),
    shift: new Uint8Array(bias.length),
  }
  for (const [n, unit] of units.entries()) {
    q.bias[n] = Math.floor(bias[n]! / (input.scale * unit) + 0.5)
    const factor = fixedPoint((input.scale * unit) / output.scale)
    if (factor === undefined) {
      throw usageError(
        `layer "${layer.name}", filter ${n}: its weights and its calibrated range differ by more than 2^15`,
        {
          where: layer.name,
          hint: 'The ranges do not belong to these weights: calibrate again.',
        },
      )
    }
    q.multiplier[n] = factor.multiplier
    q.shift[n] = factor.shift
  }
  const geometry =
    layer.kind === 'conv2d'
      ? {
          dense: false,
          kernel: layer.kernel,
          stride: layer.stride,
          padding: layer.padding,
          groups: layer.groups,
          ...(layer.dilation === undefined ? {} : { dilation: layer.dilation }),
        }
      : {
          dense: true,
          ...(link.shaped.input.length === 2 ? { steps: link.shaped.input[0] } : {}),
          kernel: [1, 1] as const,
          stride: [1, 1] as const,
          padding: [0, 0, 0, 0] as const,
          groups: 1,
        }
  return {
    kind: 'conv',
    name: layer.name,
    input: input.id,
    output: layer.name,
    ...geometry,
    ...operands,
    ...q,
    ...clampOf(output, link),
  }
}

/** The codes of a layer's weights, and what a code of each filter counts. */
function weightCodes(weight: Float32Array, filters: number, bits: number, least: (n: number) => number) {
  const taps = weight.length / filters
  const levels = 2 ** (bits - 1) - 1
  const weights = new Int8Array(weight.length)
  const units = Array.from({ length: filters }, (_, n) => {
    const row = weight.subarray(n * taps, (n + 1) * taps)
    const scale = Math.max(weightClip(row, levels) / levels, least(n))
    for (let k = 0; k < taps; k++)
      weights[n * taps + k] = Math.max(-levels, Math.min(levels, Math.floor(row[k]! / scale + 0.5)))
    return scale
  })
  return { weights, units }
}

/** The clip of one filter's weights with the least squared error, of 24/64, 25/64 .. 64/64 of the largest magnitude. */
function weightClip(row: Float32Array, levels: number): number {
  let largest = 0
  for (const w of row) largest = Math.max(largest, Math.abs(w))
  let best = largest
  let least = Infinity
  for (let part = 64; part >= 24 && largest > 0; part--) {
    const clip = (largest * part) / 64
    const scale = clip / levels
    let error = 0
    for (const w of row)
      error += (w - scale * Math.max(-levels, Math.min(levels, Math.floor(w / scale + 0.5)))) ** 2
    if (error < least) [best, least] = [clip, error]
  }
  return best
}
