import { defineModule, type Module } from '../hdl/module.ts'
import type { Plan } from '../plan/plan.ts'
import { columnPorts } from './accumulator-column.ts'
import { follow, followReset, inputs } from './gates.ts'

/** Brings a position's control to column 0 a cycle before its sum has come down the rows: rows + 1 registers. */
export function controlDelay(plan: Plan): Module {
  const stages = plan.latency.accumulator - 1
  return defineModule(
    'control_delay',
    `Delays a position's control by ${stages} cycles, while its sum comes down the rows.`,
    (m) => {
      const { c } = m
      const { valid, ...rest } = inputs(m, 'control_', columnPorts(plan))
      let word = c.cat(...Object.values(rest))
      let marked = valid
      for (let stage = 1; stage <= stages; stage++) {
        word = follow(m, `word_${stage}`, word)
        marked = followReset(m, `valid_${stage}`, marked)
      }
      m.output('late_valid', marked)
      let high = c.width(word)
      for (const [name, node] of Object.entries(rest)) {
        m.output(`late_${name}`, c.slice(word, high - 1, high - c.width(node)))
        high -= c.width(node)
      }
    },
  )
}
