/**
 * One cycle of a device as numbers: some words hold its ports, the words behind them its probes. Both sides of a lockstep, and the
 * simulator's harness, bring a cycle to this form.
 */
export interface Port {
  readonly name: string
  readonly direction: 'input' | 'output'
  readonly bits: number
  /** Place in the frame. */
  readonly word: number
  readonly low: number
  /** The port that says whether this one means anything; where that is 0 it counts as 0. */
  readonly validity?: string
}

export interface PortLayout {
  readonly ports: readonly Port[]
  /** Words of a frame that hold ports. */
  readonly words: number
  /** Which ports say that an element of an image, or of an output, moves. */
  readonly moves: Readonly<Record<'input' | 'output', { readonly valid: string; readonly ready: string }>>
}

/** The host gave up: nothing moves any more. Stands in word 0 of the last frame. */
export const gaveUpBit = 1 << 31

export const gaveUp = (word: number): boolean => (word & gaveUpBit) !== 0

export function portValue(frame: Uint32Array, at: number, { word, low, bits }: Port): number {
  const value = frame[at + word]! >>> low
  return bits === 32 ? value : value & (2 ** bits - 1)
}

/** Ports by name; a name that is not there is an error. */
export function portsByName({ ports }: PortLayout): (name: string) => Port {
  const known = new Map(ports.map((port) => [port.name, port]))
  return (name) => {
    const port = known.get(name)
    if (port === undefined) throw new Error(`there is no port "${name}"`)
    return port
  }
}

/** Anything that runs an interface cycle by cycle, in frames. The outputs of a cycle do not depend on its inputs. */
export interface FrameDevice {
  /** Adds the outputs of the current cycle to a frame whose output bits are 0. */
  outputs(frame: Uint32Array): void
  /** Raw bits of the probes in the current cycle. */
  probes(into: Uint32Array): void
  /** One rising clock edge, with the inputs that stand in the frame. */
  clock(frame: Uint32Array): void
}

/** Whether a channel moves in the cycle of a frame. */
export function movesOn(
  layout: PortLayout,
  channel: 'input' | 'output',
): (frame: Uint32Array, at: number) => boolean {
  const portOf = portsByName(layout)
  const [valid, ready] = [portOf(layout.moves[channel].valid), portOf(layout.moves[channel].ready)]
  return (frame, at) => portValue(frame, at, valid) === 1 && portValue(frame, at, ready) === 1
}

/** The bits of each port word that the host drives. */
export function inputMasks({ ports, words }: PortLayout): Uint32Array {
  const masks = new Uint32Array(words)
  for (const { direction, word, low, bits } of ports)
    if (direction === 'input')
      masks[word] = (masks[word]! | ((bits === 32 ? 0xffffffff : 2 ** bits - 1) << low)) >>> 0
  return masks
}
