import { rowDelays } from '../../src/plan/row/delays.ts'
import type { RowEngine, RowLayer } from '../../src/plan/row/plan.ts'
import type { EventCounter } from '../events.ts'
import type { CommandLine } from './line.ts'
import type { RowTile } from './tile.ts'

/** The accumulators at the ends of the chains. */
export interface ChainEnds {
  /** The word of each column that was read in the cycle before. */
  readonly word: Int32Array
  clock(cycle: number, layer: RowLayer | undefined): void
}

export function chainEnds(
  plan: RowEngine,
  line: CommandLine,
  tiles: readonly RowTile[],
  counter: EventCounter,
): ChainEnds {
  const { columns } = plan.array
  const depth = plan.memories.accumulatorDepth
  const unused = 32 - plan.widths.accumulator
  const size = plan.exits * columns * depth
  // [buffer][chain][column][word]
  const sums = new Int32Array(2 * size)
  const running = new Int32Array(plan.exits * columns)
  const word = new Int32Array(columns)

  const accumulate = (cycle: number, layer: RowLayer) => {
    const issued = line.issued[line.slot(cycle - rowDelays.sum(layer.chain))]
    if (issued === undefined) return
    const { pass, column, kernelX } = issued
    const stores = kernelX === layer.kernel[1] - 1
    for (let chain = 0; chain < plan.exits; chain++) {
      const bottom = ((chain + 1) * layer.chain - 1) * columns
      for (let j = 0; j < columns; j++) {
        const at = chain * columns + j
        const memory = pass.buffer * size + at * depth + column
        const before = kernelX > 0 ? running[at]! : pass.first ? 0 : sums[memory]!
        let arriving = 0
        if (chain < layer.chains) for (const tile of tiles) arriving += tile.sum[bottom + j]!
        running[at] = ((before + arriving) << unused) >> unused
        if (stores) sums[memory] = running[at]!
      }
    }
    counter.sum(pass.layer)
    if (stores) counter.add('accumulatorWrites', pass.layer, plan.exits * columns)
    if (kernelX === 0 && !pass.first) counter.add('accumulatorReads', pass.layer, plan.exits * columns)
  }

  return {
    word,
    clock(cycle, layer) {
      const read = line.reads[line.slot(cycle)]
      if (read !== undefined)
        for (let j = 0; j < columns; j++)
          word[j] = sums[read.buffer * size + (read.chain * columns + j) * depth + read.column]!
      if (layer !== undefined) accumulate(cycle, layer)
    },
  }
}
