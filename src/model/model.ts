import type { NarrowType } from './narrow.ts'

/** What a tensor's elements can be. Strings are read, but nothing computes with them. */
export type ElementType =
  | 'float32'
  | 'float64'
  /** Computed with as float32, rounded by each operator. */
  | 'float16'
  | 'bfloat16'
  | NarrowType
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'bool'
  | 'string'

/** Elements as they are stored: 64-bit integers as BigInt, bool as bytes of 0 and 1, types below 8 bits and floats of up to 16 as their values. */
export type TypedData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array

/** A typed array of any rank, row-major, last index fastest. */
export interface ModelTensor {
  readonly type: ElementType
  readonly shape: readonly number[]
  readonly data: TypedData
}

/** real = scale * (code - zeroPoint), with one pair for the tensor or one for each index along `axis`. */
export interface TensorQuantisation {
  readonly scale: readonly number[]
  readonly zeroPoint: readonly number[]
  readonly axis: number
}

/** What a file says of a tensor before anything is computed. */
export interface ModelValue {
  readonly name: string
  readonly type: ElementType
  /** Undefined where the file leaves it open, as a whole or one dimension of it. */
  readonly shape: readonly (number | undefined)[] | undefined
  readonly quantisation?: TensorQuantisation
}

/** The setting of an operator. A model inside a node (If, Loop) is kept as its number of nodes: none is evaluated. */
export type ModelAttribute =
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'tensor'; readonly value: ModelTensor }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'strings'; readonly value: readonly string[] }
  | { readonly kind: 'graph'; readonly value: number }

/** One operator. It makes the tensors named in `outputs`; '' stands for an input or output that is left out. */
export interface ModelNode {
  /** Unique in the model: the file's own, or its operator and place where it has none. */
  readonly name: string
  readonly operator: string
  /** '' for the standard operators of the format. */
  readonly domain: string
  /** Of the operator set that the file imports for the domain. */
  readonly version: number
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: ReadonlyMap<string, ModelAttribute>
}

/**
 * A model as its file has it: operators on typed tensors of any rank, in topological order. Every name that a node reads is an
 * input, a constant or the output of a node before it.
 */
export interface Model {
  readonly format: 'onnx' | 'tflite'
  readonly name: string
  /** Tensors that the caller gives: those of the graph's inputs that have no constant of their own. */
  readonly inputs: readonly ModelValue[]
  readonly outputs: readonly ModelValue[]
  /** What the file says of its tensors, by name: those inside too. */
  readonly values: ReadonlyMap<string, ModelValue>
  readonly constants: ReadonlyMap<string, ModelTensor>
  readonly nodes: readonly ModelNode[]
}
