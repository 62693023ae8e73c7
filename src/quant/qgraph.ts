import type { QCurve } from './curve.ts'

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
  /** [channels, height, width]; features of a dense layer are [features, 1, 1]. */
  readonly shape: readonly [channels: number, height: number, width: number]
  readonly bits: number
  readonly signed: boolean
  readonly scale: number
  readonly zeroPoint: number
}

export type QNode = QConv | QPool | QReshape | QAdd | QConcat | QPad | QSubsample

/** Ids of the tensors that a node reads. */
export function inputsOf(node: QNode): readonly string[] {
  return node.kind === 'add' || node.kind === 'concat' ? node.inputs : [node.input]
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
  /** Output codes are clamped to [low, high]: the tensor's range, low = its zero point where ReLU is fused. */
  readonly low: number
  readonly high: number
}

/**
 * Max, or average: floor((sum + floor(area/2)) / area), on codes. Scale and zero point pass through. The maximum is that of the
 * window's codes inside the map; the average counts the padding as zeros, so that its area is always the window's.
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
}

/** Flatten: [c, h, w] to [c*h*w, 1, 1], same codes in the same order. */
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

/** Channels of code 0 before and behind those of the input. */
export interface QPad {
  readonly kind: 'pad'
  readonly name: string
  readonly input: string
  readonly output: string
  readonly before: number
  readonly after: number
}

/** Rows 0, s, 2s, ... of the vertical stride and columns of the horizontal one, codes as they are. */
export interface QSubsample {
  readonly kind: 'subsample'
  readonly name: string
  readonly input: string
  readonly output: string
  readonly stride: readonly [vertical: number, horizontal: number]
}
