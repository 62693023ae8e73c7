import { indexBits } from '../base/integers.ts'
import { defineModule, type Module } from '../hdl/module.ts'
import type { AnyPlan, HostStream } from '../plan/any-plan.ts'
import { all, equalTo, follow, plus, resizeUnsigned } from './gates.ts'

/** Bits of TDATA of the image streams: one code, padded to a byte. */
export const streamBits = 8

/**
 * Counts the elements that the core takes: a whole image is `ready` until its inference begins. Counting decides where an image ends; TLAST is
 * only compared with it.
 */
export function axiInput(plan: AnyPlan): Module {
  const { elements, bits, signed } = plan.input
  return defineModule(
    'axi_input',
    `Input stream: counts images of ${elements} elements, and compares TLAST with the count.`,
    (m) => {
      const { c } = m
      const valid = m.input('tvalid', 1)
      const data = m.input('tdata', streamBits)
      const last = m.input('tlast', 1)
      const ready = m.input('core_ready', 1)
      const begin = m.input('begin_run', 1)

      const take = c.label(c.and(valid, ready), 'take')
      const countBits = indexBits(elements)
      const count = m.register('count', countBits, { reset: 0 })
      const final = c.label(equalTo(c, count.q, elements - 1), 'last_element')
      count.next(c.mux(final, c.constant(0, countBits), plus(c, count.q, 1)), take)
      const whole = m.register('whole', 1, { reset: 0 })
      whole.next(c.or(c.and(take, final), c.and(whole.q, c.not(begin))))

      const code = c.slice(data, bits - 1, 0)
      m.output('code', signed ? c.signExtend(code, plan.widths.code) : c.zeroExtend(code, plan.widths.code))
      m.output('image_ready', whole.q)
      m.output('input_short', all(c, take, last, c.not(final)))
      m.output('input_long', all(c, take, final, c.not(last)))
    },
  )
}

/**
 * One register between the core and the output stream, which a restart of the core leaves alone: what was offered stays until it is taken.
 * Bits beyond the code's are 0.
 */
export function axiOutput(output: HostStream): Module {
  return defineModule('axi_output', 'Output stream: holds an element until it is taken.', (m) => {
    const { c } = m
    const valid = m.input('core_valid', 1)
    const data = m.input('core_data', 8)
    const last = m.input('core_last', 1)
    const ready = m.input('tready', 1)

    const held = m.register('held', 1, { reset: 0 })
    const free = c.label(c.or(c.not(held.q), ready), 'free')
    const take = c.label(c.and(valid, free), 'take')
    held.next(c.or(take, c.and(held.q, c.not(ready))))
    const code = follow(m, 'code', c.slice(data, output.bits - 1, 0), take)
    m.output('core_ready', free)
    m.output('tvalid', held.q)
    m.output('tdata', resizeUnsigned(c, code, streamBits))
    m.output('tlast', follow(m, 'last', last, take))
  })
}
