import { gate } from '../../comb/derived.ts'
import { defineModule, type Module } from '../../hdl/module.ts'
import type { RowEngine } from '../../plan/row/plan.ts'
import { all, follow, followReset } from '../gates.ts'

/**
 * One input row on its way down the grid: reads its bank where the row lies in the map, code 0 elsewhere. Stage i stands beside row i of a channel's
 * part of a chain, so that neighbouring columns take it one row lower: the diagonal.
 */
export function inputLine(plan: RowEngine): Module {
  const { code, line } = plan.widths
  return defineModule(
    'input_line',
    'Input line: one row of the input map, a register for each kernel row.',
    (m) => {
      const { c } = m
      const index = m.input('line_index', line)
      const used = m.input('used', 1)
      const valid = m.input('valid', 1)
      const inside = m.input('inside_x', 1)
      const low = m.input('row_low', line)
      const high = m.input('row_high', line)
      const data = m.input('bank_data', code)

      const inMap = all(c, inside, c.not(c.less(index, low)), c.less(index, high))
      const read = c.label(all(c, valid, used, inMap), 'in_map')
      m.output('bank_read', read)
      const keep = followReset(m, 'keep', read)
      let activation = follow(m, 'activation', gate(c, data, keep))
      m.output('stage_0', activation)
      for (let stage = 1; stage < plan.stages; stage++) {
        activation = follow(m, `activation_${stage}`, activation)
        m.output(`stage_${stage}`, activation)
      }
    },
  )
}
