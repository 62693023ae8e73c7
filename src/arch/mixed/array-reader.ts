import { unsignedBits } from '../../base/integers.ts'
import { gate } from '../../comb/derived.ts'
import { defineModule, type Module, type Node } from '../../hdl/module.ts'
import type { Plan } from '../../plan/plan.ts'
import { bankBits, sharedBanks } from '../../plan/rotation.ts'
import { all, connect, equalTo, follow, inputs, resizeUnsigned } from '../gates.ts'
import { activeRow, passedPorts, passOn, positionPorts, rowPorts } from '../row-feeder.ts'

/** What the loader says of the rows of the next fold, which all have the same place in the kernel: how far their group turns the banks, and its channels. */
export const groupPorts = (plan: Plan) => ({
  bank: bankBits(sharedBanks(plan)),
  channels: unsignedBits(plan.array.rows),
})

/**
 * Turns positions into accesses to the shared banks, for all rows at once: a fold's rows are the channels of a group at one place in the kernel. Rows behind the group's
 * last channel rest.
 */
export function arrayReader(plan: Plan): Module {
  const { coordinate } = plan.widths
  return defineModule(
    'array_reader',
    'Array reader: reads the channels of a group for all rows of the array, one tap a fold, one position a cycle.',
    (m) => {
      const { c } = m
      const { load_tile: _tile, ...ofRow } = rowPorts(plan)
      const row = inputs(m, '', { ...ofRow, ...groupPorts(plan) })
      const { rows: _rows, ...ports } = positionPorts(plan)
      const position = inputs(m, 'position_', ports)
      const height = m.input('height', coordinate)
      const width = m.input('width', coordinate)

      const first = c.label(c.and(row.load, equalTo(c, row.load_row, 0)), 'load_first_row')
      const tap = (name: 'offset' | 'kernel_y' | 'kernel_x' | 'bank' | 'channels') => {
        const next = follow(m, `${name}_next`, row[name], first)
        const held = follow(m, `${name}_held`, next, position.swap)
        return c.mux(position.swap, next, held)
      }
      const y = c.label(c.add(position.y, tap('kernel_y')), 'y')
      const x = c.label(c.add(position.x, tap('kernel_x')), 'x')
      // a coordinate below 0 wraps to a large unsigned number
      const inside = all(c, position.valid, c.less(y, height), c.less(x, width))
      const read = c.label(inside, 'inside_map')
      const bank = tap('bank')
      const channels = tap('channels')
      m.output('read', read)
      m.output('read_address', c.add(position.address, tap('offset')))
      m.output('read_rotation', c.add(bank, resizeUnsigned(c, y, c.width(bank))))
      m.output('keep', follow(m, 'inside_late', read))
      m.output('keep_rows', follow(m, 'channels_late', channels))
      const { address: _address, y: _y, x: _x, ...passed } = position
      for (const [name, node] of Object.entries(connect('next_', { ...passed, rows: channels })))
        m.output(name, node)
    },
  )
}

/** What a row of the array does with the positions that come down the rows: the word of its lane comes to it by itself. */
export function rowRelay(plan: Plan): Module {
  return defineModule(
    'row_relay',
    'Row relay: says what a row of the array does with a position, and passes it down.',
    (m) => {
      const { c } = m
      const { load, load_row, load_tile } = rowPorts(plan)
      const index = m.input('row_index', load_row)
      const row = inputs(m, '', { load, load_row, load_tile })
      const position = inputs(m, 'position_', passedPorts(plan))
      const mine = c.label(c.and(row.load, c.equal(row.load_row, index)), 'load_this_row')
      const used = c.label(
        c.and(position.valid, c.less(c.zeroExtend(index, c.width(position.rows)), position.rows)),
        'used',
      )
      const active = activeRow(m, plan, used, position.tile)
      passOn(m, plan, { active, mine, loadTile: row.load_tile, position })
    },
  )
}

/** Delays the words of the rows, so that each meets the position that comes down the rows; 0 where there is none. */
export function laneSkew(plan: Plan): Module {
  const { rows } = plan.array
  return defineModule(
    'lane_skew',
    'Lane skew: the codes of one position, each a cycle behind that of the row above.',
    (m) => {
      const { c } = m
      const keep = m.input('keep', 1)
      const count = m.input('keep_rows', unsignedBits(rows))
      for (let row = 0; row < rows; row++) {
        const there = c.and(keep, c.less(c.constant(row, c.width(count)), count))
        let node: Node = gate(c, m.input(`word_${row}`, plan.widths.code), there)
        for (let delay = 1; delay <= row; delay++) node = follow(m, `row_${row}_delay_${delay}`, node)
        m.output(`activation_out_${row}`, follow(m, `activation_${row}`, node))
      }
    },
  )
}
