import { columnAdders, columnOrders, columnWidth, slideAdders } from '../../arith/moments.ts'
import type { MomentSpec } from '../moments.ts'
import { type ModuleCount, moduleCount } from './module-count.ts'

/** src/arch/moment-unit.ts with src/arith/moments.ts. */
export function momentUnit(spec: MomentSpec, instances: number): ModuleCount {
  const { rows, columns, codeBits, widths, lineWidth } = spec
  const columnBits = Array.from({ length: columnOrders(spec) }, (_, order) => columnWidth(spec, order))
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
  const lines = (rows - 1) * codeBits
  return moduleCount('moment_unit', instances, 'datapath', {
    adders: { 'sums of a column': columnAdders(spec), 'sums of a window': slideAdders(spec) },
    registers: {
      'columns of a window, and one more': (columns + 1) * sum(columnBits),
      moments: sum(widths),
      'slide, first of a line': 2,
      'pixels above': lines,
    },
    memoryBits: { 'lines above': lines * lineWidth },
  })
}
