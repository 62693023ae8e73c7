import { usageError } from '../base/errors.ts'
import type { Network, Weights } from '../net/network.ts'
import { noPadding } from '../net/shapes.ts'
import { imageName } from '../net/wiring.ts'
import type { CurveChoice } from './curve-layer.ts'
import { multiplyNode, softmaxNode, tableNode } from './elementwise.ts'
import { denseGeometry, filterCodes } from './filters.ts'
import { type Link, linkShape, linksOf } from './links.ts'
import type { QuantOptions } from './options.ts'
import type { QAdd, QConv, QGraph, QNode, QTensor } from './qgraph.ts'
import type { Ranges } from './ranges.ts'
import { recurrentNode, stateId, stateTensor } from './recurrent.ts'
import { addFactors, codeRange } from './rules.ts'
import { tensorTypes } from './scales.ts'

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
    if (link.kind === 'recurrent') tensors[stateId(name)] = stateTensor(link.layer, options)
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
      return recurrentNode(link, weights.get(name)!, tensors, options)
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
      const { channels, edges } = link.layer
      const [before, after] = channels
      return { kind: 'pad', ...moved, before, after, ...(edges === undefined ? {} : { edges }) }
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
      : { ...denseGeometry, ...(link.shaped.input.length === 2 ? { steps: link.shaped.input[0] } : {}) }
  return {
    kind: 'conv',
    name: layer.name,
    input: input.id,
    output: layer.name,
    ...geometry,
    ...filterCodes(layer.name, weights.get(layer.name)!, input, output.scale, options, choice),
    ...clampOf(output, link),
  }
}
