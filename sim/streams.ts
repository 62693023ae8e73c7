import type { Plan } from '../src/plan/plan.ts'
import { rotatedPlace, sharedStream } from '../src/plan/rotation.ts'
import type { Banks } from './banks.ts'
import type { Inputs } from './device.ts'

/** Takes the input map from the host and spreads it over the banks. */
export interface InputStream {
  /** The map takes elements: until its last one came, and again once the run has read it. */
  readonly open: boolean
  /** All of the map's elements came, and no run has begun with them. */
  readonly full: boolean
  /** A run begins with the elements that came. */
  begin(): void
  /** The run has read the map. */
  release(): void
  /** The edge that takes an element. */
  take(inputs: Inputs): void
  /** The map is empty and open. */
  reset(): void
}

export function inputStream(plan: Plan, memory: Banks): InputStream {
  const { input } = plan
  const [channels, , width] = input.shape
  const shared = sharedStream(plan, input)
  const words = channels / input.modulus
  let pixel = 0
  let channel = 0
  let left = input.elements
  const self = {
    open: true,
    full: false,
    begin() {
      self.full = false
    },
    release() {
      self.open = true
    },
    take({ inData }: Inputs) {
      if (shared !== undefined) {
        const { bank, address } = rotatedPlace(shared, channel, Math.floor(pixel / width), pixel % width)
        memory.write(1, bank, address, inData & 255)
      } else {
        const residue = channel % input.modulus
        const address = input.base + pixel * words + Math.floor(channel / input.modulus)
        memory.writeResidue(input.sets ?? 1, residue, input.modulus, address, inData & 255)
      }
      if (++channel === channels) {
        channel = 0
        pixel++
      }
      if (--left > 0) return
      pixel = 0
      left = input.elements
      self.open = false
      self.full = true
    },
    reset() {
      pixel = 0
      channel = 0
      left = input.elements
      self.open = true
      self.full = false
    },
  }
  return self
}

/** Offers the output map to the host: the channels of a pixel lie in the first banks in turn. */
export interface OutputStream {
  /** [valid]. */
  readonly state: Int32Array
  /** The word last read. */
  readonly data: () => number
  /** Whether the element on offer is the last one. */
  readonly last: () => boolean
  begin(): void
  /** The edge that closes a cycle of the output phase. True where the element just taken was the last one. */
  clock(inputs: Inputs): boolean
  /** Nothing is on offer. */
  reset(): void
}

export function outputStream(plan: Plan, memory: Banks): OutputStream {
  const { output } = plan
  const state = new Int32Array(1)
  const [channels, , width] = output.shape
  const shared = sharedStream(plan, output)
  const set = ((output.sets ?? 1) & 1) === 1 ? 0 : 1
  let data = 0
  let address = 0
  let channel = 0
  let left = 0
  const valid = () => state[0] === 1
  return {
    state,
    data: () => data,
    last: () => valid() && left === 0,
    begin() {
      address = output.base
      channel = 0
      left = output.elements
    },
    clock({ outReady }) {
      const fetch = left > 0 && (!valid() || outReady)
      const ended = left === 0 && valid() && outReady
      if (fetch) {
        if (shared !== undefined) {
          const pixel = Math.floor((output.elements - left) / channels)
          const place = rotatedPlace(shared, channel, Math.floor(pixel / width), pixel % width)
          data = memory.read(0, place.bank, place.address)
          channel = (channel + 1) % channels
        } else {
          const bank = channel % output.modulus
          data = memory.read(set, bank, address)
          channel = (channel + 1) % channels
          if (bank === output.modulus - 1 || channel === 0) address++
        }
        left--
        state[0] = 1
      } else if (outReady) state[0] = 0
      return ended
    },
    reset() {
      state[0] = 0
      left = 0
    },
  }
}
