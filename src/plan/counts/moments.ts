import { columnAdders, columnOrders, columnWidth, prependAdders, slideAdders } from '../../arith/moments.ts'
import {
  addsKernels,
  bankBits,
  kernelAdderName,
  type MomentSpec,
  momentPorts,
  momentSpanBits,
  momentStrideBits,
  unitName,
} from '../moments.ts'
import type { Plan } from '../plan.ts'
import { type ModuleCount, moduleCount, sumOf } from './module-count.ts'

const unitAdders = (spec: MomentSpec) => ({
  'sums of a column': columnAdders(spec),
  'sums of a window': slideAdders(spec),
})

const adderOfKernels = (spec: MomentSpec) => ({
  'a kernel before others': prependAdders(spec, spec.orders.length),
})

/** Adders of a moment unit, and of what adds kernels behind it. */
export const momentAdders = (spec: MomentSpec): number =>
  sumOf(unitAdders(spec)) + (spec.kernels > 1 ? sumOf(adderOfKernels(spec)) : 0)

/** src/arch/moment-unit.ts with src/arith/moments.ts. */
export function momentUnit(spec: MomentSpec, instances: number, name = 'moment_unit'): ModuleCount {
  const { rows, columns, codeBits, widths, lineWidth } = spec
  const columnBits = Array.from({ length: columnOrders(spec) }, (_, order) => columnWidth(spec, order))
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
  const lines = (rows - 1) * codeBits
  return moduleCount(name, instances, 'datapath', {
    adders: unitAdders(spec),
    registers: {
      'columns of a window, and one more': (columns + 1) * sum(columnBits),
      moments: sum(widths),
      'slide, first of a line': 2,
      'pixels above': lines,
    },
    memoryBits: { 'lines above': lines * lineWidth },
  })
}

/** src/arch/moment-row.ts: a row has a unit and a bank, and all have one control. */
export function momentCounts(plan: Plan): readonly ModuleCount[] {
  const { array, moments, widths } = plan
  if (moments === undefined) return []
  const { column, word } = momentPorts(plan)
  const adds = addsKernels(moments) ? 1 : 0
  const passed = { 'passed down': 3 + adds + column + word }
  const left = (axis: 0 | 1) => Math.max(momentStrideBits(plan, axis), momentSpanBits(plan, axis))
  return [
    moduleCount('moment_control', 1, 'control', {
      adders: { 'column + 1, columns - 1, lines - 1': 3, 'fold + 1, word + words': 2 },
      registers: {
        column,
        'columns left, lines left': left(1) + left(0),
        'fold word, word': 2 * widths.bankAddress,
        ...passed,
      },
    }),
    moduleCount('moment_row', array.rows, 'control', {
      registers: {
        ...passed,
        'valid, first of a line': 2,
        ...(moments.units.some(({ rows }) => rows > 1) ? { column } : {}),
        'stored or not, and where, 3 stages': 3 * (1 + adds + word),
        'word read': bankBits(moments),
      },
      memoryBits: { moments: moments.depth * bankBits(moments) },
    }),
    ...moments.units.flatMap((unit, u) => [
      momentUnit(unit, array.rows, unitName(moments, u)),
      ...(unit.kernels > 1
        ? [moduleCount(kernelAdderName(moments, u), array.rows, 'datapath', { adders: adderOfKernels(unit) })]
        : []),
    ]),
  ]
}
