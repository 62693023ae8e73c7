/**
 * A network as the user means it: float, layers in order of execution. Each layer makes one tensor, named like the layer; the
 * last one's is the result. Tensors have one image's shape: [channels, height, width]; [steps, features] where they are a sequence;
 * or [features].
 */
export interface Network {
  readonly name: string
  readonly input: { readonly shape: readonly [channels: number, height: number, width: number] }
  readonly layers: readonly Layer[]
}

export type Layer =
  | Conv2d
  | Dense
  | Relu
  | Activation
  | Pool
  | Flatten
  | Add
  | Multiply
  | Concat
  | Pad
  | Subsample
  | Reshape
  | Transpose
  | Softmax
  | Recurrent

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
  /** Positions of the map from one tap to the next. Absent: 1, the taps lie side by side. */
  readonly dilation?: readonly [vertical: number, horizontal: number]
}

/** Over [features], or over the features of each step of a sequence. */
export interface Dense extends LayerOfAnyKind {
  readonly kind: 'dense'
  readonly units: number
}

export interface Relu extends LayerOfAnyKind {
  readonly kind: 'relu'
}

/** A function of each value by itself. */
export interface Activation extends LayerOfAnyKind {
  readonly kind: 'activation'
  readonly function: ActivationFunction
}

export type ActivationFunction =
  /** min(high, max(low, x)); ReLU6 is a clip from 0 to 6. */
  | { readonly name: 'clip'; readonly low: number; readonly high: number }
  /** x, below 0 slope * x. */
  | { readonly name: 'leaky-relu'; readonly slope: number }
  /** x, below 0 alpha * (e^x - 1). */
  | { readonly name: 'elu'; readonly alpha: number }
  /** min(1, max(0, slope * x + offset)): ONNX's defaults are 0.2 and 0.5; TFLite's, PyTorch's and MobileNetV3's are 1/6 and 0.5. */
  | { readonly name: 'hard-sigmoid'; readonly slope: number; readonly offset: number }
  /** x * min(1, max(0, x/6 + 1/2)) */
  | { readonly name: 'hard-swish' }
  /** x * sigmoid(x), also called SiLU. */
  | { readonly name: 'swish' }
  | { readonly name: 'sigmoid' }
  | { readonly name: 'tanh' }

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
  /**
   * Keep windows that do not fit at the right or bottom edge, if they begin in the map or the padding before it. What of a window
   * lies behind the padding there counts nowhere, in an average neither. Absent: false.
   */
  readonly ceil?: boolean
  /** Whether an average counts the padding as zeros; if not, it is over what of the window lies in the map. Absent: true. */
  readonly countPadding?: boolean
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

/**
 * The product of two tensors of one shape, value by value; or of a map and a value for each of its channels: [c, 1, 1] or [c].
 * The result has the map's shape.
 */
export interface Multiply extends LayerOfAnyKind {
  readonly kind: 'mul'
  readonly inputs: readonly [string, string]
}

/** Two or more maps of one height and width (or features), one behind the other along the channels. */
export interface Concat extends LayerOfAnyKind {
  readonly kind: 'concat'
  readonly inputs: readonly string[]
}

/** Channels of zeros before and behind those of a map, and zeros around each channel. */
export interface Pad extends LayerOfAnyKind {
  readonly kind: 'pad'
  readonly channels: readonly [before: number, after: number]
  /** Absent: none. */
  readonly edges?: readonly [top: number, left: number, bottom: number, right: number]
}

/** Rows 0, s, 2s, ... and columns alike of a map: ceil(height / s) of them. */
export interface Subsample extends LayerOfAnyKind {
  readonly kind: 'subsample'
  readonly stride: readonly [vertical: number, horizontal: number]
}

/** The same values in the same order, seen in another shape of as many: squeeze, unsqueeze and reshape are all this. */
export interface Reshape extends LayerOfAnyKind {
  readonly kind: 'reshape'
  readonly shape: readonly [number, number, number] | readonly [number, number] | readonly [number]
}

/**
 * Axis i of the result is axis order[i] of the input: [steps, features] with order [1, 0] is [features, steps]. The input may be seen
 * with other axes than it has, and the result too: a channel shuffle is from [g, c/g, h, w], order [1, 0, 2, 3], to [c, h, w].
 */
export interface Transpose extends LayerOfAnyKind {
  readonly kind: 'transpose'
  readonly order: readonly number[]
  /** Absent: the shape of the input. */
  readonly from?: readonly number[]
  /** Absent: the axes of `from` in their new order. */
  readonly to?: Reshape['shape']
}

/** e^x / sum of e^x, over the features, over those of each step, or over the channels of each position. */
export interface Softmax extends LayerOfAnyKind {
  readonly kind: 'softmax'
}

/**
 * A recurrent layer over a sequence [steps, features], its state 0 before the first step. Results are [steps, units], or [units],
 * the state after the last step; of two directions the units of the backward one stand behind those of the forward one.
 *
 * - `rnn`: h = tanh(W x + b + R h + c).
 * - `gru`: z = sigmoid(..), r = sigmoid(..), n = tanh(W x + b + r * (R h + c)), or with `reset: before` tanh(W x + b + R (r * h) + c);
 *   h = (1 - z) * n + z * h.
 * - `lstm`: i, o, f = sigmoid(..), g = tanh(..); c = f * c + i * g; h = o * tanh(c).
 */
export interface Recurrent extends LayerOfAnyKind {
  readonly kind: 'rnn' | 'gru' | 'lstm'
  readonly units: number
  readonly direction: Direction
  /** `all`: the state after every step, in the order of the input, whatever the direction. `last`: the one after the last step taken. */
  readonly returns: 'all' | 'last'
  /** Of a GRU: whether the reset gate comes after the product with the recurrent weights, as in cuDNN, PyTorch and Keras, or before it. */
  readonly reset?: 'before' | 'after'
}

export type Direction = 'forward' | 'backward' | 'bidirectional'

/** The gates of a cell, in the order in which their weights stand; it is ONNX's. */
export const gatesOf = { rnn: ['n'], gru: ['z', 'r', 'n'], lstm: ['i', 'o', 'f', 'g'] } as const

export function directionsOf({ direction }: Pick<Recurrent, 'direction'>): 1 | 2 {
  return direction === 'bidirectional' ? 2 : 1
}

/** Parameters by layer: `conv2d` weights are [filters, channels/groups, kh, kw], `dense` [units, features], bias [n]. */
export type Weights = ReadonlyMap<string, LayerWeights>

/** Of recurrent layers the rows of `weight` [directions * gates * units, features] are by direction, gate and unit. */
export interface LayerWeights {
  readonly weight: Float32Array
  readonly bias: Float32Array
  /** Of recurrent layers: what multiplies the state, [directions * gates * units, units]; its bias has as many values as `bias`. */
  readonly recurrent?: { readonly weight: Float32Array; readonly bias: Float32Array }
}
