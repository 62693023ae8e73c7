import { rowDelays } from '../../src/plan/row/delays.ts'
import type { RowLayer } from '../../src/plan/row/plan.ts'
import type { CommandLine } from './line.ts'

/** Says which sums are read in each cycle. */
export interface Drain {
  /** Enters the reads of `cycle` into the line, and the vectors that come of them. */
  issue(cycle: number, layer: RowLayer | undefined): void
  reset(): void
}

/** From the read of a window's last sum to the arrival of the vector, but for the rows of the window. */
const toAcross = 6

export function drain(line: CommandLine): Drain {
  let job: { readonly layer: RowLayer; readonly sum: number; readonly start: number } | undefined

  const read = (cycle: number) => {
    if (job === undefined) return
    const { layer, sum } = job
    const chain = Math.floor((cycle - job.start) / layer.slot)
    if (chain >= layer.chains) return
    const within = (cycle - job.start) % layer.slot
    const column = within / layer.interval
    if (!Number.isInteger(column) || column >= layer.positions[1]) return
    const swap = column === 0 && chain % layer.pieces === 0
    line.reads[line.slot(cycle)] = { layer, sum, chain, column, buffer: sum % 2, swap }
    const [height, width] = layer.window
    if (column % width < width - 1) return
    line.vectors[line.slot(cycle + toAcross + height)] = {
      layer,
      sum,
      chain,
      column: Math.floor(column / width),
    }
  }

  return {
    issue(cycle, layer) {
      line.reads[line.slot(cycle)] = undefined
      line.vectors[line.slot(cycle - 1)] = undefined
      read(cycle)
      if (layer === undefined) return
      const finished = line.finished[line.slot(cycle - rowDelays.sum(layer.chain))]
      if (finished !== undefined) job = { ...finished, start: cycle + 1 }
    },
    reset() {
      job = undefined
    },
  }
}
