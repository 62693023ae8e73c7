import { parseDomain } from '../../src/arith/domain.ts'
import type { MemoryImages } from '../../src/plan/images.ts'
import { delayRows, rowDelays } from '../../src/plan/row/delays.ts'
import { chainPlace, columnPlace, type RowEngine, type RowLayer, tapOf } from '../../src/plan/row/plan.ts'
import { multipliersOf } from '../../src/plan/tile.ts'
import type { CommandLine, Issued } from './line.ts'
import type { InputLines } from './lines.ts'

/** One tile: a grid of PEs with the same multiplier. Matrices are flat, [row][column]. */
export interface RowTile {
  /** Weight at work: its raw code, cut to the multiplier's operand. */
  readonly weight: Int32Array
  /** Partial sums, two's complement of the accumulator's width. */
  readonly sum: Int32Array
  clock(cycle: number, layer: RowLayer | undefined): void
}

export function rowTile(
  plan: RowEngine,
  images: MemoryImages,
  index: number,
  line: CommandLine,
  lines: InputLines,
): RowTile {
  const { rows, columns } = plan.array
  const tile = plan.tiles[index]!
  const domain = parseDomain(tile.domain)
  const [codesA, codesB] = [2 ** domain.nA - 1, 2 ** domain.nB - 1]
  const products = multipliersOf(tile)[0]!.table()
  const unused = 32 - plan.widths.accumulator
  const taps = tapTables(plan)
  const delays = Array.from({ length: rows }, (_, row) => delayRows(plan, row))

  const weight = new Int32Array(rows * columns)
  const owned = new Uint8Array(rows * columns).fill(plan.masked ? 0 : 1)
  const sum = new Int32Array(rows * columns)
  // [set][row][column][kernel column]
  const setSize = rows * columns * plan.kernelWidth
  const codes = new Int32Array(2 * setSize)
  const owners = new Uint8Array(2 * setSize).fill(plan.masked ? 0 : 1)

  const worksOn = ({ layer, pass }: Issued, place: number) => {
    if (pass.tile !== index) return false
    const folded = layer.kernelFolds > 1
    const last = folded
      ? pass.kernelFold === layer.kernelFolds - 1
      : pass.channelFold === layer.channelFolds - 1
    return place < (last ? layer.chainLast : layer.chain)
  }

  const rowClock = (cycle: number, row: number, layer: RowLayer) => {
    const delay = delays[row]![layer.geometry]
    const place = chainPlace(layer, row)?.row
    const issued = place === undefined ? undefined : line.issued[line.slot(cycle - rowDelays.work(place))]
    const works = issued !== undefined && worksOn(issued, place!)
    const table = works ? taps[layer.geometry]![issued.pass.kernelFold]! : undefined
    const chosen = delay === undefined ? 0 : line.slot(cycle - rowDelays.select(delay))
    const from = delay === undefined ? 0 : line.set[chosen]! * setSize + line.kernelX[chosen]!
    const begins = row % layer.chain === 0
    for (let column = 0; column < columns; column++) {
      const at = row * columns + column
      const tap = table === undefined ? -1 : table[at]!
      const product =
        tap < 0 || owned[at] === 0 ? 0 : products[(lines.stages[tap]! & codesA) * (codesB + 1) + weight[at]!]!
      const partial = begins ? 0 : sum[at - columns]!
      sum[at] = ((partial + product) << unused) >> unused
      weight[at] = codes[from + at * plan.kernelWidth]!
      owned[at] = owners[from + at * plan.kernelWidth]!
    }
  }

  const load = (cycle: number, row: number, layer: RowLayer) => {
    const place = chainPlace(layer, row)?.row
    if (place === undefined) return
    const loaded = line.loaded[line.slot(cycle - 1 - place)]
    if (loaded === undefined || loaded.pass.tile !== index) return
    const code = images.weights[loaded.word * rows + row]! & codesB
    const mine = !plan.masked || images.owners[loaded.word * rows + row]! === index ? 1 : 0
    for (let column = 0; column < columns; column++) {
      if (columnPlace(layer, column)?.side !== loaded.side) continue
      const at = loaded.set * setSize + (row * columns + column) * plan.kernelWidth + loaded.kernelX
      codes[at] = code
      owners[at] = mine
    }
  }

  return {
    weight,
    sum,
    clock(cycle, layer = plan.layers[0]!) {
      // from the bottom, so that the sums of the row above are still those before the edge
      for (let row = rows - 1; row >= 0; row--) {
        rowClock(cycle, row, layer)
        load(cycle, row, layer)
      }
    },
  }
}

/** Of each geometry and kernel fold: the line register of each PE, [row][column], or -1. */
function tapTables(plan: RowEngine): readonly (readonly Int32Array[])[] {
  const { rows, columns } = plan.array
  const tables: Int32Array[][] = []
  for (const layer of plan.layers) {
    tables[layer.geometry] ??= Array.from({ length: layer.kernelFolds }, (_, fold) =>
      Int32Array.from({ length: rows * columns }, (_, at) => {
        const tap = tapOf(layer, Math.floor(at / columns), at % columns, fold)
        return tap === undefined ? -1 : tap.line * plan.stages + tap.stage
      }),
    )
  }
  return tables
}
