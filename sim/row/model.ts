import { invariant } from '../../src/base/errors.ts'
import type { MemoryImages } from '../../src/plan/images.ts'
import type { Probe } from '../../src/plan/probes.ts'
import type { RowEngine, RowPlan } from '../../src/plan/row/plan.ts'
import { rowProbes } from '../../src/plan/row/probes.ts'
import { type EventCounter, eventCounter } from '../events.ts'
import { type CycleModel, type Engine, nativeModel } from '../phases.ts'
import { type RowBanks, rowBanks } from './banks.ts'
import { rowColumns } from './columns.ts'
import { drain } from './drain.ts'
import { chainEnds } from './ends.ts'
import { commandLine, type Issued } from './line.ts'
import { inputLines } from './lines.ts'
import { rowSequencer } from './sequencer.ts'
import { rowInputStream, rowOutputStream } from './streams.ts'
import { rowTile } from './tile.ts'
import { rowWriter } from './writer.ts'

/** The cycle model of a plan whose layers all run on the grid. */
export function rowModel(plan: RowPlan, images: MemoryImages): CycleModel {
  const counter = eventCounter(plan)
  const memory = rowBanks(plan)
  const stations = rowStations(plan, images, memory, counter)
  const input = rowInputStream(plan, memory)
  const output = rowOutputStream(plan, memory)
  const phase = new Int32Array(1)
  const registers = { phase, ...stations.registers, out_valid: output.state }
  const probes = registerReader(rowProbes(plan), plan.array.columns, registers)
  return nativeModel(stations, { phase, input, output, counter, probes })
}

/** The stations of a grid, between the banks that it reads and those that it writes, and their registers by the names of the probes. */
export interface RowStations extends Engine {
  readonly registers: Registers
  /** Begins a run: of all layers, or of one. */
  begin(layer?: number): void
}

export type Registers = Readonly<Record<string, Int32Array>>

/**
 * Steps the registers of docs/row-stationary.md, driven by the plan and the memory images alone. At an edge every station sees the others as they
 * were before it: stations are clocked from the end of the pipeline to its beginning.
 */
export function rowStations(
  plan: RowEngine,
  images: MemoryImages,
  memory: RowBanks,
  counter: EventCounter,
): RowStations {
  const line = commandLine(plan)
  const walk = rowSequencer(plan, line, counter)
  const lines = inputLines(plan, line, memory, counter)
  const tiles = plan.tiles.map((_, tile) => rowTile(plan, images, tile, line, lines))
  const ends = chainEnds(plan, line, tiles, counter)
  const reads = drain(line)
  const columns = rowColumns(plan, images, line, ends)
  const store = rowWriter(plan, line, memory, columns, counter)
  let cycle = 0

  const registers: Registers = {
    activation: lines.activation,
    ...Object.fromEntries(
      plan.tiles.flatMap(({ name }, index) => [
        [`${name}.weight`, tiles[index]!.weight],
        [`${name}.sum`, tiles[index]!.sum],
      ]),
    ),
    total: columns.total,
    bias: columns.bias,
    multiplier: columns.multiplier,
    shift: columns.shift,
    down: columns.down,
    write_valid: store.state,
    hold: store.hold,
  }

  /** The products that are wanted: of rows and filters that the layer has. */
  const count = (now: number) => {
    const issued = line.issued[line.slot(now - 2)]
    if (issued === undefined) return
    counter.activation(issued.pass.layer)
    const { layer, products, rows, heads } = usefulProducts(issued)
    counter.add('busy', layer, products)
    // an activation comes from the row above but in a channel's first row, a sum but in the first row of a chain
    counter.add('neighbourReads', layer, (products / rows) * (rows - heads + rows - 1))
  }

  return {
    registers,
    begin: walk.begin,
    clock() {
      walk.issue(cycle)
      const { layer } = walk
      reads.issue(cycle, layer)
      store.clock(cycle, layer)
      columns.clock(cycle, layer, walk.starts)
      ends.clock(cycle, layer)
      count(cycle)
      for (const tile of tiles) tile.clock(cycle, layer)
      lines.clock(cycle, layer)
      cycle++
    },
    finished: () => walk.finished,
    inputRead: () => walk.firstLayerEnds,
    storing: () => store.state[0] === 1,
    reset() {
      walk.reset()
      line.clear()
      reads.reset()
      lines.reset()
      columns.reset()
      store.reset()
    },
  }
}

/**
 * Products of one cycle that the layer needs, whatever rows and filters the fold has beyond it, and the rows of a chain that work on them, `heads` of them
 * for the first kernel row of a channel.
 */
function usefulProducts({ layer, pass }: Issued) {
  const folded = layer.kernelFolds > 1
  const last = folded
    ? pass.kernelFold === layer.kernelFolds - 1
    : pass.channelFold === layer.channelFolds - 1
  const rows = last ? layer.chainLast : layer.chain
  const filters = Math.min(layer.filters, layer.groupFilters - pass.filterFold * layer.filters)
  const side = layer.pieces * layer.columns
  const outputRows = Math.min(side, layer.positions[0] - pass.rowFold * side)
  const heads = Math.ceil(rows / layer.chainKernel)
  return { layer: pass.layer, products: rows * filters * outputRows, rows, heads }
}

/** Finds the register behind each probe by its name, once. */
export function registerReader(
  probes: readonly Probe[],
  columns: number,
  registers: Registers,
): (into: Uint32Array) => void {
  const places = probes.map(({ name, width }) => {
    const [found, at] = registerAt(name, columns, registers)
    return { found, at, mask: width === 32 ? -1 : 2 ** width - 1 }
  })
  return (into) => {
    for (const [i, { found, at, mask }] of places.entries()) into[i] = found[at]! & mask
  }
}

/** The register that a probe's name stands for, and its index. */
export function registerAt(
  name: string,
  columns: number,
  registers: Registers,
): readonly [Int32Array, number] {
  const [base, ...indices] = name.replaceAll(']', '').split('[')
  const found = registers[base!]
  invariant(found !== undefined, `the cycle model has no register for the probe "${name}"`)
  return [found, indices.reduce((index, text) => index * columns + Number(text), 0)]
}
