import { usageError } from '../base/errors.ts'
import type { QGraph, QNode } from '../quant/qgraph.ts'
import { refuseImported } from './imported.ts'

/** Why no hardware of ours runs a node, whatever the dataflow, and what to do about it. */
interface Reason {
  readonly why: string
  readonly hint: string
}

export interface Refusal extends Reason {
  readonly layer: string
}

/** Everything that the emulator computes and no hardware does yet. */
export const refusals = (graph: QGraph): readonly Refusal[] =>
  graph.nodes.flatMap((node) => {
    const reason = refusalOf(node, graph)
    return reason === undefined ? [] : [{ layer: node.name, ...reason }]
  })

/** Refuses it by name, all at once. */
export function checkSupported(graph: QGraph): void {
  refuseImported(graph)
  const [first, ...others] = refusals(graph)
  if (first === undefined) return
  const said = ({ layer, why }: Refusal) => `layer "${layer}" ${why}`
  if (others.length === 0)
    throw usageError(`${said(first)}: the hardware cannot run it`, { where: first.layer, hint: first.hint })
  const lines = [first, ...others].map((refusal) => `\n  ${said(refusal)}. ${refusal.hint}`)
  throw usageError(`the hardware cannot run ${lines.length} layers:${lines.join('')}`, { where: graph.name })
}

const emulated = '"xgen eval" and "xgen infer" compute it all the same.'

function refusalOf(node: QNode, graph: QGraph): Reason | undefined {
  switch (node.kind) {
    case 'conv':
      if (node.dilation !== undefined)
        return {
          why: `has a dilation of ${node.dilation.join('x')}`,
          hint: `Taps side by side are possible. ${emulated}`,
        }
      if (node.steps !== undefined)
        return {
          why: `is dense over a sequence of ${node.steps} steps`,
          hint: `A 1x1 convolution over [features, steps, 1] computes the same. ${emulated}`,
        }
      return undefined
    case 'pool':
      return poolRefusal(node, graph)
    case 'table':
      return {
        why: `is an activation by table (${node.does})`,
        hint: `${node.why === undefined ? '' : `It is one because ${node.why}. `}The hardware has ReLU and ReLU6, as clamps of a convolution, dense layer or addition before them. ${emulated}`,
      }
    case 'pad':
      if (node.edges === undefined) return undefined
      return {
        why: `puts zeros around a map (${node.edges.join(', ')})`,
        hint: `Give the convolution behind it this padding. ${emulated}`,
      }
    case 'mul':
      return { why: 'multiplies two maps', hint: emulated }
    case 'transpose':
      return { why: 'transposes a map', hint: emulated }
    case 'recurrent':
      return { why: `is recurrent (${node.cell})`, hint: emulated }
    case 'softmax':
      return {
        why: 'is a softmax',
        hint: `Delete it from the network file ("xgen net import" of a model file leaves it out at the end): the class is the same without it. ${emulated}`,
      }
    default:
      return undefined
  }
}

function poolRefusal(node: QNode & { kind: 'pool' }, graph: QGraph): Reason | undefined {
  const [, height, width] = graph.tensors[node.input]!.shape
  const [, rows, columns] = graph.tensors[node.output]!.shape
  const [top, left, bottom, right] = node.padding
  const reaches = (count: number, axis: 0 | 1) => (count - 1) * node.stride[axis] + node.window[axis]
  if (reaches(rows, 0) > top + height + bottom || reaches(columns, 1) > left + width + right)
    return {
      why: 'has windows that reach past its padding (ceil)',
      hint: `Write the padding that they need: it is zeros in a mean, and no candidate for a maximum. ${emulated}`,
    }
  if (node.mode === 'average' && node.countPadding === false && node.padding.some((size) => size !== 0))
    return {
      why: 'is a mean that does not count its padding',
      hint: `Means over the whole window are possible (countPadding: true). ${emulated}`,
    }
  return undefined
}
