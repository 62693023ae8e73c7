import type { Plan } from '../src/plan/plan.ts'
import type { Banks } from './banks.ts'
import type { Columns } from './column.ts'
import type { EventCounter } from './events.ts'
import type { IssueLine } from './line.ts'

/** Aligns the columns of a finished position and stores them in the banks, one lane a cycle. */
export interface Writer {
  /** [busy, address]. */
  readonly state: Int32Array
  readonly hold: Int32Array
  /** The edge that closes `cycle`; called after the columns' edge. */
  clock(cycle: number): void
  /** That edge was one with reset. */
  reset(): void
}

export function writer(
  plan: Plan,
  line: IssueLine,
  memory: Banks,
  source: Columns,
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

  const store = () => {
    const address = state[1]!
    for (let bank = 0; bank < rows; bank++) memory.write(bank, address, hold[bank % modulus]!)
    counter.add('bankWrites', owner, rows)
    state[1] = (address + 1) & addressMask
    for (let column = 0; column < columns; column++) {
      hold[column] = column + modulus < columns ? hold[column + modulus]! : 0
    }
    left--
  }

  const take = (cycle: number, at: number) => {
    const { fold, layer } = line.streamed[at]!
    for (let column = 0; column < columns; column++) {
      const then = (cycle + 1 + column) % columns
      hold[column] = history[then * columns + column]!
    }
    const area = layer.window[0] * layer.window[1]
    const vector = Math.floor(line.position[at]! / area)
    const address = layer.outputBase + fold.columnFold * layer.lanes + vector * layer.outputWords
    state[1] = address & addressMask
    left = fold.columnFold === layer.columnFolds - 1 ? layer.lanesLast : layer.lanes
    modulus = layer.outputModulus
    owner = fold.layer
  }

  return {
    state,
    hold,
    clock(cycle) {
      if (left > 0) store()
      const at = line.slot(cycle - aligned)
      if (line.streamed[at]?.fold.last === true && line.windowLast[at] === 1) take(cycle, at)
      state[0] = left > 0 ? 1 : 0
      history.set(source.pooled, ((cycle + 1) % columns) * columns)
    },
    reset() {
      left = 0
      state[0] = 0
    },
  }
}
