import { defineModule, type Module } from '../../hdl/module.ts'
import type { RowEngine } from '../../plan/row/plan.ts'
import { sumPorts } from '../../plan/row/ports.ts'
import { all, equalTo, type follow, inputs } from '../gates.ts'

/**
 * The end of a chain: sums the kernel's columns in a register and the passes in a memory, one word an output column. Of two memories one sums while the
 * other is drained.
 */
export function chainEnd(plan: RowEngine): Module {
  const { accumulator, accumulatorAddress } = plan.widths
  return defineModule(
    'chain_end',
    'End of a chain: sums kernel columns and passes; two memories, one sums while the other drains.',
    (m) => {
      const { c } = m
      const names = sumPorts(plan)
      const early = { valid: m.input('early_valid', 1), ...(inputs(m, 'early_', names) as SumNodes) }
      const now = { valid: m.input('valid', 1), ...(inputs(m, 'now_', names) as SumNodes) }
      const arriving = m.input('sum', accumulator)
      const drain = m.input('drain_now', 1)
      const drainColumn = m.input('drain_column', accumulatorAddress)
      const drainBuffer = m.input('drain_buffer', 1)
      const readBuffer = m.input('read_buffer', 1)

      const ahead = c.label(
        all(
          c,
          early.valid,
          c.not(early.first),
          ...(early.kernel_first === undefined ? [] : [early.kernel_first]),
        ),
        'read_ahead',
      )
      const memories = [0, 1].map((buffer) => {
        const memory = m.memory(`sums_${buffer}`, {
          width: accumulator,
          depth: plan.memories.accumulatorDepth,
        })
        const drained = c.label(c.and(drain, equalTo(c, drainBuffer, buffer)), `drain_${buffer}`)
        const summing = c.and(ahead, equalTo(c, early.buffer, buffer))
        const word = memory.read(
          `word_${buffer}`,
          c.mux(drained, drainColumn, early.column),
          c.or(drained, summing),
        )
        return { memory, word }
      })
      const [ping, pong] = memories as [(typeof memories)[0], (typeof memories)[0]]
      const zero = c.constant(0, accumulator)
      const before = c.label(c.mux(now.first, zero, c.mux(now.buffer, pong.word, ping.word)), 'sum_before')
      const running = now.kernel_first === undefined ? undefined : m.register('running', accumulator)
      const so_far =
        running === undefined ? before : c.label(c.mux(now.kernel_first!, before, running.q), 'sum_so_far')
      const sum = c.label(c.add(so_far, arriving), 'accumulated')
      running?.next(sum, now.valid)
      const store = c.label(
        all(c, now.valid, ...(now.kernel_last === undefined ? [] : [now.kernel_last])),
        'sum_is_whole',
      )
      for (const [buffer, { memory }] of memories.entries())
        memory.write(c.and(store, equalTo(c, now.buffer, buffer)), now.column, sum)
      m.output('word', c.mux(readBuffer, pong.word, ping.word))
    },
  )
}

type SumNodes = Record<'column' | 'first' | 'buffer', ReturnType<typeof follow>> &
  Partial<Record<'kernel_first' | 'kernel_last', ReturnType<typeof follow>>>
