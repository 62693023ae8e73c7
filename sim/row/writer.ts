import { filtersInOrder } from '../../src/plan/row/images.ts'
import { copiesOf } from '../../src/plan/row/layout.ts'
import type { RowEngine, RowLayer } from '../../src/plan/row/plan.ts'
import { heldLanes } from '../../src/plan/row/ports.ts'
import type { EventCounter } from '../events.ts'
import type { RowBanks } from './banks.ts'
import type { RowColumns } from './columns.ts'
import type { CommandLine, Vector } from './line.ts'

/** Stores the codes of one output column, the rows of one channel each cycle. */
export interface RowWriter {
  /** [busy]. */
  readonly state: Int32Array
  readonly hold: Int32Array
  /** The edge that closes `cycle`; called before the columns' edge. */
  clock(cycle: number, layer: RowLayer | undefined): void
  reset(): void
}

export function rowWriter(
  plan: RowEngine,
  line: CommandLine,
  memory: RowBanks,
  source: RowColumns,
  counter: EventCounter,
): RowWriter {
  const { columns } = plan.array
  const state = new Int32Array(1)
  const hold = new Int32Array(heldLanes(plan))
  const orders = plan.layers.map(filtersInOrder)
  const sided = plan.layers.some(({ sides }) => sides > 1)
  let vector: Vector | undefined
  let side = 0

  const store = ({ layer, sum, chain, column }: Vector) => {
    const index = plan.layers.indexOf(layer)
    const folds = layer.passes.length
    const [rowFold, fold] = [Math.floor(sum / folds), sum % folds]
    const [set, piece] = [Math.floor(chain / layer.pieces), chain % layer.pieces]
    const filter = orders[index]![(fold * layer.filterSets + set) * layer.sides + side]
    if (filter === undefined) return
    for (let lane = 0; lane < layer.lanes; lane++) {
      const y = (rowFold * layer.pieces + piece) * layer.lanes + lane
      if (y >= layer.outputShape[1]) break
      for (const { bank, address } of copiesOf(layer.output, filter, y, column)) {
        memory.write(bank, address, hold[lane]!)
        counter.add('bankWrites', index, 1)
      }
    }
  }

  return {
    state,
    hold,
    clock(cycle, layer = plan.layers[0]!) {
      if (vector !== undefined) {
        store(vector)
        if (++side === vector.layer.sides) vector = undefined
        if (sided) for (let at = 0; at < hold.length; at++) hold[at] = hold[at + layer.lanes] ?? 0
      }
      const arriving = line.vectors[line.slot(cycle)]
      if (arriving !== undefined) {
        vector = arriving
        side = 0
        for (let at = 0; at < hold.length; at++) {
          const column = (at + 1) * layer.window[0] - 1
          hold[at] = column < columns ? source.pooled(column, layer) : 0
        }
      }
      state[0] = vector === undefined ? 0 : 1
    },
    reset() {
      vector = undefined
      state[0] = 0
    },
  }
}
