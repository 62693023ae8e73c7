import { unsignedBits } from '../base/integers.ts'
import { defineModule, type Module } from '../hdl/module.ts'
import type { MemoryImages } from '../plan/images.ts'
import { type Plan, parameterBits } from '../plan/plan.ts'
import { parameterMemoryWords } from '../plan/words.ts'
import { any, equalTo, plus } from './gates.ts'
import { writePort } from './weight-memory.ts'

/**
 * Bias, multiplier and shift of every filter. At the first position of a column fold's last row fold it delivers one word a
 * cycle, in step with the position's way through the columns, so that one bus serves them all.
 */
export function parameterMemory(plan: Plan, images: MemoryImages): Module {
  const columnBits = unsignedBits(plan.array.columns)
  const depth = plan.memories.parameterWords
  return defineModule(
    'parameter_memory',
    'Requantisation parameters, one word a filter: {shift[5:0], multiplier[15:0], bias[31:0]}.',
    (m) => {
      const { c } = m
      const clear = m.input('clear', 1)
      const begin = m.input('begin_fold', 1)
      const columns = m.input('columns', columnBits)

      const left = m.register('left', columnBits, { reset: 0 })
      const address = m.register('address', plan.widths.parameterAddress, { reset: 0 })
      const idle = equalTo(c, left.q, 0)
      const fetch = c.label(any(c, begin, c.not(idle)), 'fetch')
      left.next(c.mux(begin, plus(c, columns, -1), c.mux(idle, left.q, plus(c, left.q, -1))))
      address.next(
        c.mux(clear, c.constant(0, plan.widths.parameterAddress), plus(c, address.q, 1)),
        c.or(clear, fetch),
      )

      const memory = m.memory('parameters', {
        width: parameterBits,
        depth,
        init: {
          file: 'parameters.hex',
          words: parameterMemoryWords(images, plan.memories),
        },
      })
      if (plan.reload) writePort(m, memory, plan.widths.parameterAddress, parameterBits)
      m.output('parameters_out', memory.read('word', address.q, fetch))
    },
  )
}
