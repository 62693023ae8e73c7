import type { Plan, PlanLayer } from '../src/plan/plan.ts'
import type { Fold } from '../src/plan/steps.ts'

/** A fold that streams, with what each station of the pipeline asks about it. */
export interface Streamed {
  readonly fold: Fold
  readonly layer: PlanLayer
  /** The row of the array that the layer's row 0 is. */
  readonly top: number
}

/**
 * The delay line along which the sequencer's commands travel: what was issued in cycle n stands at `slot(n)` until the
 * pipeline has no more use for it. A station that works d cycles after the issue looks at `slot(now - d)`. A position of a layer that begins
 * `top` rows down stands where one issued `top` cycles before would: it enters where that one would then be.
 */
export interface IssueLine {
  /** Index of a cycle's entry. Cycles before the first one give entries in which nothing was issued. */
  slot(cycle: number): number

  /** The fold whose position was issued; undefined in a cycle without one. The other position fields mean something only where it is set. */
  readonly streamed: (Streamed | undefined)[]
  /** The same, for the stations behind the tiles: a layer that fills the moment banks sends them nothing. */
  readonly products: (Streamed | undefined)[]
  /** Index of the position, 0..positions-1. */
  readonly position: Int32Array
  readonly address: Int32Array
  readonly y: Int32Array
  readonly x: Int32Array
  /** 1 for the first position of a fold. */
  readonly first: Uint8Array
  /** 1 for the first, and for the last, position of a pooling window. */
  readonly windowFirst: Uint8Array
  readonly windowLast: Uint8Array
  /** Word of the operand, and 1 where it has a code for the position; they mean something where the layer has one. */
  readonly operandAddress: Int32Array
  readonly operandInside: Uint8Array

  /** Row of the array whose weights were issued, or -1. The other load fields mean something only where there is one. */
  readonly loadRow: Int32Array
  readonly loadWord: Int32Array
  readonly loaded: (Streamed | undefined)[]

  /** Nothing is under way any more. */
  clear(): void
}

export function issueLine(plan: Plan): IssueLine {
  let depth = 1
  while (depth < plan.latency.aligned + 2) depth *= 2
  const mask = depth - 1
  const streamed = new Array<Streamed | undefined>(depth).fill(undefined)
  const products = streamed.slice()
  const loadRow = new Int32Array(depth).fill(-1)
  return {
    slot: (cycle) => cycle & mask,
    streamed,
    products,
    position: new Int32Array(depth),
    address: new Int32Array(depth),
    y: new Int32Array(depth),
    x: new Int32Array(depth),
    first: new Uint8Array(depth),
    windowFirst: new Uint8Array(depth),
    windowLast: new Uint8Array(depth),
    operandAddress: new Int32Array(depth),
    operandInside: new Uint8Array(depth),
    loadRow,
    loadWord: new Int32Array(depth),
    loaded: new Array<Streamed | undefined>(depth).fill(undefined),
    clear() {
      streamed.fill(undefined)
      products.fill(undefined)
      loadRow.fill(-1)
    },
  }
}
