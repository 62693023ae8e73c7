import type { MemoryImages } from '../src/plan/images.ts'
import type { Plan, PlanLayer } from '../src/plan/plan.ts'
import { tileSize } from '../src/plan/size.ts'
import type { TileArray } from './array.ts'
import type { EventCounter } from './events.ts'
import type { IssueLine, Streamed } from './line.ts'
import { clamp, roundShift } from './rounding.ts'

/** The accumulator columns with their post-processing: bias, requantisation, pooling. */
export interface Columns {
  readonly total: Int32Array
  readonly bias: Int32Array
  /** {shift, multiplier[15:0]}. */
  readonly scale: Int32Array
  /** Code of each column after requantisation. */
  readonly code: Int32Array
  /** Raw code of each column after pooling, 0..255; where codes are merged, they are pooled behind that. */
  readonly pooled: Int32Array
  /** Begins a run: the parameter memory is read from its first word. */
  begin(): void
  /** The edge that closes `cycle`. */
  clock(cycle: number): void
}

export function columns(
  plan: Plan,
  images: MemoryImages,
  line: IssueLine,
  tiles: readonly TileArray[],
  counter: EventCounter,
): Columns {
  const count = plan.array.columns
  // the bottom sum of each column of each tile that has it
  const bottoms = Array.from({ length: count }, (_, column) =>
    tiles.flatMap(({ sum }, index) => {
      const size = tileSize(plan, plan.tiles[index]!)
      return column < size.columns ? [{ sum, at: (size.rows - 1) * size.columns + column }] : []
    }),
  )
  const depth = plan.memories.accumulatorDepth
  const unused = 32 - plan.widths.accumulator
  const arrival = plan.latency.accumulator

  const accumulator = new Int32Array(count * depth)
  const stored = new Int32Array(count)
  const total = new Int32Array(count)
  const bias = new Int32Array(count)
  const scale = new Int32Array(count)
  // 33 and 49 bits: exact in doubles
  const biased = new Float64Array(count)
  const scaled = new Float64Array(count)
  const code = new Int32Array(count)
  const window = new Int32Array(count)
  const pooled = new Int32Array(count)
  let parameterWord = 0

  /** The fold that column j finishes `stage` cycles after its sum arrived, where the column has a filter. */
  const finishing = (at: number, column: number): Streamed | undefined => {
    const streamed = line.products[at]
    if (streamed === undefined || !streamed.fold.last || column >= streamed.fold.columns) return undefined
    return streamed
  }

  const pool = (column: number, at: number, layer: PlanLayer) => {
    const value = code[column]!
    if (line.windowFirst[at] === 1) window[column] = value
    else if (layer.average) window[column] = window[column]! + value
    else if (value > window[column]!) window[column] = value
    if (line.windowLast[at] === 1) pooled[column] = roundShift(window[column]!, layer.poolShift) & 255
  }

  const accumulate = (column: number, at: number, { fold, layer }: Streamed) => {
    counter.sum(fold.layer)
    if (!fold.first) counter.add('accumulatorReads', fold.layer, 1)
    let sum = fold.first ? 0 : stored[column]!
    let arrived = 0
    for (const bottom of bottoms[column]!) arrived += bottom.sum[bottom.at]!
    sum = ((sum + arrived) << unused) >> unused
    if (!fold.last) {
      counter.add('accumulatorWrites', fold.layer, 1)
      accumulator[column * depth + line.position[at]!] = sum
      return
    }
    total[column] = sum
    if (line.first[at] === 1 && layer.does === undefined) {
      const parameter = images.parameters[parameterWord++]!
      bias[column] = parameter.bias
      scale[column] = parameter.shift * 65_536 + parameter.multiplier
    }
  }

  /** The word for the position that arrives in the next cycle: the accumulator memory is read one cycle ahead. */
  const readAhead = (column: number, at: number): number => {
    const streamed = line.products[at]
    if (streamed === undefined || streamed.fold.first) return 0
    return accumulator[column * depth + line.position[at]!]!
  }

  return {
    total,
    bias,
    scale,
    code,
    pooled,
    begin() {
      parameterWord = 0
    },
    clock(cycle) {
      for (let column = 0; column < count; column++) {
        const age = cycle - arrival - column

        const last = line.slot(age - 4)
        const pooling = finishing(last, column)
        if (pooling !== undefined && plan.merge === undefined) pool(column, last, pooling.layer)

        const clamping = finishing(line.slot(age - 3), column)
        if (clamping !== undefined) {
          const { low, high } = clamping.layer
          code[column] = clamp(roundShift(scaled[column]!, scale[column]! >> 16), low, high)
        }
        if (finishing(line.slot(age - 2), column) !== undefined)
          scaled[column] = biased[column]! * (scale[column]! & 65_535)
        if (finishing(line.slot(age - 1), column) !== undefined)
          biased[column] = total[column]! + bias[column]!

        // read before the write of the same edge
        const ahead = readAhead(column, line.slot(age + 1))
        const at = line.slot(age)
        const streamed = line.products[at]
        if (streamed !== undefined && column < streamed.fold.columns) {
          accumulate(column, at, streamed)
        }
        stored[column] = ahead
      }
    },
  }
}
