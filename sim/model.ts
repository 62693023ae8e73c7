import { invariant } from '../src/base/errors.ts'
import type { MemoryImages } from '../src/plan/images.ts'
import type { Plan } from '../src/plan/plan.ts'
import { probesOf } from '../src/plan/probes.ts'
import { tileSize } from '../src/plan/size.ts'
import { type TileArray, tileArray } from './array.ts'
import { banks } from './banks.ts'
import { type Columns, columns } from './column.ts'
import { curveArray } from './curve-array.ts'
import type { Device, Inputs } from './device.ts'
import { eventCounter, type RunEvents } from './events.ts'
import { type Feeders, feeders } from './feeders.ts'
import { issueLine } from './line.ts'
import { type Merge, merge } from './merge.ts'
import { momentBanks } from './moment-banks.ts'
import { momentUnits } from './moments.ts'
import { phases, sequencer } from './sequencer.ts'
import { inputStream, type OutputStream, outputStream } from './streams.ts'
import { type Writer, writer } from './writer.ts'

/** The cycle model of a design, with what it saw of the last image. */
export interface CycleModel extends Device {
  readonly events: RunEvents
  /** One rising clock edge; with `resetting` it is one at which the reset is active. */
  clock(inputs: Inputs, resetting?: boolean): void
}

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
  const input = inputStream(plan, memory)
  const output = outputStream(plan, memory)
  const phase = new Int32Array(1)
  const readProbes = probeReader(plan, { phase, rows, tiles, columnUnits, merging, store, output })
  const outputs = { busy: false, done: false, inReady: false, outValid: false, outData: 0, outLast: false }
  let cycle = 0
  let done = false

  const datapath = () => {
    walk.issue(cycle)
    columnUnits.clock(cycle)
    for (const tile of tiles) tile.clock(cycle)
    moments?.clock(cycle)
    rows.clock(cycle)
    merging?.clock(cycle)
    store.clock(cycle)
    cycle++
  }

  /** What the reset clears behind its edge; all other registers have taken their values as at any edge. */
  const reset = () => {
    phase[0] = phases.idle
    done = false
    walk.reset()
    line.clear()
    rows.reset()
    for (const tile of tiles) tile.reset()
    merging?.reset()
    store.reset()
    input.reset()
    output.reset()
  }

  /** The writer goes before the host. */
  const takes = () => input.open && store.state[0] === 0

  return {
    get events() {
      return counter.snapshot()
    },
    outputs() {
      outputs.busy = phase[0] !== phases.idle
      outputs.done = done
      outputs.inReady = takes()
      outputs.outValid = output.state[0] === 1
      outputs.outData = outputs.outValid ? output.data() : 0
      outputs.outLast = output.last()
      return outputs
    },
    probes: readProbes,
    clock(inputs, resetting = false) {
      done = false
      const taking = inputs.inValid && takes()
      datapath()
      if (taking) input.take(inputs)
      if (walk.inputRead) input.release()
      counter.passed(phase[0]!)
      switch (phase[0]) {
        case phases.idle:
          if (!inputs.start) break
          phase[0] = phases.input
          counter.begin()
          break
        case phases.input:
          if (!input.full) break
          input.begin()
          phase[0] = phases.run
          walk.begin()
          columnUnits.begin()
          break
        case phases.run:
          if (!walk.finished) break
          phase[0] = phases.output
          output.begin()
          break
        default:
          if (!output.clock(inputs)) break
          phase[0] = phases.idle
          done = true
      }
      if (resetting) reset()
    },
  }
}

interface Stations {
  readonly phase: Int32Array
  readonly rows: Feeders
  readonly tiles: readonly TileArray[]
  readonly columnUnits: Columns
  readonly merging: Merge | undefined
  readonly store: Writer
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
