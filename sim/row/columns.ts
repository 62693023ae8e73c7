import type { MemoryImages, Parameter } from '../../src/plan/images.ts'
import { columnPlace, type RowEngine, type RowLayer } from '../../src/plan/row/plan.ts'
import { tallest, windowBits } from '../../src/plan/row/ports.ts'
import type { ChainEnds } from './ends.ts'
import type { CommandLine } from './line.ts'

/** The columns behind the chains: bias, requantisation, pooling; and the parameter memory that serves them. */
export interface RowColumns {
  readonly total: Int32Array
  readonly bias: Int32Array
  readonly multiplier: Int32Array
  readonly shift: Int32Array
  /** Codes, or sums of codes, on their way down the window; sign-extended. */
  readonly down: Int32Array
  /** The code of each column as the writer sees it, raw. */
  pooled(column: number, layer: RowLayer): number
  /** `starts`: a layer starts in this cycle. */
  clock(cycle: number, layer: RowLayer | undefined, starts: boolean): void
  reset(): void
}

export function rowColumns(
  plan: RowEngine,
  images: MemoryImages,
  line: CommandLine,
  ends: ChainEnds,
): RowColumns {
  const { columns } = plan.array
  const next: Parameter[] = Array.from({ length: columns }, () => ({ bias: 0, multiplier: 0, shift: 0 }))
  const total = new Int32Array(columns)
  const bias = new Int32Array(columns)
  const multiplier = new Int32Array(columns)
  const shift = new Int32Array(columns)
  // 33 and 49 bits: exact in doubles
  const biased = new Float64Array(columns)
  const scaled = new Float64Array(columns)
  const code = new Int32Array(columns)
  // what came along the row in the last cycles, the newest first
  const across = Array.from({ length: tallest(plan) }, () => new Int32Array(columns))
  const down = new Int32Array(columns)
  const parameters = parameterFetch(images)
  const unused = 32 - windowBits(plan)
  const wrap = (value: number) => (value << unused) >> unused

  const readAt = (cycle: number) => line.reads[line.slot(cycle)]

  const poolDown = (layer: RowLayer) => {
    for (let column = columns - 1; column >= 0; column--) {
      const row = column % layer.window[0]
      const mine = across[row]![column]!
      down[column] = row === 0 ? mine : wrap(combine(layer, down[column - 1]!, mine))
    }
  }
  const poolAcross = (cycle: number) => {
    for (let age = across.length - 1; age > 0; age--) across[age]!.set(across[age - 1]!)
    const read = readAt(cycle - 5)
    if (read === undefined) return
    const { layer } = read
    const first = read.column % layer.window[1] === 0
    for (let column = 0; column < columns; column++) {
      const value = code[column]!
      across[0]![column] = first ? value : wrap(combine(layer, across[0]![column]!, value))
    }
  }

  return {
    total,
    bias,
    multiplier,
    shift,
    down,
    pooled: (column, { average, poolShift }) =>
      (average && poolShift > 0 ? (down[column]! + (1 << (poolShift - 1))) >> poolShift : down[column]!) &
      255,
    clock(cycle, layer = plan.layers[0]!, starts = false) {
      poolDown(layer)
      poolAcross(cycle)
      const stages = [1, 2, 3, 4].map((age) => readAt(cycle - age))
      const [totals, sums, scales, codes] = stages
      for (let column = 0; column < columns; column++) {
        if (codes !== undefined) {
          const { low, high } = codes.layer
          code[column] = clamp(roundShift(scaled[column]!, shift[column]!), low, high)
        }
        if (scales !== undefined) scaled[column] = biased[column]! * multiplier[column]!
        if (sums !== undefined) biased[column] = total[column]! + bias[column]!
        if (totals !== undefined) total[column] = ends.word[column]!
        if (totals?.swap === true) bias[column] = next[column]!.bias
        if (sums?.swap === true) multiplier[column] = next[column]!.multiplier
        if (scales?.swap === true) shift[column] = next[column]!.shift
      }
      const fetched = parameters.clock(layer, starts, sums?.swap === true)
      if (fetched === undefined) return
      for (let column = 0; column < columns; column++)
        if (columnPlace(layer, column)?.side === fetched.side) next[column] = fetched.parameter
    },
    reset: parameters.reset,
  }
}

const combine = ({ average }: RowLayer, a: number, b: number) => (average ? a + b : Math.max(a, b))

/** The parameter memory: from the start of a layer, or once the columns took a word, it fetches one for each side. */
function parameterFetch(images: MemoryImages) {
  let address = 0
  let left = 0
  let side = 0
  // the word read in the cycle before
  let word: { readonly parameter: Parameter; readonly side: number } | undefined
  return {
    /** The edge of a cycle. Gives the word that the columns take at it. */
    clock(layer: RowLayer, starts: boolean, taken: boolean) {
      const due = word
      word = undefined
      if (left > 0) {
        word = { parameter: images.parameters[address] ?? { bias: 0, multiplier: 0, shift: 1 }, side }
        address =
          address === layer.parameterBase + layer.parameterWords - 1 ? layer.parameterBase : address + 1
        left--
        side++
      }
      if (starts) address = layer.parameterBase
      if (starts || taken) {
        left = layer.sides
        side = 0
      }
      return due
    },
    reset() {
      left = 0
      word = undefined
    },
  }
}

/** floor((value + 2^(shift-1)) / 2^shift). */
function roundShift(value: number, shift: number): number {
  const unit = 2 ** shift
  return Math.floor((value + unit / 2) / unit)
}

const clamp = (value: number, low: number, high: number) => Math.max(low, Math.min(high, value))
