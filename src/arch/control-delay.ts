import { indexBits } from '../base/integers.ts'
import { defineModule, type Module, type ModuleBuilder, type Node } from '../hdl/module.ts'
import type { Plan } from '../plan/plan.ts'
import { layerTops, rowsVary } from '../plan/size.ts'
import { columnPorts } from './accumulator-column.ts'
import { equalTo, follow, followReset, inputs } from './gates.ts'

/**
 * Brings a position's control to column 0 a cycle before its sum has come down the rows: rows + 1 registers. That of a layer of fewer rows
 * enters as many registers later as it begins rows lower.
 */
export function controlDelay(plan: Plan): Module {
  const stages = plan.latency.accumulator - 1
  return defineModule(
    'control_delay',
    `Delays a position's control by ${stages} cycles, while its sum comes down the rows.`,
    (m) => {
      const { c } = m
      const { valid, ...rest } = inputs(m, 'control_', columnPorts(plan))
      const enters = rowsVary(plan) ? topSelect(m, plan) : undefined
      const given = c.cat(...Object.values(rest))
      let word = given
      let marked = enters === undefined ? valid : c.and(valid, enters(0))
      for (let stage = 1; stage <= stages; stage++) {
        if (stage > 1 && enters !== undefined && layerTops(plan).includes(stage - 1)) {
          word = c.mux(enters(stage - 1), given, word)
          marked = c.mux(enters(stage - 1), valid, marked)
        }
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

/** Whether the layer that streams begins at a row of the array. */
function topSelect(m: ModuleBuilder, plan: Plan): (row: number) => Node {
  const top = m.input('row_top', indexBits(plan.array.rows))
  return (row) => m.c.label(equalTo(m.c, top, row), `begins_at_${row}`)
}
