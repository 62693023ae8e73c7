import type { QCurve } from './curve.ts'
import type { AddRule, MeanRule, PairTable, SumRule } from './imported-rules.ts'

/**
 * A quantised network: integers only. Every consumer (emulator, Plan, cycle model through the Plan) follows the rules of
 * docs/numerics.md on exactly these values. Nodes stand in order of execution; a node reads tensors made before it.
 */
export interface QGraph {
  readonly name: string
  /** Id of the tensor that the image is written to, and of the one that is the result. */
  readonly input: string
  readonly output: string
  readonly tensors: Readonly<Record<string, QTensor>>
  readonly nodes: readonly QNode[]
}

/** A feature map of codes: real = (code - zeroPoint) * scale. */
export interface QTensor {
  /** [channels, height, width]; features are [features, 1, 1], a sequence is [steps, features, 1]. */
  readonly shape: readonly [channels: number, height: number, width: number]
  readonly bits: number
  readonly signed: boolean
  readonly scale: number
  readonly zeroPoint: number
}

export type QNode =
  | QConv
  | QPool
  | QReshape
  | QAdd
  | QMultiply
  | QConcat
  | QPad
  | QSubsample
  | QTranspose
  | QTable
  | QSoftmax
  | QRecurrent

/** Ids of the tensors that a node reads. */
export function inputsOf(node: QNode): readonly string[] {
  return 'inputs' in node ? node.inputs : [node.input]
}

/** Channels of what a convolution reads; of a dense layer over a sequence the features of a step. */
export function channelsOf({ steps }: Pick<QConv, 'steps'>, { shape }: Pick<QTensor, 'shape'>): number {
  return steps === undefined ? shape[0] : shape[1]
}

/**
 * A convolution, or a dense layer (`dense: true`: kernel 1x1 over [features, 1, 1]). ReLU is fused as `low`.
 * acc[n] = bias[n] + sum over k of M(x, w[n][k]); y = clamp(floor((acc * multiplier[n] + 2^(shift[n]-1)) / 2^shift[n]), low, high)
 */
export interface QConv {
  readonly kind: 'conv'
  /** The layer's name in the network: what selectors and reports use. */
  readonly name: string
  readonly dense: boolean
  readonly input: string
  readonly output: string
  readonly kernel: readonly [height: number, width: number]
  readonly stride: readonly [vertical: number, horizontal: number]
  readonly padding: readonly [top: number, left: number, bottom: number, right: number]
  readonly groups: number
  /** Positions of the map from one tap to the next. Absent: 1. */
  readonly dilation?: readonly [vertical: number, horizontal: number]
  /** Of a dense layer over a sequence: its steps, each of which is [features, 1, 1] by itself. */
  readonly steps?: number
  readonly weightBits: number
  /** Codes [filters, channels/groups, kh, kw], signed, zero point 0. Empty where the weights are curves. */
  readonly weights: Int8Array
  /** Coefficients in place of weights: acc[n] = bias[n] + sum over groups and orders of M(moment, coefficient) * 2^shift. */
  readonly curve?: QCurve
  /** One per filter, 32 bits, zero-point terms folded in. */
  readonly bias: Int32Array
  /** Unsigned 16-bit requantisation multipliers, one per filter, 0 or in [2^15, 2^16). */
  readonly multiplier: Uint16Array
  /** Shifts, one per filter, 1..47. */
  readonly shift: Uint8Array
  /** Of an imported model: from sums to codes by its own rule. `multiplier` and `shift` are empty then. */
  readonly rule?: SumRule
  /** Output codes are clamped to [low, high]: the tensor's range, low = its zero point where ReLU is fused. */
  readonly low: number
  readonly high: number
}

/**
 * Max, or average: floor((sum + floor(area/2)) / area), on codes. Scale and zero point pass through. The maximum is that of the
 * window's codes inside the map; the average counts the padding as zeros, but not what lies behind it (where the output's shape says
 * that a last window reaches further).
 */
export interface QPool {
  readonly kind: 'pool'
  readonly name: string
  readonly mode: 'max' | 'average'
  readonly input: string
  readonly output: string
  readonly window: readonly [height: number, width: number]
  readonly stride: readonly [vertical: number, horizontal: number]
  /** Each smaller than the window: no window lies in the padding alone. */
  readonly padding: readonly [top: number, left: number, bottom: number, right: number]
  /** False: an average is over the codes in the map alone. Absent: true. */
  readonly countPadding?: boolean
  /** Of an imported model: its own mean, of the codes that lie in the map. */
  readonly rule?: MeanRule
}

/** Flatten, or another shape: same codes in the same order. */
export interface QReshape {
  readonly kind: 'reshape'
  readonly name: string
  readonly input: string
  readonly output: string
}

/**
 * y = clamp(floor((x0 * multipliers[0] + x1 * multipliers[1] + 2^(shift-1)) / 2^shift), low, high). ReLU is fused as `low`.
 */
export interface QAdd {
  readonly kind: 'add'
  readonly name: string
  readonly inputs: readonly [string, string]
  readonly output: string
  /** Unsigned 16-bit; the larger one is at least 2^15. */
  readonly multipliers: readonly [number, number]
  /** Common to both, 1..47. */
  readonly shift: number
  /** Of an imported model: its own sum, without `multipliers` and `shift`, which are 0 then. */
  readonly rule?: AddRule
  readonly low: number
  readonly high: number
}

/** Channels of the inputs one after the other, codes as they are: every input has the scale and type of the output. */
export interface QConcat {
  readonly kind: 'concat'
  readonly name: string
  readonly inputs: readonly string[]
  readonly output: string
}

/** Channels of code 0 before and behind those of the input, and codes 0 around each channel. */
export interface QPad {
  readonly kind: 'pad'
  readonly name: string
  readonly input: string
  readonly output: string
  readonly before: number
  readonly after: number
  /** Absent: none. */
  readonly edges?: readonly [top: number, left: number, bottom: number, right: number]
  /** Of an imported model: the code of its padding. Absent: 0. */
  readonly fill?: number
}

/** Rows 0, s, 2s, ... of the vertical stride and columns of the horizontal one, codes as they are. */
export interface QSubsample {
  readonly kind: 'subsample'
  readonly name: string
  readonly input: string
  readonly output: string
  readonly stride: readonly [vertical: number, horizontal: number]
}

/** y = clamp(floor((x0 * x1 * multiplier + 2^(shift-1)) / 2^shift), low, high). ReLU is fused as `low`. */
export interface QMultiply {
  readonly kind: 'mul'
  readonly name: string
  /** The first one has the result's shape, the second one the same, or one code for each of its channels. */
  readonly inputs: readonly [string, string]
  readonly output: string
  /** Unsigned, in [2^15, 2^16). */
  readonly multiplier: number
  /** 1..47. */
  readonly shift: number
  /** Of an imported model: the code of each pair, without `multiplier` and `shift`, which are 0 then. */
  readonly rule?: PairTable
  readonly low: number
  readonly high: number
}

/** The code at each place of a result is that of another place: axis i of the result is axis order[i] of the input, seen as `from`. */
export interface QTranspose {
  readonly kind: 'transpose'
  readonly name: string
  readonly input: string
  readonly output: string
  readonly from: readonly number[]
  readonly order: readonly number[]
}

/** y = table[x - smallest code of the input]. */
export interface QTable {
  readonly kind: 'table'
  readonly name: string
  /** The function, for messages and reports: `sigmoid`, `relu`. */
  readonly does: string
  /** Why it is a table, where it need not always be one. */
  readonly why?: string
  readonly input: string
  readonly output: string
  readonly table: Int16Array
}

/** Over each line of codes: t_i = table[largest - x_i]; y_i = min(high, floor((2 * t_i * one + sum) / (2 * sum))), sum = sum of t_i. */
export interface QSoftmax {
  readonly kind: 'softmax'
  readonly name: string
  readonly input: string
  readonly output: string
  /** Codes of a line, and how far apart they stand. Lines follow one another, `step` at a time. */
  readonly count: number
  readonly step: number
  /** round(2^16 * e^(-d * scale)) for differences d = 0, 1, ... of codes. */
  readonly table: Int32Array
  /** The code of 1, which is one more than the largest: the result's scale is 1 / one. */
  readonly one: number
  readonly high: number
}

/**
 * A recurrent layer over a sequence [steps, features, 1], by the rules of docs/numerics.md. Rows are by direction, gate
 * (z, r, n of a GRU; i, o, f, g of an LSTM) and unit.
 */
export interface QRecurrent {
  readonly kind: 'recurrent'
  readonly name: string
  readonly cell: 'rnn' | 'gru' | 'lstm'
  /** Of a GRU. */
  readonly reset: 'before' | 'after'
  readonly direction: 'forward' | 'backward' | 'bidirectional'
  readonly returns: 'all' | 'last'
  readonly input: string
  readonly output: string
  readonly units: number
  /** What multiplies each step's codes, and what multiplies the state's: a filter a row, whose sums become gates of 16 bits. */
  readonly ofInput: QConv
  readonly ofState: QConv
  /** The result's codes: requantised states, which are in units of 2^-15. */
  readonly multiplier: number
  readonly shift: number
  readonly low: number
  readonly high: number
}

/** The convolutions, dense layers and sets of filters of recurrent layers that a node multiplies by. */
export function filtersOf(node: QNode): readonly QConv[] {
  if (node.kind === 'conv') return [node]
  return node.kind === 'recurrent' ? [node.ofInput, node.ofState] : []
}
