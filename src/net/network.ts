/**
 * A network as the user means it: float, layers in order of execution. Tensors have one image's shape: [channels,
 * height, width], or [features] after flatten. A layer reads the layer before it. (Branches come with residual networks: then
 * layers gain an `inputs` field.)
 */
export interface Network {
  readonly name: string
  readonly input: { readonly shape: readonly [channels: number, height: number, width: number] }
  readonly layers: readonly Layer[]
}

export type Layer = Conv2d | Dense | Activation | Pool | Flatten

export interface Conv2d {
  readonly kind: 'conv2d'
  readonly name: string
  readonly filters: number
  readonly kernel: readonly [height: number, width: number]
  readonly stride: readonly [vertical: number, horizontal: number]
  /** Zeros added at the edges: top, left, bottom, right. */
  readonly padding: readonly [top: number, left: number, bottom: number, right: number]
  /** Channel groups; 1 is an ordinary convolution. */
  readonly groups: number
}

export interface Dense {
  readonly kind: 'dense'
  readonly name: string
  readonly units: number
}

export interface Activation {
  readonly kind: 'relu'
  readonly name: string
}

/** Windows that do not fit at the right or bottom edge are dropped (floor). */
export interface Pool {
  readonly kind: 'pool'
  readonly name: string
  readonly mode: 'max' | 'average'
  readonly window: readonly [height: number, width: number]
  readonly stride: readonly [vertical: number, horizontal: number]
}

/** [c, h, w] to [c*h*w], in that order. */
export interface Flatten {
  readonly kind: 'flatten'
  readonly name: string
}

/** Parameters by layer: `conv2d` weights are [filters, channels/groups, kh, kw], `dense` [units, features], bias [n]. */
export type Weights = ReadonlyMap<string, LayerWeights>

export interface LayerWeights {
  readonly weight: Float32Array
  readonly bias: Float32Array
}
