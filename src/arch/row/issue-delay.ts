import { defineModule, type Module } from '../../hdl/module.ts'
import { issueDelays } from '../../plan/row/delays.ts'
import type { RowEngine } from '../../plan/row/plan.ts'
import { follow, followReset } from '../gates.ts'

/** The name of a delayed port: `address` three cycles late is `address_3`. */
export const late = (name: string, delay: number) => `${name}_${delay}`

/** A delay line behind the sequencer: products reach the rows of the grid, and the ends of their chains, one cycle a row. */
export function issueDelay(plan: RowEngine): Module {
  return defineModule(
    'issue_delay',
    'Delays what travels with a product, for banks, rows and the ends of the chains.',
    (m) => {
      for (const { ports, taps, last } of issueDelays(plan)) {
        for (const [name, width] of Object.entries(ports)) {
          let node = m.input(`issue_${name}`, width)
          // what makes something happen is reset
          const register = name === 'valid' || name === 'finish' ? followReset : follow
          for (let delay = 0; delay <= last; delay++) {
            if (taps.includes(delay)) m.output(late(name, delay), node)
            if (delay < last) node = register(m, `${name}_after_${delay + 1}`, node)
          }
        }
      }
    },
  )
}
