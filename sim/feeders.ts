import type { MemoryImages } from '../src/plan/images.ts'
import { cutWhenRead, type MomentSpec, operandBits, ordersOfLayer } from '../src/plan/moments.ts'
import type { Plan } from '../src/plan/plan.ts'
import { type RotatedMap, rotatedPlace, sharedMaps } from '../src/plan/rotation.ts'
import { layerTops } from '../src/plan/size.ts'
import { firstWord } from '../src/plan/steps.ts'
import type { Banks } from './banks.ts'
import type { EventCounter } from './events.ts'
import type { IssueLine, Streamed } from './line.ts'
import type { MomentBanks } from './moment-banks.ts'
import { neededProducts } from './products.ts'

/** The row feeders: from a position and a row's tap to the activation that enters the array. */
export interface Feeders {
  /** Raw code entering each row. */
  readonly activation: Int32Array
  /** Operands entering each row where the layer reads moments, else 0: [order][row]. */
  readonly moments: readonly Int32Array[]
  /** The fold for which a row is active (used, with a position), else undefined. */
  readonly active: readonly (Streamed | undefined)[]
  /** The edge that closes `cycle`. */
  clock(cycle: number): void
  /** That edge was one with reset: no row has work. What a bank has just read still becomes an activation. */
  reset(): void
}

export function feeders(
  plan: Plan,
  images: MemoryImages,
  line: IssueLine,
  memory: Banks,
  momentMemory: MomentBanks | undefined,
  counter: EventCounter,
): Feeders {
  const { rows } = plan.array
  const tops = layerTops(plan)
  const activation = new Int32Array(rows)
  const active = new Array<Streamed | undefined>(rows).fill(undefined)
  const next = taps(rows)
  const work = taps(rows)
  // between the bank and the activation register
  const word = new Int32Array(rows)
  // codes on their way to the rows, [row][cycle in which they enter it]
  const skew = rows + 2
  const skewed = new Int32Array(plan.grid === undefined ? 0 : rows * skew)
  const orders = plan.moments === undefined ? [] : operandBits(plan.moments)
  const moments = orders.map(() => new Int32Array(rows))
  const momentWords = orders.map(() => new Int32Array(rows))
  const addressMask = 2 ** plan.widths.bankAddress - 1
  const inside = new Uint8Array(rows)
  const keep = new Uint8Array(rows)
  const needed = neededProducts(plan, images)
  // products that the row's activation is needed for
  const products = new Int32Array(rows)
  const reached = new Array<Streamed | undefined>(rows).fill(undefined)

  const read = (row: number, at: number, streamed: Streamed) => {
    // a layer without products takes up no taps
    if (line.first[at] === 1 && streamed.layer.does === undefined) {
      work.offset[row] = next.offset[row]!
      work.ky[row] = next.ky[row]!
      work.kx[row] = next.kx[row]!
      work.products[row] = next.products[row]!
    }
    const { inputSize, merge } = streamed.layer
    const y = line.y[at]! + work.ky[row]!
    const x = line.x[at]! + work.kx[row]!
    inside[row] = y >= 0 && y < inputSize[0] && x >= 0 && x < inputSize[1] ? 1 : 0
    if (streamed.layer.rotated !== undefined) return
    const address = line.address[at]! + work.offset[row]!
    const unit = plan.moments?.units[streamed.layer.readsMoments ?? -1]
    word[row] = unit === undefined ? memory.read(merge?.readSet ?? 0, row, address) : 0
    for (const [order, words] of momentWords.entries())
      words[row] =
        unit === undefined ? 0 : operandOf(unit, order, momentMemory!.read(order, row, address & addressMask))
  }

  /** In shared banks all rows are read together, with the tap of row 0, and what is read comes to each a cycle behind the row above, whatever happens meanwhile. */
  const readShared = (cycle: number) => {
    const at = line.slot(cycle)
    const streamed = line.streamed[at]
    const shared = streamed && sharedMaps(plan, streamed.layer)
    for (let row = 0; row < rows; row++) {
      const code =
        streamed !== undefined && shared !== undefined && inside[0] === 1 && row < rowsOf(streamed)
          ? codeAt(shared.input, row, line.y[at]!, line.x[at]!)
          : 0
      skewed[row * skew + ((cycle + 1 + row) % skew)] = code
    }
  }
  const codeAt = (map: RotatedMap, row: number, y: number, x: number) => {
    const place = rotatedPlace(map, work.offset[0]! + row, y + work.ky[0]!, x + work.kx[0]!)
    return memory.read(0, place.bank, place.address)
  }

  /** Rows that a fold gives work: in shared banks those of channels that exist. */
  const rowsOf = ({ fold, layer }: Streamed) =>
    layer.rotated === undefined
      ? fold.rows
      : Math.min(fold.rows, layer.channels - layer.filler - (fold.tap % layer.channels))

  const count = (row: number) => {
    const working = active[row]
    if (working !== undefined && working.layer.fills === undefined) {
      const { fold, top, layer } = working
      // a PE for curves multiplies once for each order
      counter.add('busy', fold.layer, products[row]! * ordersOfLayer(plan, layer))
      counter.add('neighbourReads', fold.layer, fold.columns - 1 + (row > top ? fold.columns : 0))
    }
    const read = reached[row]?.fold
    if (read !== undefined && inside[row] === 1) counter.add('bankReads', read.layer, 1)
  }

  const load = (row: number, loaded: Streamed, weights: number) => {
    const { fold, layer, top } = loaded
    const tap = fold.tap + row - top
    const channel = tap % layer.channels
    const pixel = (tap - channel) / layer.channels
    const kx = pixel % layer.kernel[1]
    const ky = (pixel - kx) / layer.kernel[1]
    next.ky[row] = ky
    next.kx[row] = kx
    next.products[row] = needed(loaded, tap, weights)
    if (layer.rotated !== undefined) {
      next.offset[row] = channel
      return
    }
    next.offset[row] =
      firstWord(layer, fold.columnFold) +
      (ky * layer.inputSize[1] + kx) * layer.inputWords +
      Math.floor(channel / layer.inputModulus) * (layer.tapStep ?? 1)
  }

  return {
    activation,
    moments,
    active,
    clock(cycle) {
      for (const top of tops) {
        // it would be in the activation register of the first row, also where a layer has no products
        const entering = line.streamed[line.slot(cycle - plan.latency.feeder - top)]
        if (entering?.top === top) counter.activation(entering.fold.layer)
      }
      for (let row = 0; row < rows; row++) {
        count(row)
        activation[row] =
          plan.grid !== undefined ? skewed[row * skew + (cycle % skew)]! : keep[row] === 1 ? word[row]! : 0
        for (const [order, operands] of moments.entries())
          operands[row] = keep[row] === 1 ? momentWords[order]![row]! : 0
        active[row] = reached[row]
        products[row] = work.products[row]!

        const at = line.slot(cycle - row)
        const streamed = line.streamed[at]
        reached[row] = streamed !== undefined && row < streamed.top + rowsOf(streamed) ? streamed : undefined
        if (streamed !== undefined) read(row, at, streamed)
        keep[row] = reached[row] !== undefined && inside[row] === 1 ? 1 : 0
      }
      if (plan.grid !== undefined) readShared(cycle)
      const at = line.slot(cycle)
      if (line.loadRow[at]! >= 0) load(line.loadRow[at]!, line.loaded[at]!, line.loadWord[at]!)
    },
    reset() {
      active.fill(undefined)
      reached.fill(undefined)
    },
  }
}

/** What enters a row of a word's place for an order; nothing where the unit that wrote it has no such order. */
const operandOf = (unit: MomentSpec, order: number, word: number): number =>
  order < unit.orders.length ? Math.floor(word / 2 ** cutWhenRead(unit, order)) : 0

/** The tap of each row: its offset from the position's address (its channel, where banks are shared), its place in the kernel, and how many columns need its products. */
function taps(rows: number) {
  const each = () => new Int32Array(rows)
  return { offset: each(), ky: each(), kx: each(), products: each() }
}
