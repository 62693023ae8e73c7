import { axiLayout, channels } from './axi-ports.ts'
import { type Port, portsByName, portValue } from './ports.ts'

/** What a run gave, as its frames tell. */
export interface AxiHarvest {
  /** Output packets, each up to its TLAST; what came behind the last TLAST is not among them. */
  readonly outputs: readonly Uint8Array[]
  /** Cycle in which each of them ended, from the first frame. */
  readonly ends: readonly number[]
  /** Cycles in all. */
  readonly cycles: () => number
  readonly reads: readonly { readonly data: number; readonly response: number }[]
  readonly writes: readonly number[]
  take(frames: Uint32Array, at: number): void
}

export function axiHarvest(reload: boolean): AxiHarvest {
  const portOf = portsByName(axiLayout({ reload }))
  const channel = (name: string) => {
    const { valid, ready, payload } = channels.find((one) => one.name === name)!
    return { valid: portOf(valid), ready: portOf(ready), payload: payload.map(portOf) }
  }
  const reset = portOf('aresetn')
  const [output, b, r] = [channel('output'), channel('b'), channel('r')]
  const outputs: Uint8Array[] = []
  const ends: number[] = []
  const reads: { data: number; response: number }[] = []
  const writes: number[] = []
  let codes: number[] = []
  let cycles = 0
  return {
    outputs,
    ends,
    cycles: () => cycles,
    reads,
    writes,
    take(frames, at) {
      const value = (port: Port) => portValue(frames, at, port)
      const moves = ({ valid, ready }: { valid: Port; ready: Port }) =>
        value(valid) === 1 && value(ready) === 1
      if (value(reset) === 0) codes = []
      else {
        if (moves(output)) codes.push(value(output.payload[0]!))
        if (moves(output) && value(output.payload[1]!) === 1) {
          outputs.push(Uint8Array.from(codes))
          ends.push(cycles)
          codes = []
        }
        if (moves(b)) writes.push(value(b.payload[0]!))
        if (moves(r)) reads.push({ data: value(r.payload[0]!), response: value(r.payload[1]!) })
      }
      cycles++
    },
  }
}
