import type { ModuleBuilder, Node } from '../../hdl/module.ts'
import type { RowEngine } from '../../plan/row/plan.ts'
import { hasKernelColumns } from '../../plan/row/program.ts'
import { equalTo, follow, plus, resizeUnsigned } from '../gates.ts'
import type { LoadingPass } from './loader.ts'
import type { LayerFields } from './program-memory.ts'

/** Issues the products of a pass: positions of a row, and for each the columns of the kernel. */
export function streamer(
  m: ModuleBuilder,
  plan: RowEngine,
  layer: LayerFields,
  pass: LoadingPass,
  swap: Node,
  drain: Node,
  advance: Node,
): void {
  const { c } = m
  const field = (name: string) => layer[name]!
  const zero = (width: number) => c.constant(0, width)
  const issuing = m.register('issuing', 1, { reset: 0 })
  const wide = plan.layers.some(hasKernelColumns)
  const column = m.register('column', c.width(field('columns_last')))
  const columnLast = c.label(c.equal(column.q, field('columns_last')), 'column_last')
  const kernelX = wide ? m.register('kernel_x', c.width(field('kernel_x_last')), { reset: 0 }) : undefined
  const kernelLast =
    kernelX === undefined
      ? c.constant(1, 1)
      : c.label(c.equal(kernelX.q, field('kernel_x_last')), 'kernel_x_at_end')
  issuing.next(c.or(swap, c.and(issuing.q, c.not(c.and(columnLast, kernelLast)))))
  column.next(
    c.mux(swap, zero(c.width(column.q)), plus(c, column.q, 1)),
    c.or(swap, c.and(issuing.q, kernelLast)),
  )
  kernelX?.next(
    c.mux(c.or(swap, kernelLast), zero(c.width(kernelX.q)), plus(c, kernelX.q, 1)),
    c.or(swap, issuing.q),
  )
  /** Steps by one (or by `within`) within a window, and to the next window. */
  const moving = (name: string, first: Node, step: Node, within?: Node) => {
    const register = m.register(name, c.width(first))
    const by = wide ? c.mux(kernelLast, step, within ?? c.constant(1, c.width(first))) : step
    register.next(c.mux(swap, first, c.add(register.q, by)), c.or(swap, issuing.q))
    return register.q
  }
  const address = moving('address', pass.address, field('column_step'), layer['kernel_step'])
  const x = moving('x', field('start_x'), field('column_step_x'))
  const held = (name: string, node: Node) => follow(m, `streamed_${name}`, node, swap)
  const last = m.register('streamed_last', 1, { reset: 0 })
  last.next(c.and(swap, pass.last), c.or(swap, drain))
  const finish = m.register('sums_finished', 1, { reset: 0 })
  finish.next(c.and(advance, last.q))

  m.output('issue_valid', issuing.q)
  m.output('issue_finish', finish.q)
  m.output('issue_address', address)
  // a column left of the map wraps to a large number
  m.output('issue_inside_x', c.less(x, field('width')))
  if (pass.rotation !== undefined) m.output('issue_rotation', held('rotation', pass.rotation))
  m.output('issue_row_low', held('row_low', pass.rowLow))
  m.output('issue_row_high', held('row_high', pass.rowHigh))
  // known from the reset on: PEs choose a weight in every cycle
  const set = m.register('streamed_set', 1, { reset: 0 })
  set.next(pass.set, swap)
  m.output('issue_set', set.q)
  m.output('issue_first', held('first', pass.first))
  m.output('issue_buffer', held('buffer', pass.buffer))
  m.output('issue_column', resizeUnsigned(c, column.q, plan.widths.accumulatorAddress))
  if (kernelX !== undefined) {
    m.output('issue_kernel_x', resizeUnsigned(c, kernelX.q, plan.widths.kernelColumn))
    m.output('issue_kernel_first', equalTo(c, kernelX.q, 0))
    m.output('issue_kernel_last', kernelLast)
  }
  if (pass.depth !== undefined) m.output('issue_depth', held('depth', pass.depth))
  if (pass.kernelFold !== undefined)
    m.output(
      'issue_kernel_fold',
      resizeUnsigned(c, held('kernel_fold', pass.kernelFold), plan.widths.kernelFold),
    )
  if (pass.tile !== undefined) m.output('issue_tile', held('tile', pass.tile))
}
