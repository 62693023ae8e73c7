import type { ModelNode } from '../../model.ts'
import type { Unsupported } from '../../supported.ts'

/** Types of codes that the graph has. */
export type CodeType = 'int8' | 'uint8'

export const leastCode: Readonly<Record<CodeType, number>> = { int8: -128, uint8: 0 }

/** Rows and columns of zeros around a map, which the convolutions that read it put there. */
export type Edges = readonly [top: number, left: number, bottom: number, right: number]

/** A tensor of codes in the graph. */
export interface CodesValue {
  readonly kind: 'codes'
  readonly id: string
  readonly around?: Edges
}

/** Real values that are a function of each code of a tensor: to begin with, what the code stands for. */
export interface RealValue {
  readonly kind: 'real'
  readonly id: string
  /** From the least code on. */
  readonly table: Float32Array
  /** Where the function is what the code stands for: (code - zeroPoint) * scale. */
  readonly affine?: { readonly scale: number; readonly zeroPoint: number }
  /** The last operator, for the layer's kind. */
  readonly does: string
  readonly around?: Edges
}

/** Sums of products in float, until a quantiser says what their codes are. */
export interface SumsValue {
  readonly kind: 'sums'
  readonly products: Products
  /** One for each filter, in units of scale of the input * scale of the weights. */
  readonly bias: readonly number[]
  /** Bounds that activations have set. */
  readonly low: number
  readonly high: number
}

/** What of a convolution or dense layer does not depend on its result's quantisation. */
export interface Products {
  readonly node: ModelNode
  readonly dense: boolean
  /** A tensor of the graph, as the layer reads it, with the quantisation that it is read by. */
  readonly input: string
  readonly scale: number
  /** [filters, channels / groups, kernel]: less their zero points. */
  readonly weights: Int8Array
  /** One for each filter. */
  readonly weightScales: readonly number[]
  readonly shape: readonly [filters: number, rows: number, columns: number]
  readonly kernel: readonly [number, number]
  readonly stride: readonly [number, number]
  readonly padding: Edges
  readonly groups: number
  readonly dilation: readonly [number, number]
}

/** A real value for each pair of codes of two tensors: [from the least code][from the least code]. */
export interface PairsValue {
  readonly kind: 'pairs'
  readonly node: ModelNode
  readonly inputs: readonly [string, string]
  readonly table: Float32Array
}

/** Means over windows of real values that are functions of codes. */
export interface MeansValue {
  readonly kind: 'means'
  readonly node: ModelNode
  readonly input: string
  readonly real: Float32Array
  readonly window: readonly [number, number]
  readonly stride: readonly [number, number]
  readonly padding: Edges
  readonly countPadding: boolean
  readonly shape: readonly [number, number, number]
  readonly low: number
  readonly high: number
}

/** Values side by side along the channels, each of which is quantised by itself. */
export interface JoinedValue {
  readonly kind: 'joined'
  readonly node: ModelNode
  readonly parts: readonly Value[]
  /** Of the parts, as maps of one height and width. */
  readonly shapes: readonly (readonly [channels: number, height: number, width: number])[]
}

/** What is computed in float, before the codes: it depends on the image alone. */
export interface ImageValue {
  readonly kind: 'image'
}

/** What is computed in float, behind the codes, because of nodes that have no place in the graph. */
export interface HostValue {
  readonly kind: 'host'
  readonly obstacles: readonly Unsupported[]
}

export type Value =
  | CodesValue
  | RealValue
  | SumsValue
  | PairsValue
  | MeansValue
  | JoinedValue
  | ImageValue
  | HostValue
