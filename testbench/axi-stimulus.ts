import type { ChannelName, SinkName, SourceName } from './axi-ports.ts'

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
