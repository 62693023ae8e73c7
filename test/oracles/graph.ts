/** A quantised network run by the naive layers. Imports only the other oracles; the graph is described by its shape alone. */
import { oracleConvolution, oraclePool } from './layers.ts'
import { oracleAverage, oracleRequantise } from './quantise.ts'

type Pair = readonly [number, number]
interface Node {
  readonly name: string
  readonly input: string
  readonly output: string
}
interface Conv extends Node {
  readonly kind: 'conv'
  readonly kernel: Pair
  readonly stride: Pair
  readonly padding: readonly [number, number, number, number]
  readonly groups: number
  readonly weights: ArrayLike<number>
  readonly bias: ArrayLike<number>
  readonly multiplier: ArrayLike<number>
  readonly shift: ArrayLike<number>
  readonly low: number
  readonly high: number
}
interface Pool extends Node {
  readonly kind: 'pool'
  readonly mode: 'max' | 'average'
  readonly window: Pair
  readonly stride: Pair
}
interface Reshape extends Node {
  readonly kind: 'reshape'
}
export interface OracleGraph {
  readonly input: string
  readonly tensors: Readonly<Record<string, { readonly shape: readonly [number, number, number] }>>
  readonly nodes: readonly (Conv | Pool | Reshape)[]
}

/** Codes of every tensor. `product` is told the layer, the operands, the filter and the input channel within its group. */
export function oracleGraph(
  graph: OracleGraph,
  image: readonly number[],
  product: (layer: string, x: number, w: number, filter: number, channel: number) => number,
): Map<string, number[]> {
  const tensors = new Map<string, number[]>([[graph.input, [...image]]])
  for (const node of graph.nodes) {
    const x = tensors.get(node.input)!
    const { shape } = graph.tensors[node.input]!
    if (node.kind === 'reshape') tensors.set(node.output, x)
    else if (node.kind === 'pool')
      tensors.set(node.output, oraclePool({ ...node, input: shape }, x, oracleAverage))
    else {
      const filters = node.bias.length
      const geometry = { ...node, input: shape, filters }
      const sums = oracleConvolution(
        geometry,
        x,
        Array.from(node.weights),
        Array.from(node.bias),
        (a, w, n, k) => product(node.name, a, w, n, k),
      )
      const positions = sums.length / filters
      const codes = sums.map((sum, i) => {
        const n = Math.floor(i / positions)
        return oracleRequantise(sum, node.multiplier[n]!, node.shift[n]!, node.low, node.high)
      })
      tensors.set(node.output, codes)
    }
  }
  return tensors
}
