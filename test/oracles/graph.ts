/** A quantised network run by the naive layers. Imports only the other oracles; the graph is described by its shape alone. */
import { type OracleCodes, type OracleCurve, oracleCurveConvolution } from './curve.ts'
import { oracleIntegerSoftmax, oracleTranspose } from './elementwise.ts'
import { oracleConvolution, oraclePad, oraclePool, oracleSubsample } from './layers.ts'
import { oracleAdd, oracleAverage, oracleRequantise } from './quantise.ts'
import { type OracleRecurrence, oracleRecurrence } from './recurrent-integers.ts'

type Pair = readonly [number, number]
type Edges = readonly [number, number, number, number]
type Shape = readonly [number, number, number]

interface Conv {
  readonly kind: 'conv'
  readonly name: string
  readonly input: string
  readonly output: string
  readonly kernel: Pair
  readonly stride: Pair
  readonly padding: Edges
  readonly groups: number
  readonly dilation?: Pair | undefined
  readonly steps?: number | undefined
  readonly weights: ArrayLike<number>
  /** Takes the place of the weights. */
  readonly curve?: OracleCurve
  readonly bias: ArrayLike<number>
  readonly multiplier: ArrayLike<number>
  readonly shift: ArrayLike<number>
  readonly low: number
  readonly high: number
}
interface Pool {
  readonly kind: 'pool'
  readonly input: string
  readonly output: string
  readonly mode: 'max' | 'average'
  readonly window: Pair
  readonly stride: Pair
  readonly padding: Edges
  readonly countPadding?: boolean | undefined
}
interface Reshape {
  readonly kind: 'reshape'
  readonly input: string
  readonly output: string
}
interface Add {
  readonly kind: 'add'
  readonly inputs: readonly [string, string]
  readonly output: string
  readonly multipliers: Pair
  readonly shift: number
  readonly low: number
  readonly high: number
}
interface Concat {
  readonly kind: 'concat'
  readonly inputs: readonly string[]
  readonly output: string
}
interface Pad {
  readonly kind: 'pad'
  readonly input: string
  readonly output: string
  readonly before: number
  readonly after: number
  readonly edges?: Edges | undefined
}
interface Subsample {
  readonly kind: 'subsample'
  readonly input: string
  readonly output: string
  readonly stride: Pair
}
interface Multiply {
  readonly kind: 'mul'
  readonly inputs: readonly [string, string]
  readonly output: string
  readonly multiplier: number
  readonly shift: number
  readonly low: number
  readonly high: number
}
interface Transpose {
  readonly kind: 'transpose'
  readonly input: string
  readonly output: string
  readonly from: readonly number[]
  readonly order: readonly number[]
}
interface Table {
  readonly kind: 'table'
  readonly input: string
  readonly output: string
  readonly table: ArrayLike<number>
}
interface Softmax {
  readonly kind: 'softmax'
  readonly input: string
  readonly output: string
  readonly count: number
  readonly step: number
  readonly table: ArrayLike<number>
  readonly one: number
  readonly high: number
}
interface Recurrent extends OracleRecurrence {
  readonly kind: 'recurrent'
  readonly input: string
  readonly output: string
}
type Node =
  | Recurrent
  | Conv
  | Pool
  | Reshape
  | Add
  | Concat
  | Pad
  | Subsample
  | Multiply
  | Transpose
  | Table
  | Softmax

export interface OracleGraph {
  readonly input: string
  readonly tensors: Readonly<Record<string, OracleCodes & { readonly shape: Shape }>>
  readonly nodes: readonly Node[]
}

/**
 * The product of a layer's operands for a filter and an input channel within its group; where the weights are curves, of a moment of
 * this order and a coefficient.
 */
export type OracleProduct = (
  layer: string,
  x: number,
  w: number,
  filter: number,
  channel: number,
  order?: number,
) => number

/** Codes of every tensor. */
export function oracleGraph(
  graph: OracleGraph,
  image: readonly number[],
  product: OracleProduct,
): Map<string, number[]> {
  const tensors = new Map<string, number[]>([[graph.input, [...image]]])
  const values = (id: string) => tensors.get(id)!
  for (const node of graph.nodes) tensors.set(node.output, codesOf(node, graph, values, product))
  return tensors
}

function codesOf(
  node: Node,
  graph: OracleGraph,
  values: (id: string) => number[],
  product: OracleProduct,
): number[] {
  const shape = (id: string) => graph.tensors[id]!.shape
  switch (node.kind) {
    case 'reshape':
      return values(node.input)
    case 'pool':
      return oraclePool(
        { ...node, ...reach(node, shape(node.input), shape(node.output)) },
        values(node.input),
        oracleAverage,
      )
    case 'add': {
      const [first, second] = node.inputs
      const other = values(second)
      return values(first).map((x, i) =>
        oracleAdd([x, other[i]!], node.multipliers, node.shift, node.low, node.high),
      )
    }
    case 'concat':
      return node.inputs.flatMap(values)
    case 'pad':
      return oraclePad(shape(node.input), node.before, node.after, values(node.input), node.edges)
    case 'subsample':
      return oracleSubsample(shape(node.input), node.stride, values(node.input))
    case 'recurrent': {
      const { shape, bits } = graph.tensors[node.input]!
      const steps = Array.from({ length: shape[0] }, (_, t) =>
        values(node.input).slice(t * shape[1], (t + 1) * shape[1]),
      )
      return oracleRecurrence(node, bits, steps, product)
    }
    case 'mul': {
      const [first, second] = node.inputs.map(values) as [number[], number[]]
      const scaled = first.map((x, i) => x * second[Math.floor((i * second.length) / first.length)]!)
      return scaled.map((x) => oracleRequantise(x, node.multiplier, node.shift, node.low, node.high))
    }
    case 'transpose':
      return oracleTranspose(node.from, node.order, values(node.input))
    case 'table': {
      const { bits, signed } = graph.tensors[node.input]!
      return values(node.input).map((x) => node.table[signed ? x + 2 ** (bits - 1) : x]!)
    }
    case 'softmax':
      return oracleIntegerSoftmax(node, values(node.input))
    case 'conv': {
      const input = graph.tensors[node.input]!
      if (node.steps === undefined) return convolve(node, input, values(node.input), product)
      const features = input.shape[1]
      const steps = Array.from({ length: node.steps }, (_, t) =>
        values(node.input).slice(t * features, (t + 1) * features),
      )
      return steps.flatMap((x) => convolve(node, { ...input, shape: [features, 1, 1] }, x, product))
    }
  }
}

/** Whether a pooling keeps a last window that does not fit: told by the size of its result. */
function reach(node: Pool, input: Shape, output: Shape): { input: Shape; ceil: boolean } {
  const fits = (axis: 0 | 1) =>
    Math.floor(
      (input[axis + 1]! + node.padding[axis]! + node.padding[axis + 2]! - node.window[axis]!) /
        node.stride[axis]!,
    ) + 1
  return { input, ceil: output[1] > fits(0) || output[2] > fits(1) }
}

function convolve(
  node: Conv,
  input: OracleCodes & { readonly shape: Shape },
  x: readonly number[],
  product: OracleProduct,
): number[] {
  const filters = node.bias.length
  const layer = { ...node, input: input.shape, filters }
  const bias = Array.from(node.bias)
  const sums =
    node.curve === undefined
      ? oracleConvolution(layer, x, Array.from(node.weights), bias, (a, w, n, k) =>
          product(node.name, a, w, n, k),
        )
      : oracleCurveConvolution(layer, x, input, node.curve, bias, (a, w, n, k, order) =>
          product(node.name, a, w, n, k, order),
        )
  const positions = sums.length / filters
  return sums.map((sum, i) => {
    const n = Math.floor(i / positions)
    return oracleRequantise(sum, node.multiplier[n]!, node.shift[n]!, node.low, node.high)
  })
}
