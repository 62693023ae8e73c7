/**
 * A network as the user means it: float, layers in order of execution. Each layer makes one tensor, named like the layer; the
 * last one's is the result. Tensors have one image's shape: [channels, height, width], or [features] after flatten.
 */
export interface Network {
  readonly name: string
  readonly input: { readonly shape: readonly [channels: number, height: number, width: number] }
  readonly layers: readonly Layer[]
}

export type Layer = Conv2d | Dense | Activation | Pool | Flatten | Add | Concat | Pad | Subsample

interface LayerOfAnyKind {
  readonly name: string
  /** What it reads: layers before it, or `input`, the network's image. Absent: the layer before, for the first one the image. */
  readonly inputs?: readonly string[]
}

export interface Conv2d extends LayerOfAnyKind {
  readonly kind: 'conv2d'
  readonly filters: number
  readonly kernel: readonly [height: number, width: number]
  readonly stride: readonly [vertical: number, horizontal: number]
  /** Zeros added at the edges: top, left, bottom, right. */
  readonly padding: readonly [top: number, left: number, bottom: number, right: number]
  /** Channel groups; 1 is an ordinary convolution. */
  readonly groups: number
}

export interface Dense extends LayerOfAnyKind {
  readonly kind: 'dense'
  readonly units: number
}

export interface Activation extends LayerOfAnyKind {
  readonly kind: 'relu'
}

/**
 * Windows may overlap or leave gaps; those that do not fit at the right or bottom edge are dropped (floor). The padding is no
 * candidate for a maximum; in an average it counts as zeros, so that every average is over the window's whole area.
 */
export interface Pool extends LayerOfAnyKind {
  readonly kind: 'pool'
  readonly mode: 'max' | 'average'
  readonly window: readonly [height: number, width: number]
  readonly stride: readonly [vertical: number, horizontal: number]
  /** Top, left, bottom, right, each smaller than the window. Absent: none. */
  readonly padding?: readonly [top: number, left: number, bottom: number, right: number]
}

/** [c, h, w] to [c*h*w], in that order. */
export interface Flatten extends LayerOfAnyKind {
  readonly kind: 'flatten'
}

/** The sum of two tensors of one shape. */
export interface Add extends LayerOfAnyKind {
  readonly kind: 'add'
  readonly inputs: readonly [string, string]
}

/** Two or more maps of one height and width (or features), one behind the other along the channels. */
export interface Concat extends LayerOfAnyKind {
  readonly kind: 'concat'
  readonly inputs: readonly string[]
}

/** Channels of zeros before and behind those of a map. */
export interface Pad extends LayerOfAnyKind {
  readonly kind: 'pad'
  readonly channels: readonly [before: number, after: number]
}

/** Rows 0, s, 2s, ... and columns alike of a map: ceil(height / s) of them. */
export interface Subsample extends LayerOfAnyKind {
  readonly kind: 'subsample'
  readonly stride: readonly [vertical: number, horizontal: number]
}

/** Parameters by layer: `conv2d` weights are [filters, channels/groups, kh, kw], `dense` [units, features], bias [n]. */
export type Weights = ReadonlyMap<string, LayerWeights>

export interface LayerWeights {
  readonly weight: Float32Array
  readonly bias: Float32Array
}
