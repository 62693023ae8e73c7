import type { Plan } from '../src/plan/plan.ts'
import { rotatedPlace, sharedMaps } from '../src/plan/rotation.ts'
import type { Banks } from './banks.ts'
import type { Columns } from './column.ts'
import type { EventCounter } from './events.ts'
import type { IssueLine, Streamed } from './line.ts'
import type { Merge } from './merge.ts'

type SharedMaps = NonNullable<ReturnType<typeof sharedMaps>>

/** Aligns the columns of a finished position and stores them in the banks, one lane a cycle. */
export interface Writer {
  /** [busy, address]; where banks are shared, [busy, word of the position from the map's first]. */
  readonly state: Int32Array
  readonly hold: Int32Array
  /** The edge that closes `cycle`; called after the edges of the columns and of the merge columns. */
  clock(cycle: number): void
  /** That edge was one with reset. */
  reset(): void
}

export function writer(
  plan: Plan,
  line: IssueLine,
  memory: Banks,
  source: Columns,
  merging: Merge | undefined,
  counter: EventCounter,
): Writer {
  const { rows, columns } = plan.array
  const { aligned } = plan.latency
  const addressMask = 2 ** plan.widths.bankAddress - 1
  const state = new Int32Array(2)
  const hold = new Int32Array(columns)
  // `pooled` of the last `columns` cycles, [cycle modulo columns][column]: the alignment registers
  const history = new Int32Array(columns * columns)
  let left = 0
  let modulus = 1
  let owner = 0
  let sets = 1
  // of shared banks: the layer's maps, the vector and the channel that are stored
  let shared: SharedMaps | undefined
  let vectorAt = 0
  let channel = 0

  /** A word of the shared banks, of so many channels from `channel` on, where the plan has a grid. */
  const storeShared = ({ output }: SharedMaps) => {
    const [y, x] = [Math.floor(vectorAt / output.width), vectorAt % output.width]
    for (let lane = 0; lane < modulus; lane++) {
      const { bank, address } = rotatedPlace(output, channel + lane, y, x)
      memory.write(1, bank, address, hold[lane]!)
    }
    channel += modulus
    counter.add('bankWrites', owner, modulus)
    moveDown()
  }

  const moveDown = () => {
    for (let column = 0; column < columns; column++) {
      hold[column] = column + modulus < columns ? hold[column + modulus]! : 0
    }
    left--
  }

  const store = () => {
    if (shared !== undefined) return storeShared(shared)
    const address = state[1]!
    for (let bank = 0; bank < rows; bank++) memory.write(sets, bank, address, hold[bank % modulus]!)
    counter.add('bankWrites', owner, sets === 3 ? 2 * rows : rows)
    state[1] = (address + 1) & addressMask
    moveDown()
  }

  /** The codes of a position as they leave the columns, side by side. */
  const align = (cycle: number) => {
    for (let column = 0; column < columns; column++) {
      const then = (cycle + 1 + column) % columns
      hold[column] = history[then * columns + column]!
    }
  }

  const take = ({ fold, layer }: Streamed, position: number) => {
    const area = layer.window[0] * layer.window[1]
    const vector = Math.floor(position / area)
    shared = sharedMaps(plan, layer)
    if (shared !== undefined) {
      const { height, width } = shared.output
      vectorAt = vector
      channel = fold.filter
      state[1] = (vector % width) * height + Math.floor(vector / width)
    } else {
      const address = layer.outputBase + fold.columnFold * layer.lanes + vector * layer.outputWords
      state[1] = address & addressMask
    }
    left = fold.columnFold === layer.columnFolds - 1 ? layer.lanesLast : layer.lanes
    modulus = layer.outputModulus
    sets = layer.merge?.storeSets ?? 1
    owner = fold.layer
  }

  const takeAligned = (cycle: number) => {
    const at = line.slot(cycle - aligned)
    const streamed = line.products[at]
    if (streamed?.fold.last !== true || line.windowLast[at] !== 1) return
    align(cycle)
    take(streamed, line.position[at]!)
  }

  const takeMerged = ({ merging: arriving, vector }: Merge['arriving']) => {
    if (arriving === undefined) return
    hold.set(vector)
    take(arriving.streamed, arriving.position)
  }

  return {
    state,
    hold,
    clock(cycle) {
      if (left > 0) store()
      if (merging === undefined) takeAligned(cycle)
      else takeMerged(merging.arriving)
      state[0] = left > 0 ? 1 : 0
      history.set(source.pooled, ((cycle + 1) % columns) * columns)
    },
    reset() {
      left = 0
      state[0] = 0
    },
  }
}
