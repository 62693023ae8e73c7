import { columnMoments, prependKernel, slideMoments } from '../arith/moments.ts'
import { indexBits } from '../base/integers.ts'
import type { Comb } from '../comb/comb.ts'
import { gate } from '../comb/derived.ts'
import { defineModule, type Module, type ModuleBuilder, type Node } from '../hdl/module.ts'
import type { MomentSpec } from '../plan/moments.ts'
import { follow, followReset } from './gates.ts'

/**
 * The moments of one channel. Pixels come line by line, one a cycle, padding as code 0. Line buffers give the pixels above; the column's sums
 * come in the next cycle, and one later the moments of the window that ends at it. The first windows of a line, and those of the
 * first lines, are not whole: whoever takes the moments knows which are. Nothing of a line is left in the next one's moments.
 */
export function momentUnit(spec: MomentSpec, name = 'moment_unit'): Module {
  const { rows, columns, codeBits, widths, orders, lineWidth, kernels } = spec
  return defineModule(
    name,
    `Moments of order 0 to ${widths.length - 1} of ${rows} x ${columns} windows, by running sums.`,
    (m) => {
      const { c } = m
      const valid = m.input('valid', 1)
      const first = m.input('line_first', 1)
      const code = m.input('code', codeBits)
      const above = rows > 1 ? linesAbove(m, spec, code, valid, indexBits(lineWidth)) : []
      const sums = columnMoments(c, spec, [...above, code])
      const history = columnHistory(m, spec, sums, valid, first)

      const slide = followReset(m, 'slide', valid)
      const restart = c.not(follow(m, 'line_first_passed', first))
      const state = widths.map((width, order) => m.register(`sum_${order}`, width))
      const before = state.map(({ q }) => gate(c, q, restart))
      const next = slideMoments(c, spec, before, history.entering, history.leaving)
      for (const [order, register] of state.entries()) {
        register.next(next[order]!, slide)
        m.output(`moment_${order}`, kernels > 1 ? register.q : operand(c, register.q, orders[order]!))
      }
    },
  )
}

/** Adds the moments of a kernel to those of the kernels behind it in its group, whose taps move up. */
export function kernelAdder(spec: MomentSpec, name: string): Module {
  return defineModule(
    name,
    `Moments of a group of ${spec.kernels} kernels, when one more comes before them.`,
    (m) => {
      const sums = spec.orders.map(({ wholeBits }, order) => m.input(`sum_${order}`, wholeBits))
      const own = spec.widths.map((width, order) => m.input(`moment_${order}`, width))
      for (const [order, next] of prependKernel(m.c, spec, sums, own).entries())
        m.output(`next_${order}`, next)
    },
  )
}

/** The pixels of the lines above in the same column, from the top: a word holds those of one column, the nearest line lowest. */
function linesAbove(
  m: ModuleBuilder,
  { rows, codeBits, lineWidth }: MomentSpec,
  code: Node,
  valid: Node,
  addressBits: number,
): Node[] {
  const { c } = m
  const read = m.input('read', 1)
  const readColumn = m.input('read_column', addressBits)
  const column = m.input('column', addressBits)
  const memory = m.memory('lines', { width: (rows - 1) * codeBits, depth: lineWidth })
  const word = memory.read('lines_read', readColumn, read)
  const kept = Array.from({ length: rows - 1 }, (_, i) => c.slice(word, (i + 1) * codeBits - 1, i * codeBits))
  memory.write(valid, column, c.cat(...[code, ...kept.slice(0, -1)].reverse()))
  return kept.reverse()
}

/** The column sums of the window: the newest, and those that leave when it slides. A new line forgets the one before. */
function columnHistory(
  m: ModuleBuilder,
  { columns }: MomentSpec,
  sums: readonly Node[],
  valid: Node,
  first: Node,
) {
  const { c } = m
  const keep = c.not(first)
  const line = (order: number) => {
    let at = follow(m, `column_${order}_0`, sums[order]!, valid)
    const entering = at
    for (let age = 1; age <= columns; age++)
      at = follow(m, `column_${order}_${age}`, gate(c, at, keep), valid)
    return { entering, leaving: at }
  }
  const lines = sums.map((_, order) => line(order))
  return { entering: lines.map((l) => l.entering), leaving: lines.map((l) => l.leaving) }
}

function operand(c: Comb<Node>, sum: Node, { cut, bits, signed }: MomentSpec['orders'][number]): Node {
  const kept = cut === 0 ? sum : c.slice(sum, c.width(sum) - 1, cut)
  return c.width(kept) === bits ? kept : signed ? c.signExtend(kept, bits) : c.zeroExtend(kept, bits)
}
