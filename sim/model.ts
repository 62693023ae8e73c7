import { invariant } from '../src/base/errors.ts'
import type { MemoryImages } from '../src/plan/images.ts'
import type { Plan } from '../src/plan/plan.ts'
import { gridProbes, probesOf } from '../src/plan/probes.ts'
import { tileSize } from '../src/plan/size.ts'
import { type TileArray, tileArray } from './array.ts'
import { banks } from './banks.ts'
import { type Columns, columns } from './column.ts'
import { curveArray } from './curve-array.ts'
import { eventCounter } from './events.ts'
import { type Feeders, feeders } from './feeders.ts'
import { gridStations } from './grid.ts'
import { issueLine } from './line.ts'
import { type Merge, merge } from './merge.ts'
import { momentBanks } from './moment-banks.ts'
import { momentUnits } from './moments.ts'
import { type CycleModel, type Engine, nativeModel } from './phases.ts'
import { type RowStations, registerAt } from './row/model.ts'
import { sequencer } from './sequencer.ts'
import { inputStream, type OutputStream, outputStream } from './streams.ts'
import { type Writer, writer } from './writer.ts'

/**
 * Steps the registers of docs/weight-stationary.md, driven by the plan and the memory images alone. At an edge every station
 * sees the others as they were before it: stations are clocked from the end of the pipeline to its beginning.
 */
export function cycleModel(plan: Plan, images: MemoryImages): CycleModel {
  const line = issueLine(plan)
  const counter = eventCounter(plan)
  const memory = banks(plan)
  const walk = sequencer(plan, line, counter)
  const momentMemory = momentBanks(plan)
  const rows = feeders(plan, images, line, memory, momentMemory, counter)
  const moments = momentUnits(plan, line, rows, momentMemory, counter)
  const tiles = plan.tiles.map(({ orders }, tile) =>
    (orders === undefined ? tileArray : curveArray)(plan, images, tile, line, rows),
  )
  const columnUnits = columns(plan, images, line, tiles, counter)
  const merging = merge(plan, line, memory, columnUnits, counter)
  const store = writer(plan, line, memory, columnUnits, merging, counter)
  const grid = gridStations(plan, images, memory, counter)
  const input = inputStream(plan, memory)
  const output = outputStream(plan, memory)
  const phase = new Int32Array(1)
  const probes = probeReader(plan, { phase, rows, tiles, columnUnits, merging, store, grid, output })
  let cycle = 0
  const engine: Engine = {
    begin() {
      walk.begin()
      columnUnits.begin()
    },
    clock() {
      walk.issue(cycle)
      columnUnits.clock(cycle)
      for (const tile of tiles) tile.clock(cycle)
      moments?.clock(cycle)
      rows.clock(cycle)
      merging?.clock(cycle)
      store.clock(cycle)
      grid?.clock()
      if (walk.gridLayer !== undefined) grid!.begin(walk.gridLayer)
      cycle++
    },
    finished: () => walk.finished,
    inputRead: () => walk.inputRead,
    storing: () => store.state[0] === 1 || grid?.storing() === true,
    reset() {
      walk.reset()
      line.clear()
      rows.reset()
      for (const tile of tiles) tile.reset()
      merging?.reset()
      store.reset()
      grid?.reset()
    },
  }
  return nativeModel(engine, { phase, input, output, counter, probes })
}

interface Stations {
  readonly phase: Int32Array
  readonly rows: Feeders
  readonly tiles: readonly TileArray[]
  readonly columnUnits: Columns
  readonly merging: Merge | undefined
  readonly store: Writer
  readonly grid: RowStations | undefined
  readonly output: OutputStream
}

/** Finds the register behind each probe by its name, once. */
function probeReader(plan: Plan, stations: Stations): (into: Uint32Array) => void {
  const places = new Map<string, readonly [registers: Int32Array, index: number]>()
  const vector = (name: string, registers: Int32Array) => {
    for (let i = 0; i < registers.length; i++) places.set(`${name}[${i}]`, [registers, i])
  }
  const matrix = (name: string, columns: number, registers: Int32Array) => {
    for (let i = 0; i < registers.length; i++) {
      places.set(`${name}[${Math.floor(i / columns)}][${i % columns}]`, [registers, i])
    }
  }
  places.set('phase', [stations.phase, 0])
  vector('activation', stations.rows.activation)
  for (const [order, operands] of stations.rows.moments.entries()) vector(`moment_${order}`, operands)
  for (const [index, tile] of stations.tiles.entries()) {
    const { name } = plan.tiles[index]!
    const { columns } = tileSize(plan, plan.tiles[index]!)
    matrix(`${name}.weight`, columns, tile.weight)
    matrix(`${name}.sum`, columns, tile.sum)
  }
  vector('total', stations.columnUnits.total)
  vector('bias', stations.columnUnits.bias)
  vector('scale', stations.columnUnits.scale)
  vector('pooled', stations.merging?.pooled ?? stations.columnUnits.pooled)
  if (stations.merging !== undefined) {
    vector('merged', stations.merging.merged)
    vector('operand', stations.merging.operand)
    places.set('operand_address', [stations.merging.state, 1])
  }
  places.set('write_valid', [stations.store.state, 0])
  places.set('write_address', [stations.store.state, 1])
  vector('hold', stations.store.hold)
  places.set('out_valid', [stations.output.state, 0])
  for (const { name } of plan.grid === undefined ? [] : gridProbes(plan.grid))
    places.set(name, registerAt(name, plan.array.columns, stations.grid!.registers))

  const probes = probesOf(plan)
  const registers: Int32Array[] = []
  const index = new Int32Array(probes.length)
  const mask = new Int32Array(probes.length)
  for (const [i, probe] of probes.entries()) {
    const place = places.get(probe.name)
    invariant(place !== undefined, `the cycle model has no register for the probe "${probe.name}"`)
    registers.push(place[0])
    index[i] = place[1]
    mask[i] = probe.width === 32 ? -1 : 2 ** probe.width - 1
  }
  return (into) => {
    for (let i = 0; i < registers.length; i++) into[i] = registers[i]![index[i]!]! & mask[i]!
  }
}
