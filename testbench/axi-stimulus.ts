import { invariant } from '../src/base/errors.ts'
import { type ChannelName, channels, type SinkName, type SourceName, sources } from './axi-ports.ts'

/** What a channel carries in one transfer. */
export interface Beat {
  readonly data: number
  /** TLAST of a stream, WSTRB of the write data channel. */
  readonly extra: number
  /** It is not offered before all of these hold; at most two. */
  readonly after?: readonly Condition[]
}

/** A channel has moved so many times in this episode. */
export interface Condition {
  readonly channel: ChannelName
  readonly count: number
}

/** What the host does between two resets. */
export interface Episode {
  /** Cycles with aresetn = 0 at its begin. */
  readonly reset: number
  readonly beats: Readonly<Record<SourceName, readonly Beat[]>>
  /** Index into `AxiStimulus.patterns` of each channel's stalls. */
  readonly stalls: Readonly<Record<SourceName | SinkName, number>>
  /** Output elements to wait for. The episode ends with the last of them, when all beats are sent and all answers are there. */
  readonly outputs: number
  /** It is cut off after so many cycles behind its reset, whatever is under way. */
  readonly cycles?: number
}

/**
 * What the host of the AXI interface does in a verification run. The same value drives the cycle model here and, as bytes, the
 * simulator there.
 */
export interface AxiStimulus {
  readonly episodes: readonly Episode[]
  /** By cycle, modulo their length (all have one): 1 where a sender may begin to offer a beat, and where a receiver is ready. */
  readonly patterns: readonly Uint8Array[]
  /** Cycles without any transfer after which the host gives up. */
  readonly patience: number
}

export const noBeats: Episode['beats'] = { image: [], weights: [], aw: [], w: [], ar: [] }
export const noStalls: Episode['stalls'] = {
  image: 0,
  weights: 0,
  aw: 0,
  w: 0,
  ar: 0,
  output: 0,
  b: 0,
  r: 0,
}

const magic = 0x41535458 // "XTSA"
const version = 1
const headerWords = 7
const none = 2 ** 32 - 1
const conditionsOfBeat = 2

/**
 * The stimulus as bytes. All words are 32 bits, little endian: magic, version, bytes in all, episodes, patterns, cycles a pattern, patience; then
 * each episode: reset, outputs, cycles (all ones: to its end), the pattern of each channel, the number of beats of each sender, and the
 * senders' beats {data, extra, channel, count, channel, count} (channel all ones: no condition); then the patterns, one byte (0
 * or 1) a cycle. The harness checks the length before it reads anything else.
 */
export function encodeAxiStimulus({ episodes, patterns, patience }: AxiStimulus): Uint8Array {
  const period = patterns[0]?.length ?? 0
  invariant(
    period > 0 && patterns.every((pattern) => pattern.length === period),
    'a stimulus has at least one pattern, and all have one length',
  )
  const words = episodes.flatMap(episodeWords)
  const patternsAt = 4 * (headerWords + words.length)
  const bytes = new Uint8Array(patternsAt + patterns.length * period)
  const view = new DataView(bytes.buffer)
  const header = [magic, version, bytes.length, episodes.length, patterns.length, period, patience]
  for (const [word, value] of [...header, ...words].entries()) view.setUint32(4 * word, value, true)
  for (const [index, pattern] of patterns.entries()) bytes.set(pattern, patternsAt + index * period)
  return bytes
}

function episodeWords({ reset, outputs, cycles, stalls, beats }: Episode): number[] {
  const lists = sources.map(({ name }) => beats[name])
  return [
    reset,
    outputs,
    cycles ?? none,
    ...channels.map(({ name }) => stalls[name]),
    ...lists.map((list) => list.length),
    ...lists.flat().flatMap(beatWords),
  ]
}

function beatWords({ data, extra, after = [] }: Beat): number[] {
  invariant(after.length <= conditionsOfBeat, 'a beat waits for two things at most')
  const conditions = Array.from({ length: conditionsOfBeat }, (_, i) => after[i])
  const indexOf = (channel: ChannelName) => channels.findIndex(({ name }) => name === channel)
  return [
    data,
    extra,
    ...conditions.flatMap((one) => (one === undefined ? [none, 0] : [indexOf(one.channel), one.count])),
  ]
}

/** The stimulus as the simulator takes it. */
export const axiSimulatorInput = (stimulus: AxiStimulus) => ({
  bytes: encodeAxiStimulus(stimulus),
  parts: stimulus.episodes.length,
})
