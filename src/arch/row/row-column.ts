import { addBias, clamp, roundShift, scale } from '../../arith/requantiser.ts'
import type { Comb } from '../../comb/comb.ts'
import { bit } from '../../comb/derived.ts'
import { defineModule, type Module, type ModuleBuilder, type Node } from '../../hdl/module.ts'
import { parameterBits } from '../../plan/plan.ts'
import type { RowEngine } from '../../plan/row/plan.ts'
import { tallest, windowBits } from '../../plan/row/ports.ts'
import { hasAverage, hasTallWindow, hasWideWindow } from '../../plan/row/program.ts'
import { choose, equalTo, follow, inputs } from '../gates.ts'

/** What all columns are told of the sums that pass, stage by stage, and of their parameters. */
export const columnFlags = {
  take: 1,
  bias_now: 1,
  scale_now: 1,
  round_now: 1,
  pool_now: 1,
  window_first: 1,
  swap_bias: 1,
  swap_multiplier: 1,
  swap_shift: 1,
} as const

/**
 * All that happens to the finished sums of one column, one after another: bias, requantisation with ReLU as clamp, pooling along the row, then down the
 * columns of a window (docs/numerics.md). The next filter's parameters wait beside those at work.
 */
export function rowColumn(plan: RowEngine, postWidths: Readonly<Record<string, number>>): Module {
  const { accumulator, code } = plan.widths
  return defineModule(
    'row_column',
    'Column: bias, requantise, clamp, pool along the row and down the columns.',
    (m) => {
      const { c } = m
      const flags = inputs(m, '', columnFlags)
      const post = inputs(m, 'layer_', postWidths) as Readonly<Record<string, Node>>
      const word = m.input('word', accumulator)
      const parameter = m.input('parameter_word', parameterBits)
      const takeParameter = m.input('parameter_take', 1)

      const next = follow(m, 'next_parameter', parameter, takeParameter)
      const bias = follow(m, 'bias', c.slice(next, 31, 0), flags.swap_bias)
      const multiplier = follow(m, 'multiplier', c.slice(next, 47, 32), flags.swap_multiplier)
      const shift = follow(m, 'shift', c.slice(next, parameterBits - 1, 48), flags.swap_shift)

      const total = follow(m, 'total', word, flags.take)
      const wide = accumulator === 32 ? total : c.signExtend(total, 32)
      const biased = follow(m, 'biased_sum', addBias(c, wide, bias), flags.bias_now)
      const scaled = follow(m, 'scaled_sum', scale(c, biased, multiplier), flags.scale_now)
      const rounded = follow(
        m,
        'code',
        clamp(c, roundShift(c, scaled, shift), post['low']!, post['high']!),
        flags.round_now,
      )
      pool(m, plan, rounded, flags, post, code)
    },
  )
}

function pool(
  m: ModuleBuilder,
  plan: RowEngine,
  rounded: Node,
  flags: Record<keyof typeof columnFlags, Node>,
  post: Readonly<Record<string, Node>>,
  codeBits: number,
): void {
  const { c } = m
  const width = windowBits(plan)
  const sign = c.and(post['output_signed']!, bit(c, rounded, codeBits - 1))
  const value = c.label(c.signExtend(c.cat(sign, rounded), width), 'code_value')
  const average = plan.layers.some(hasAverage) ? post['average'] : undefined

  const across = m.register('across', width)
  const alongRow = plan.layers.some(hasWideWindow)
    ? c.mux(flags.window_first, value, combine(c, average, across.q, value))
    : value
  across.next(c.label(alongRow, 'along_row'), flags.pool_now)

  const down = m.register('down', width)
  if (plan.layers.some(hasTallWindow)) {
    const row = m.input('window_row', Math.max(1, Math.ceil(Math.log2(tallest(plan)))))
    const above = m.input('above', width)
    const delayed = [across.q]
    for (let delay = 1; delay < tallest(plan); delay++)
      delayed.push(follow(m, `across_${delay}`, delayed.at(-1)!))
    const mine = c.label(choose(c, row, delayed), 'mine')
    down.next(c.mux(equalTo(c, row, 0), mine, combine(c, average, above, mine)))
    m.output('below', down.q)
  } else down.next(across.q)

  if (average === undefined) m.output('pooled', c.slice(down.q, codeBits - 1, 0))
  else {
    const poolShift = post['pool_shift']!
    const half = c.shiftRight(c.shiftLeft(c.constant(1, width), poolShift), c.constant(1, 1))
    const mean = c.label(c.shiftRightArithmetic(c.add(down.q, half), poolShift), 'window_mean')
    m.output('pooled', c.slice(c.label(c.mux(average, mean, down.q), 'window_result'), codeBits - 1, 0))
  }
}

/** The larger value, or the sum where the layer averages. */
function combine(c: Comb<Node>, average: Node | undefined, a: Node, b: Node): Node {
  const larger = c.mux(c.lessSigned(a, b), b, a)
  return average === undefined ? larger : c.mux(average, c.add(a, b), larger)
}
