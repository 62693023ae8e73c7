import { invariant } from '../src/base/errors.ts'
import { type MomentSpec, momentLatency, operandBits } from '../src/plan/moments.ts'
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
  if (plan.moments === undefined) return undefined
  invariant(banks !== undefined, 'moment units without banks')
  const { units } = plan.moments
  const places = operandBits(plan.moments).length
  const { rows } = plan.array
  const { feeder } = plan.latency
  const pixels = Math.max(...plan.layers.map(({ fills, positions }) => (fills === undefined ? 0 : positions)))
  const raster = new Int32Array(rows * pixels)
  const powersOf = units.map((unit) =>
    unit.orders.map((_, order) =>
      Int32Array.from({ length: unit.kernels * unit.rows * unit.columns }, (_value, i) => i ** order),
    ),
  )

  // what a window comes to is known with its last pixel, and stored `momentLatency` cycles later: by then pixels of the next fold may have come
  const found = Array.from({ length: momentLatency + 1 }, () => new Int32Array(rows * places))

  /** The word of the window that ends at a position; undefined where none does, or none that is kept. */
  const wordOf = ({ layer, fold }: Streamed, position: number): number | undefined => {
    const { lastColumn, stride, words } = layer.fills!
    const [y, x] = cornerOf(layer, position)
    if (y < 0 || x < 0 || y % stride[0] !== 0 || x % stride[1] !== 0) return undefined
    const kept = Math.floor((lastColumn + 1 - unitOf(layer).columns) / stride[1]) + 1
    return ((y / stride[0]) * kept + x / stride[1]) * words + fold.rowFold
  }

  const unitOf = ({ fills }: Streamed['layer']) => units[fills!.unit]!

  const cornerOf = (layer: Streamed['layer'], position: number) => {
    const width = layer.fills!.lastColumn + 1
    const unit = unitOf(layer)
    return [Math.floor(position / width) - unit.rows + 1, (position % width) - unit.columns + 1] as const
  }

  const sumUp = (row: number, { layer }: Streamed, position: number, into: Int32Array) => {
    const width = layer.fills!.lastColumn + 1
    const unit = unitOf(layer)
    const [y, x] = cornerOf(layer, position)
    const first = layer.fills!.kernel * unit.rows * unit.columns
    for (const [order, { cut }] of unit.orders.entries()) {
      const powers = powersOf[layer.fills!.unit]![order]!
      let sum = 0
      for (let r = 0; r < unit.rows; r++)
        for (let k = 0; k < unit.columns; k++)
          sum += powers[first + r * unit.columns + k]! * raster[row * pixels + (y + r) * width + x + k]!
      into[row * places + order] = unit.kernels > 1 ? sum : Math.floor(sum / 2 ** cut)
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
          raster[row * pixels + position] = codeValue(unitOf(entering.layer), rowFeeders.activation[row]!)
          if (wordOf(entering, position) !== undefined) sumUp(row, entering, position, newest)
        }
        const stores = line.slot(cycle - feeder - momentLatency - row)
        const streamed = line.streamed[stores]
        if (streamed?.layer.fills === undefined) continue
        counter.sum(streamed.fold.layer)
        const word = wordOf(streamed, line.position[stores]!)
        if (word === undefined) continue
        const { orders } = unitOf(streamed.layer)
        const adds = streamed.fold.rowFold < streamed.layer.fills.begun
        for (let order = 0; order < places; order++) {
          const own = order < orders.length ? oldest[row * places + order]! : 0
          banks.write(order, row, word, own + (adds ? banks.read(order, row, word) : 0))
        }
      }
    },
  }
}

/** The value of a code as a unit reads it. */
function codeValue({ codeBits, signed }: MomentSpec, code: number): number {
  const unused = 32 - codeBits
  return signed ? (code << unused) >> unused : code & (2 ** codeBits - 1)
}
