import type { Inputs, Outputs } from '../sim/device.ts'

/**
 * One cycle of a device as numbers: word 0 packs the ports, the other words are the probes, in the order of `probesOf(plan)`.
 * Both sides of a lockstep are brought to this form.
 */
export const portNames = [
  'busy',
  'done',
  'in_ready',
  'out_valid',
  'out_last',
  'out_data',
  'start',
  'in_valid',
  'out_ready',
  'in_data',
] as const
export type PortName = (typeof portNames)[number]

const place: Readonly<Record<PortName, readonly [low: number, bits: number]>> = {
  busy: [0, 1],
  done: [1, 1],
  in_ready: [2, 1],
  out_valid: [3, 1],
  out_last: [4, 1],
  start: [5, 1],
  in_valid: [6, 1],
  out_ready: [7, 1],
  out_data: [8, 8],
  in_data: [16, 8],
}

/** The host gave up on this image: it hangs. Set only in the last frame of an image. */
export const gaveUpBit = 1 << 31

export function portOf(word: number, name: PortName): number {
  const [low, bits] = place[name]
  return (word >>> low) & (2 ** bits - 1)
}

export const portBits = (name: PortName): number => place[name][1]

/** `out_data` and `out_last` mean nothing without `out_valid`, and count as 0 then. */
export function packPorts(inputs: Inputs, outputs: Outputs): number {
  let word = inputs.inData << 16
  if (outputs.busy) word |= 1
  if (outputs.done) word |= 2
  if (outputs.inReady) word |= 4
  if (outputs.outValid) word |= 8 | (outputs.outLast ? 16 : 0) | (outputs.outData << 8)
  if (inputs.start) word |= 32
  if (inputs.inValid) word |= 64
  if (inputs.outReady) word |= 128
  return word >>> 0
}

export function unpackInputs(word: number): Inputs {
  return {
    start: (word & 32) !== 0,
    inValid: (word & 64) !== 0,
    inData: (word >>> 16) & 255,
    outReady: (word & 128) !== 0,
  }
}

/** An output element moves in this cycle. */
export const outputMoves = (word: number): boolean => (word & 0x88) === 0x88

/** An input element moves in this cycle. */
export const inputMoves = (word: number): boolean => (word & 0x44) === 0x44

export const isDone = (word: number): boolean => (word & 2) !== 0
export const gaveUp = (word: number): boolean => (word & gaveUpBit) !== 0
