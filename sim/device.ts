/** What the host drives in one cycle. */
export interface Inputs {
  readonly start: boolean
  readonly inValid: boolean
  /** Raw code 0..255, 0 where `inValid` is false. */
  readonly inData: number
  readonly outReady: boolean
}

/** What the host sees in one cycle. */
export interface Outputs {
  readonly busy: boolean
  readonly done: boolean
  readonly inReady: boolean
  readonly outValid: boolean
  /** Raw code 0..255; it means something, and is compared, only where `outValid` is true. */
  readonly outData: number
  readonly outLast: boolean
}

/** Anything that runs the native interface cycle by cycle: the cycle model, the netlist, a recorded Verilator run. */
export interface Device {
  /** The outputs of the current cycle. They depend on registers only. The object may be reused by the next call. */
  outputs(): Outputs
  /** The values of `probesOf(plan)` in the current cycle, in that order: raw bits, two's complement cut to the probe's width. */
  probes(into: Uint32Array): void
  /** One rising clock edge, with the inputs of the current cycle. */
  clock(inputs: Inputs): void
}

export const idleInputs: Inputs = { start: false, inValid: false, inData: 0, outReady: false }
