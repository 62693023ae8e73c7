import { axiLayout, type ChannelName, channels, sources } from './axi-ports.ts'
import type { AxiStimulus, Beat, Episode } from './axi-stimulus.ts'
import type { Cycle } from './host.ts'
import { type FrameDevice, gaveUpBit, type Port, portsByName, portValue } from './ports.ts'

/**
 * Runs a stimulus on a device with the AXI interface. A sender offers its next beat from the first cycle that its pattern and the beat's
 * condition allow until it is taken; a receiver is ready where its pattern says so. Counts of transfers begin at 0 with each
 * episode; no beat is offered in the first cycle behind a reset. Where nothing moves for `patience` cycles the whole run ends. The harness (templates/testbench/harness-axi.cpp) does the same in C++.
 *
 * `image` of a cycle counts the outputs that ended before; `cycle` counts since then.
 */
export function* driveAxi(
  device: FrameDevice,
  stimulus: AxiStimulus,
  reload: boolean,
  probeCount: number,
): Generator<Cycle, void> {
  const layout = axiLayout({ reload })
  const frame = new Uint32Array(layout.words + probeCount)
  const ports = frame.subarray(0, layout.words)
  const probes = frame.subarray(layout.words)
  const view = { image: 0, cycle: 0, words: frame, last: false }
  const host = hostChannels(layout)
  let time = 0
  let quiet = 0
  for (const [number, episode] of stimulus.episodes.entries()) {
    host.begin(episode)
    const last = number === stimulus.episodes.length - 1
    for (let cycle = 0; ; cycle++, time++) {
      const resetting = cycle < episode.reset
      ports.fill(0)
      device.outputs(ports)
      host.drive(ports, cycle - episode.reset, stimulus.patterns, time)
      device.probes(probes)
      const moved = host.moved(ports)
      quiet = resetting || moved > 0 ? 0 : quiet + 1
      const hangs = quiet > stimulus.patience
      if (hangs) ports[0] = (ports[0]! | gaveUpBit) >>> 0
      const ended = !resetting && host.ended(episode, moved, cycle - episode.reset)
      view.last = hangs || (last && ended)
      yield view
      if (hangs) return
      device.clock(ports)
      host.take(moved)
      view.cycle++
      if (host.outputEnds(ports, moved)) {
        view.image++
        view.cycle = 0
      }
      if (ended) {
        time++
        break
      }
    }
  }
}

/** The host's side of all channels; what moved in a cycle is a bit mask of channels. */
function hostChannels(layout: ReturnType<typeof axiLayout>) {
  const portOf = portsByName(layout)
  const present = new Set(layout.ports.map(({ name }) => name))
  const wires = channels.map(({ name, valid, ready, payload }) => {
    if (!present.has(valid)) return undefined
    return { name, valid: portOf(valid), ready: portOf(ready), payload: payload.map(portOf) }
  })
  const reset = portOf('aresetn')
  const lastOfOutput = portOf('m_axis_tlast')
  const output = channels.findIndex(({ name }) => name === 'output')
  const counts = new Uint32Array(channels.length)
  const indexOf = new Map(channels.map(({ name }, index) => [name, index]))
  const offered = new Array<boolean>(sources.length).fill(false)
  let beats: readonly (readonly Beat[])[] = []
  let stalls: readonly number[] = []
  const put = (frame: Uint32Array, { word, low }: Port, value: number) => {
    frame[word] = (frame[word]! | (value << low)) >>> 0
  }
  const due = ({ after }: Beat) =>
    after === undefined || after.every(({ channel, count }) => counts[indexOf.get(channel)!]! >= count)

  return {
    begin(episode: Episode) {
      counts.fill(0)
      offered.fill(false)
      beats = sources.map(({ name }) => episode.beats[name])
      stalls = channels.map(({ name }) => episode.stalls[name])
    },
    /** `age`: cycles since the reset ended, negative in it. */
    drive(frame: Uint32Array, age: number, patterns: readonly Uint8Array[], time: number) {
      if (age < 0) return
      put(frame, reset, 1)
      for (let index = 0; index < channels.length; index++) {
        const wire = wires[index]
        const pattern = patterns[stalls[index]!]!
        const allowed = pattern[time % pattern.length] === 1
        if (index >= sources.length) {
          if (allowed) put(frame, wire!.ready, 1)
          continue
        }
        const beat = beats[index]![counts[index]!]
        if (beat === undefined || wire === undefined || age === 0) continue
        offered[index] ||= allowed && due(beat)
        if (!offered[index]) continue
        put(frame, wire.valid, 1)
        put(frame, wire.payload[0]!, beat.data)
        if (wire.payload[1] !== undefined) put(frame, wire.payload[1], beat.extra)
      }
    },
    moved(frame: Uint32Array): number {
      if (portValue(frame, 0, reset) === 0) return 0
      let mask = 0
      for (const [index, wire] of wires.entries())
        if (
          wire !== undefined &&
          portValue(frame, 0, wire.valid) === 1 &&
          portValue(frame, 0, wire.ready) === 1
        )
          mask |= 1 << index
      return mask
    },
    take(moved: number) {
      for (let index = 0; index < channels.length; index++) {
        if (((moved >> index) & 1) === 0) continue
        counts[index]!++
        if (index < sources.length) offered[index] = false
      }
    },
    outputEnds: (frame: Uint32Array, moved: number) =>
      ((moved >> output) & 1) === 1 && portValue(frame, 0, lastOfOutput) === 1,
    /** With the transfers of this cycle the episode is through, or it is cut off. */
    ended({ outputs, cycles }: Episode, moved: number, cycle: number): boolean {
      if (cycles !== undefined) return cycle + 1 >= cycles
      const after = (name: ChannelName) => {
        const index = indexOf.get(name)!
        return counts[index]! + ((moved >> index) & 1)
      }
      return (
        sources.every(({ name }, index) => after(name) >= beats[index]!.length) &&
        after('output') >= outputs &&
        after('b') >= beats[indexOf.get('aw')!]!.length &&
        after('r') >= beats[indexOf.get('ar')!]!.length
      )
    },
  }
}
