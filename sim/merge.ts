import { invariant } from '../src/base/errors.ts'
import { banksRead } from '../src/plan/merge.ts'
import { operandLanes, type Plan, type PlanLayer } from '../src/plan/plan.ts'
import type { Banks } from './banks.ts'
import type { Columns } from './column.ts'
import type { EventCounter } from './events.ts'
import type { IssueLine, Streamed } from './line.ts'
import { clamp, roundShift } from './rounding.ts'

/** A position whose codes are on their way through the merge columns. */
export interface Merging {
  readonly streamed: Streamed
  /** Index of the position. */
  readonly position: number
  readonly windowFirst: boolean
  readonly windowLast: boolean
  readonly inside: boolean
}

/** The merge columns with the map reader: behind the alignment of the columns, before the writer. */
export interface Merge {
  /** [reading, address of the word that is read]. */
  readonly state: Int32Array
  /** Raw code of the map for each column. */
  readonly operand: Int32Array
  /** Signed code of 9 bits. */
  readonly merged: Int32Array
  /** Raw code of each column after pooling, 0..255. */
  readonly pooled: Int32Array
  /** The position whose vector is whole in this cycle, as it was before the edge, with its codes. */
  readonly arriving: { readonly merging: Merging | undefined; readonly vector: Int32Array }
  /** The edge that closes `cycle`; called after the columns' edge and before the writer's, since a bank is read before it is written. */
  clock(cycle: number): void
  /** That edge was one with reset. */
  reset(): void
}

export function merge(
  plan: Plan,
  line: IssueLine,
  memory: Banks,
  source: Columns,
  counter: EventCounter,
): Merge | undefined {
  if (plan.merge === undefined) return undefined
  const { columns } = plan.array
  const { sets, reciprocal } = plan.merge
  const banks = banksRead(plan)
  const addressMask = 2 ** plan.widths.bankAddress - 1
  const state = new Int32Array(2)
  const operand = new Int32Array(columns)
  const merged = new Int32Array(columns)
  const pooled = new Int32Array(columns)
  const vector = new Int32Array(columns)
  // two products of 25 bits, and sums of windows: exact
  const ownScaled = new Int32Array(columns)
  const otherScaled = new Int32Array(columns)
  const window = new Int32Array(columns)
  const words = new Int32Array(banks)
  // codes of the last `columns` cycles, [cycle modulo columns][column]: the alignment registers
  const history = new Int32Array(columns * columns)
  // the position whose words are read, the word that is, and how many are left behind it
  let held: Merging | undefined
  let lane = 0
  let left = 0
  let taken: { readonly modulus: number; readonly lane: number; readonly inside: boolean } | undefined
  // from the cycle of a vector's last word: the bank's register, the operand's, scaled, merged, window, pooled
  const pipeline = new Array<Merging | undefined>(7).fill(undefined)
  const arriving = { merging: undefined as Merging | undefined, vector }

  const scale = ({ streamed: { layer } }: Merging, cycle: number) => {
    const settings = layer.merge!
    for (let column = 0; column < columns; column++) {
      const then = (cycle + 1 + column) % columns
      const code = layer.does === undefined ? history[then * columns + column]! : 0
      const met = signedCode(operand[column]!, settings.operand?.signed === true)
      ownScaled[column] = sets === 2 ? code * settings.multipliers[0] : code
      otherScaled[column] = sets === 2 ? met * settings.multipliers[1] : 0
    }
  }

  const combine = ({ streamed: { layer, fold } }: Merging) => {
    const { shift, low, high } = layer.merge!
    for (let column = 0; column < fold.columns; column++) {
      const sum = ownScaled[column]! + otherScaled[column]!
      merged[column] = sets === 2 ? clamp(roundShift(sum, shift), low, high) : sum
    }
  }

  const collect = ({ streamed: { layer }, windowFirst, inside }: Merging) => {
    const leftOut = layer.does !== undefined && !layer.average && !inside
    for (let column = 0; column < columns; column++) {
      const value = leftOut ? -256 : merged[column]!
      if (windowFirst) window[column] = value
      else if (layer.average) window[column] = window[column]! + value
      else window[column] = Math.max(window[column]!, value)
    }
  }

  const finish = (layer: PlanLayer) => {
    for (let column = 0; column < columns; column++)
      pooled[column] = (layer.average ? mean(window[column]!, layer) : window[column]!) & 255
  }

  const mean = (sum: number, { poolShift, merge: settings }: PlanLayer) => {
    if (reciprocal === undefined) return roundShift(sum, poolShift)
    const positive = sum + settings!.offset
    invariant(positive >= 0, 'a sum with its offset is not negative')
    return Math.floor((positive * settings!.reciprocal) / 2 ** reciprocal.shift) - 128
  }

  /** The word that the banks have given goes into its columns. */
  const take = () => {
    if (taken === undefined) return
    for (let column = 0; column < columns; column++)
      if (Math.floor(column / taken.modulus) === taken.lane)
        operand[column] = taken.inside ? words[column % taken.modulus]! : 0
  }

  const read = () => {
    taken = undefined
    if (state[0] === 0) return
    const { layer } = held!.streamed
    const met = layer.merge!.operand
    if (met === undefined) return
    for (let bank = 0; bank < banks; bank++)
      words[bank] = memory.read(1 - layer.merge!.readSet, bank, state[1]!)
    counter.add('bankReads', held!.streamed.fold.layer, banks)
    taken = { modulus: met.modulus, lane, inside: held!.inside }
    state[1] = (state[1]! + 1) & addressMask
    lane++
  }

  /** A position has come to the end of the columns: its words are read from the next cycle on. */
  const arrive = (cycle: number) => {
    const ended = state[0] === 1 && left === 0
    if (state[0] === 1) left--
    if (ended) state[0] = 0
    const at = line.slot(cycle - plan.latency.accumulator - columns)
    const streamed = line.products[at]
    if (streamed === undefined || !streamed.fold.last) return
    held = {
      streamed,
      position: line.position[at]!,
      windowFirst: line.windowFirst[at] === 1,
      windowLast: line.windowLast[at] === 1,
      inside: line.operandInside[at] === 1,
    }
    state[0] = 1
    lane = 0
    left = operandLanes(streamed.layer, streamed.fold.columnFold) - 1
    if (streamed.layer.merge!.operand !== undefined) state[1] = line.operandAddress[at]! & addressMask
  }

  return {
    state,
    operand,
    merged,
    pooled,
    arriving,
    clock(cycle) {
      const [, , scaling, combining, collecting, finishing, storing] = pipeline
      arriving.merging = storing?.windowLast === true ? storing : undefined
      vector.set(pooled)
      if (finishing?.windowLast === true) finish(finishing.streamed.layer)
      if (collecting !== undefined) collect(collecting)
      if (combining !== undefined) combine(combining)
      if (scaling !== undefined) scale(scaling, cycle)
      take()
      pipeline.pop()
      pipeline[0] = state[0] === 1 && left === 0 ? held : undefined
      pipeline.unshift(undefined)
      read()
      arrive(cycle)
      history.set(source.code, ((cycle + 1) % columns) * columns)
    },
    reset() {
      state[0] = 0
      left = 0
      held = undefined
      taken = undefined
      pipeline.fill(undefined)
      arriving.merging = undefined
    },
  }
}

const signedCode = (raw: number, signed: boolean) => (signed ? (raw << 24) >> 24 : raw)
