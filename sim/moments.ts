import { invariant } from '../src/base/errors.ts'
import { momentLatency } from '../src/plan/moments.ts'
import type { Plan } from '../src/plan/plan.ts'
import type { EventCounter } from './events.ts'
import type { Feeders } from './feeders.ts'
import type { IssueLine, Streamed } from './line.ts'
import type { MomentBanks } from './moment-banks.ts'

/** The moment units: they see the codes that enter the rows and store the moments of the windows that are kept. */
export interface MomentUnits {
  /** The edge that closes `cycle`; called before the feeders' edge. */
  clock(cycle: number): void
}

/**
 * Computes moments by their definition, from the pixels of the windows: the hardware's running sums are another way to the same
 * numbers. Undefined where the plan has none.
 */
export function momentUnits(
  plan: Plan,
  line: IssueLine,
  rowFeeders: Feeders,
  banks: MomentBanks | undefined,
  counter: EventCounter,
): MomentUnits | undefined {
  const spec = plan.moments
  if (spec === undefined) return undefined
  invariant(banks !== undefined, 'moment units without banks')
  const { rows } = plan.array
  const { feeder } = plan.latency
  const pixels = Math.max(...plan.layers.map(({ fills, positions }) => (fills === undefined ? 0 : positions)))
  const raster = new Int32Array(rows * pixels)
  const powers = spec.orders.map((_, order) =>
    Int32Array.from({ length: spec.rows * spec.columns }, (_value, i) => i ** order),
  )
  const unused = 32 - spec.codeBits
  const value = (code: number) => (spec.signed ? (code << unused) >> unused : code & (2 ** spec.codeBits - 1))

  // what a window comes to is known with its last pixel, and stored `momentLatency` cycles later: by then pixels of the next fold may have come
  const found = Array.from({ length: momentLatency + 1 }, () => new Int32Array(rows * spec.orders.length))

  /** The word of the window that ends at a position; undefined where none does, or none that is kept. */
  const wordOf = ({ layer, fold }: Streamed, position: number): number | undefined => {
    const { lastColumn, stride, words } = layer.fills!
    const [y, x] = cornerOf(layer, position)
    if (y < 0 || x < 0 || y % stride[0] !== 0 || x % stride[1] !== 0) return undefined
    const kept = Math.floor((lastColumn + 1 - spec.columns) / stride[1]) + 1
    return ((y / stride[0]) * kept + x / stride[1]) * words + fold.rowFold
  }

  const cornerOf = ({ fills }: Streamed['layer'], position: number) => {
    const width = fills!.lastColumn + 1
    return [Math.floor(position / width) - spec.rows + 1, (position % width) - spec.columns + 1] as const
  }

  const sumUp = (row: number, { layer }: Streamed, position: number, into: Int32Array) => {
    const width = layer.fills!.lastColumn + 1
    const [y, x] = cornerOf(layer, position)
    for (const [order, { cut }] of spec.orders.entries()) {
      let sum = 0
      for (let r = 0; r < spec.rows; r++)
        for (let k = 0; k < spec.columns; k++)
          sum += powers[order]![r * spec.columns + k]! * raster[row * pixels + (y + r) * width + x + k]!
      into[row * spec.orders.length + order] = Math.floor(sum / 2 ** cut)
    }
  }

  return {
    clock(cycle) {
      const newest = found[cycle % found.length]!
      const oldest = found[(cycle + 1) % found.length]!
      for (let row = 0; row < rows; row++) {
        const enters = line.slot(cycle - feeder - row)
        const entering = line.streamed[enters]
        if (entering?.layer.fills !== undefined) {
          const position = line.position[enters]!
          raster[row * pixels + position] = value(rowFeeders.activation[row]!)
          if (wordOf(entering, position) !== undefined) sumUp(row, entering, position, newest)
        }
        const stores = line.slot(cycle - feeder - momentLatency - row)
        const streamed = line.streamed[stores]
        if (streamed?.layer.fills === undefined) continue
        counter.sum(streamed.fold.layer)
        const word = wordOf(streamed, line.position[stores]!)
        if (word === undefined) continue
        for (let order = 0; order < spec.orders.length; order++)
          banks.write(order, row, word, oldest[row * spec.orders.length + order]!)
      }
    },
  }
}
