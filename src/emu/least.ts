import { inputsOf, type QGraph, type QNode, type QTensor } from '../quant/qgraph.ts'

/** The least code that each tensor can have: more than that of its type behind a ReLU, and what only moves such codes. */
export function leastCodes(graph: QGraph): ReadonlyMap<string, number> {
  const known = new Map<string, number>()
  const least = (id: string) => known.get(id) ?? leastOfType(graph.tensors[id]!)
  for (const node of graph.nodes)
    known.set(node.output, leastOf(node, inputsOf(node).map(least), graph.tensors[node.output]!))
  return known
}

const leastOfType = ({ bits, signed }: QTensor) => (signed ? -(2 ** (bits - 1)) : 0)

function leastOf(node: QNode, inputs: readonly number[], output: QTensor): number {
  switch (node.kind) {
    case 'conv':
    case 'add':
      return node.low
    case 'reshape':
    case 'concat':
    case 'subsample':
    case 'transpose':
      return Math.min(...inputs)
    case 'pad':
      return Math.min(node.fill ?? 0, ...inputs)
    case 'pool': {
      const { mode, rule } = node
      // Means of imported models may have other scales and zero points than their codes.
      if (mode === 'average' && rule !== undefined && rule.kind !== 'tflite') return rule.low
      // Padding counts as codes of 0.
      return Math.min(0, ...inputs)
    }
    default:
      return leastOfType(output)
  }
}
