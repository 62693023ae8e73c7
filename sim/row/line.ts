import type { RowEngine, RowLayer } from '../../src/plan/row/plan.ts'
import type { RowPass } from '../../src/plan/row/steps.ts'

/** A product as it was issued: of all PEs at the same place of the chains. */
export interface Issued {
  readonly layer: RowLayer
  readonly pass: RowPass
  readonly column: number
  readonly kernelX: number
}

/** A weight word as it was issued. */
export interface Loaded {
  readonly layer: RowLayer
  readonly pass: RowPass
  readonly word: number
  readonly side: number
  readonly kernelX: number
  /** Which of a PE's two sets it goes to. */
  readonly set: number
}

/** A finished sum that is read in all columns. */
export interface DrainRead {
  readonly layer: RowLayer
  /** How many sums the layer finished before. */
  readonly sum: number
  readonly chain: number
  readonly column: number
  readonly buffer: number
  /** It is the first one of its filters. */
  readonly swap: boolean
}

/** The codes of an output column. */
export interface Vector {
  readonly layer: RowLayer
  readonly sum: number
  readonly chain: number
  /** After pooling. */
  readonly column: number
}

/**
 * What was commanded in the last cycles: a station that works d cycles behind looks at `slot(now - d)`. `set` and `kernelX` are what chooses the weights, also
 * where nothing is issued.
 */
export interface CommandLine {
  slot(cycle: number): number
  readonly issued: (Issued | undefined)[]
  readonly set: Uint8Array
  readonly kernelX: Int32Array
  readonly loaded: (Loaded | undefined)[]
  /** The layer whose sums are finished by the product before. */
  readonly finished: ({ readonly layer: RowLayer; readonly sum: number } | undefined)[]
  readonly reads: (DrainRead | undefined)[]
  /** By the cycle in which they arrive. */
  readonly vectors: (Vector | undefined)[]
  /** Nothing is under way any more. */
  clear(): void
}

export function commandLine(plan: RowEngine): CommandLine {
  const longest = Math.max(...plan.layers.map(({ chain, window }) => chain + window[0]))
  let depth = 1
  while (depth < longest + 16) depth *= 2
  const none = <T>() => new Array<T | undefined>(depth).fill(undefined)
  const line = {
    slot: (cycle: number) => cycle & (depth - 1),
    issued: none<Issued>(),
    set: new Uint8Array(depth),
    kernelX: new Int32Array(depth),
    loaded: none<Loaded>(),
    finished: none<{ readonly layer: RowLayer; readonly sum: number }>(),
    reads: none<DrainRead>(),
    vectors: none<Vector>(),
    clear() {
      for (const entries of [line.issued, line.loaded, line.finished, line.reads, line.vectors])
        entries.fill(undefined)
    },
  }
  return line
}
