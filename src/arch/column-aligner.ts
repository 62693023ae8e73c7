import { defineModule, type Module } from '../hdl/module.ts'
import type { Plan } from '../plan/plan.ts'
import { follow } from './gates.ts'

/** Puts the codes of one position side by side: that of column j comes j cycles late. */
export function columnAligner(plan: Plan): Module {
  const { columns } = plan.array
  return defineModule('column_aligner', 'Column aligner: the codes of one position, side by side.', (m) => {
    for (let j = 0; j < columns; j++) {
      let node = m.input(`code_${j}`, plan.widths.code)
      for (let delay = 1; delay < columns - j; delay++) node = follow(m, `code_${j}_delay_${delay}`, node)
      m.output(`aligned_${j}`, node)
    }
  })
}
