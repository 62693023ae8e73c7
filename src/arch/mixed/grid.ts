import { defineModule, type Module } from '../../hdl/module.ts'
import type { MemoryImages } from '../../plan/images.ts'
import type { RowEngine } from '../../plan/row/plan.ts'
import { storedLanes } from '../../plan/row/ports.ts'
import { loadPorts } from '../accelerator.ts'
import { any, inputs } from '../gates.ts'
import { connectStations, writerPort } from '../row/accelerator.ts'
import { lineOf } from '../row/banks.ts'
import { inputLine } from '../row/input-line.ts'
import { gridSequencer } from '../row/sequencer.ts'
import { wiring } from '../row/wiring.ts'

/** A row-stationary grid beside an array: runs a layer each time that it is begun, on banks that it is given a port of. */
export function gridEngine(plan: RowEngine, images: MemoryImages): Module {
  const { rows, columns } = plan.array
  return defineModule(
    'row_grid',
    `Row-stationary grid: ${rows} x ${columns} PEs, ${plan.tiles.length} tile${plan.tiles.length > 1 ? 's' : ''}.`,
    (m) => {
      const { c } = m
      const begin = m.input('begin_layer', 1)
      const words = Array.from({ length: plan.banks }, (_, line) => m.input(`word_${line}`, plan.widths.code))
      const loads = plan.reload ? inputs(m, '', loadPorts(plan)) : {}
      const control = m.instance(gridSequencer(plan), 'u_sequencer', { begin_layer: begin })
      const build = { m, plan, wires: wiring(c, plan), control, geometry: control['layer_geometry']! }
      const writer = writerPort(build)
      const { stored } = writer
      connectStations(build, images, loads, writer, (delayed) => {
        const line = inputLine(plan)
        const lines = words.map((word, index) => lineOf(build, line, delayed, index, word).out)
        m.output('read', any(c, ...lines.map((out) => out['bank_read']!)))
        m.output('read_address', delayed['address_0']!)
        m.output('read_rotation', delayed['rotation_0']!)
        return { lines }
      })
      m.output('running', control['running']!)
      m.output('storing', stored['storing']!)
      m.output('store', stored['store_0']!)
      m.output('store_address', stored['address_0']!)
      m.output('store_rotation', c.add(stored['store_pattern']!, stored['store_channel']!))
      for (let lane = 0; lane < storedLanes(plan); lane++) {
        m.output(`lane_${lane}`, stored[`lane_${lane}`]!)
        m.output(`lane_valid_${lane}`, stored[`lane_valid_${lane}`]!)
      }
    },
  )
}
