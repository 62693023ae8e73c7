import { indexBits } from '../../base/integers.ts'
import type { ModuleBuilder, Node } from '../../hdl/module.ts'
import type { MemoryImages } from '../../plan/images.ts'
import type { Plan } from '../../plan/plan.ts'
import { lanesStored, storedTogether } from '../../plan/rotation.ts'
import { storedLanes } from '../../plan/row/ports.ts'
import { any, connect, type Ports, pick } from '../gates.ts'
import { passedPorts, positionPorts, rowPorts } from '../row-feeder.ts'
import { arrayReader, groupPorts, laneSkew, rowRelay } from './array-reader.ts'
import { gridEngine } from './grid.ts'
import { rotatedBanks } from './rotated-banks.ts'

/** What the grid gives, and the wires by which it is given the words that it has read. */
export function gridOf(m: ModuleBuilder, plan: Plan, images: MemoryImages, control: Ports, loads: Ports) {
  const grid = plan.grid!
  const words = Array.from({ length: grid.banks }, (_, line) => m.wire(`grid_word_${line}`, plan.widths.code))
  const out = m.instance(gridEngine(grid, images.grid!), 'u_grid', {
    begin_layer: control['grid_begin']!,
    ...Object.fromEntries(words.map(({ value }, line) => [`word_${line}`, value])),
    ...loads,
  })
  return { out, words }
}

/**
 * The shared banks, between those who read them (the array's reader, the grid, the output) and those who store (the array's writer, the grid, the host); and what the
 * rows of the array are fed with. No two of them read, or store, in the same cycle.
 */
export function sharedRowsOf(
  m: ModuleBuilder,
  plan: Plan,
  grid: ReturnType<typeof gridOf>,
  control: Ports,
  input: Ports,
  output: Ports,
  stored: Ports,
) {
  const { c } = m
  const { load_tile: _tile, ...ofRow } = rowPorts(plan)
  const { rows: _rows, ...ofPosition } = positionPorts(plan)
  const reader = m.instance(arrayReader(plan), 'u_reader', {
    ...pick(control, '', Object.keys({ ...ofRow, ...groupPorts(plan) })),
    ...pick(control, 'position_', Object.keys(ofPosition), 'position_'),
    height: control['height']!,
    width: control['width']!,
  })
  const running = grid.out['running']!
  const fetch = output['fetch_out']!
  const place = (part: 'address' | 'rotation') => {
    const ofEngines = c.mux(running, grid.out[`read_${part}`]!, reader[`read_${part}`]!)
    return c.mux(fetch, output[`${part}_out`]!, ofEngines)
  }
  const banks = m.instance(rotatedBanks(plan), 'u_banks', {
    read: any(c, reader['read']!, grid.out['read']!, fetch),
    read_address: place('address'),
    read_rotation: place('rotation'),
    read_down: running,
    ...storesOf(m, plan, grid.out, input, stored),
  })
  for (const [line, word] of grid.words.entries()) word.drive(banks[`word_${line}`]!)
  return { feeders: relaysOf(m, plan, control, reader, banks), outputData: banks['word_0']!, operands: [] }
}

/** What is stored: by the grid, else by the array's writer, else by the host. */
function storesOf(m: ModuleBuilder, plan: Plan, grid: Ports, input: Ports, stored: Ports): Ports {
  const { c } = m
  const [byGrid, byArray] = [grid['storing']!, stored['store']!]
  const none = (width: number) => c.constant(0, width)
  const of = (
    fromGrid: Node | undefined,
    fromArray: Node | undefined,
    fromHost: Node | undefined,
    width: number,
  ) => {
    const others = fromHost === undefined ? (fromArray ?? none(width)) : c.mux(byArray, fromArray!, fromHost)
    return c.mux(byGrid, fromGrid ?? none(width), others)
  }
  const { code, bankAddress } = plan.widths
  const lanes = Array.from({ length: lanesStored(plan) }, (_, lane): [string, Node][] => {
    const ofGrid = lane < storedLanes(plan.grid!)
    const ofArray = lane < storedTogether(plan.array)
    const valid = ofGrid ? c.and(grid['store']!, grid[`lane_valid_${lane}`]!) : undefined
    return [
      [
        `lane_${lane}`,
        of(
          ofGrid ? grid[`lane_${lane}`]! : undefined,
          ofArray ? stored[`lane_${lane}`]! : undefined,
          lane === 0 ? input['data']! : undefined,
          code,
        ),
      ],
      [
        `lane_valid_${lane}`,
        of(valid, ofArray ? byArray : undefined, lane === 0 ? input['take_out']! : undefined, 1),
      ],
    ]
  })
  return {
    store_address: of(grid['store_address'], stored['store_address'], input['address_out'], bankAddress),
    store_rotation: of(
      grid['store_rotation'],
      stored['store_rotation'],
      input['rotation_out'],
      c.width(input['rotation_out']!),
    ),
    store_down: byGrid,
    ...Object.fromEntries(lanes.flat()),
  }
}

/** What feeds each row of the tiles. */
function relaysOf(
  m: ModuleBuilder,
  plan: Plan,
  control: Ports,
  reader: Ports,
  banks: Ports,
): readonly Ports[] {
  const { c } = m
  const { rows } = plan.array
  const skewed = m.instance(laneSkew(plan), 'u_skew', {
    keep: reader['keep']!,
    keep_rows: reader['keep_rows']!,
    ...pick(
      banks,
      '',
      Array.from({ length: rows }, (_, row) => `word_${row}`),
    ),
  })
  const relay = rowRelay(plan)
  const names = Object.keys(passedPorts(plan))
  let position = pick(reader, 'next_', names)
  return Array.from({ length: rows }, (_, row) => {
    const out = m.instance(relay, `u_relay_${row}`, {
      row_index: c.constant(row, indexBits(rows)),
      ...pick(control, '', ['load', 'load_row', 'load_tile']),
      ...connect('position_', position),
    })
    position = pick(out, 'next_', names)
    return { ...out, activation_out: skewed[`activation_out_${row}`]! }
  })
}
