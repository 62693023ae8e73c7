import { copiesOf } from '../../src/plan/row/layout.ts'
import type { RowPlan } from '../../src/plan/row/plan.ts'
import type { Inputs } from '../device.ts'
import type { InputStream, OutputStream } from '../streams.ts'
import type { RowBanks } from './banks.ts'

/** Takes the input map from the host, and stores each element in the banks of all lines that need it. */
export function rowInputStream({ input }: RowPlan, memory: RowBanks): InputStream {
  const [channels, , width] = input.shape
  let at = 0
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
      const pixel = Math.floor(at / channels)
      const [y, x] = [Math.floor(pixel / width), pixel % width]
      for (const { bank, address } of copiesOf(input.layout, at % channels, y, x))
        memory.write(bank, address, inData & 255)
      if (++at < input.elements) return
      at = 0
      self.open = false
      self.full = true
    },
    reset() {
      at = 0
      self.open = true
      self.full = false
    },
  }
  return self
}

/** Offers the output map to the host, from the banks that its rows lie in. */
export function rowOutputStream({ output }: RowPlan, memory: RowBanks): OutputStream {
  const state = new Int32Array(1)
  const [channels, , width] = output.shape
  let data = 0
  let left = 0
  const valid = () => state[0] === 1
  return {
    state,
    data: () => data,
    last: () => valid() && left === 0,
    begin() {
      left = output.elements
    },
    clock({ outReady }) {
      const ended = left === 0 && valid() && outReady
      if (left > 0 && (!valid() || outReady)) {
        const at = output.elements - left
        const pixel = Math.floor(at / channels)
        const [place] = copiesOf(output.layout, at % channels, Math.floor(pixel / width), pixel % width)
        data = memory.read(place!.bank, place!.address)
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
