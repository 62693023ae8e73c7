import type { Device, Inputs, Outputs } from '../sim/device.ts'
import type { FrameDevice, Port, PortLayout } from './ports.ts'

type Place = readonly [direction: Port['direction'], low: number, bits: number]

/** The ports of the native interface: word 0 of a frame. */
const places: Readonly<Record<string, Place>> = {
  busy: ['output', 0, 1],
  done: ['output', 1, 1],
  in_ready: ['output', 2, 1],
  out_valid: ['output', 3, 1],
  out_last: ['output', 4, 1],
  out_data: ['output', 8, 8],
  start: ['input', 5, 1],
  in_valid: ['input', 6, 1],
  out_ready: ['input', 7, 1],
  in_data: ['input', 16, 8],
}

export const nativeLayout: PortLayout = {
  ports: Object.entries(places).map(([name, [direction, low, bits]]) => ({
    name,
    direction,
    bits,
    word: 0,
    low,
    ...(name === 'out_data' || name === 'out_last' ? { validity: 'out_valid' } : {}),
  })),
  words: 1,
  moves: {
    input: { valid: 'in_valid', ready: 'in_ready' },
    output: { valid: 'out_valid', ready: 'out_ready' },
  },
}

export const portNames: readonly string[] = Object.keys(places)

/** A port of the native interface in the word of a frame that holds them. */
export function portOf(word: number, name: string): number {
  const [, low, bits] = places[name]!
  return (word >>> low) & (2 ** bits - 1)
}

/** `out_data` and `out_last` mean nothing without `out_valid`, and count as 0 then. */
export function packPorts(inputs: Inputs, outputs: Outputs): number {
  let word = packOutputs(outputs) | (inputs.inData << 16)
  if (inputs.start) word |= 32
  if (inputs.inValid) word |= 64
  if (inputs.outReady) word |= 128
  return word >>> 0
}

function packOutputs(outputs: Outputs): number {
  let word = 0
  if (outputs.busy) word |= 1
  if (outputs.done) word |= 2
  if (outputs.inReady) word |= 4
  if (outputs.outValid) word |= 8 | (outputs.outLast ? 16 : 0) | (outputs.outData << 8)
  return word
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

/** A device with the native interface in frames. */
export function nativeFrames(device: Device): FrameDevice {
  return {
    outputs(frame) {
      frame[0] = (frame[0]! | packOutputs(device.outputs())) >>> 0
    },
    probes: device.probes,
    clock(frame) {
      device.clock(unpackInputs(frame[0]!))
    },
  }
}
