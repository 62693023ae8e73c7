import { usageError } from '../base/errors.ts'
import { seededRandom } from '../base/random.ts'
import type { GatePort, Net } from './gate-netlist.ts'

/** Values of the inputs, one after the other in time: what energy is measured with. */
export interface Stream {
  /** Where it comes from, as every report says. */
  readonly name: string
  readonly length: number
  /** By port; a number holds 32 bits, two's complement or not. */
  readonly ports: Readonly<Record<string, ArrayLike<number | bigint>>>
}

/** Uniform random values of ports of so many bits (at most 32). */
export function uniformStream(
  ports: readonly { readonly name: string; readonly bits: number }[],
  length: number,
  seed: number,
): Stream {
  const random = seededRandom(seed)
  const values = ports.map(({ bits }) => ({ high: 2 ** bits - 1, values: new Float64Array(length) }))
  for (let i = 0; i < length; i++) for (const port of values) port.values[i] = random.integer(0, port.high)
  return {
    name: `uniform, ${length} operations, seed ${seed}`,
    length,
    ports: Object.fromEntries(ports.map(({ name }, i) => [name, values[i]!.values])),
  }
}

/** Bits of a stream, by the net that they go to. */
export interface StreamBits {
  readonly nets: readonly Net[]
  /** The values of all nets in a moment, written to `out`. */
  read(moment: number, out: Uint8Array): void
}

export function streamBits(stream: Stream, inputs: readonly GatePort[], clock: Net | undefined): StreamBits {
  const used = inputs.filter(({ nets }) => clock === undefined || !nets.includes(clock))
  for (const { name } of used)
    if (stream.ports[name] === undefined)
      throw usageError(`the stream "${stream.name}" has no values for the input ${name}`)
  const ports = used.map(({ name, nets }) => ({ nets, values: stream.ports[name]! }))
  return {
    nets: ports.flatMap(({ nets }) => nets),
    read(moment, out) {
      let bit = 0
      for (const { nets, values } of ports) {
        const value = values[moment]!
        if (typeof value === 'bigint')
          for (let i = 0; i < nets.length; i++) out[bit++] = Number((value >> BigInt(i)) & 1n)
        else for (let i = 0; i < nets.length; i++) out[bit++] = (value >> i) & 1
      }
    },
  }
}
