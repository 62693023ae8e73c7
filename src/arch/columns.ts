import type { ModuleBuilder, Node } from '../hdl/module.ts'
import type { MemoryImages } from '../plan/images.ts'
import type { Plan } from '../plan/plan.ts'
import { rowsVary } from '../plan/size.ts'
import { accumulatorColumn, columnPorts, operandPorts, postPorts } from './accumulator-column.ts'
import { columnAligner } from './column-aligner.ts'
import { controlDelay } from './control-delay.ts'
import { all, connect, type Ports, pick } from './gates.ts'
import { mergeColumn, mergePorts, stagePorts } from './merge-column.ts'
import { arrivalPorts, mergeControl, operandLayerPorts } from './merge-control.ts'
import { parameterMemory } from './parameter-memory.ts'

/** Control follows the positions down the rows, then right along the columns. */
export function columnsOf(
  m: ModuleBuilder,
  plan: Plan,
  images: MemoryImages,
  control: Ports,
  sums: readonly Node[],
  load: Ports,
): Ports {
  const { c } = m
  const names = Object.keys(columnPorts(plan))
  const delayed = m.instance(controlDelay(plan), 'u_control_delay', {
    ...connect('control_', pick(control, 'control_', names)),
    ...(rowsVary(plan) ? { row_top: control['row_top']! } : {}),
  })
  let bundle = pick(delayed, 'late_', names)
  const beginFold = all(c, bundle['valid']!, bundle['begin_fold']!, bundle['last']!)
  const fetched = m.instance(parameterMemory(plan, images), 'u_parameters', {
    clear: control['input_awaited']!,
    begin_fold: beginFold,
    columns: bundle['columns']!,
    ...load,
  })
  const column = accumulatorColumn(plan)
  const layer = pick(control, 'layer_', Object.keys(postPorts(plan)))
  const codes: Record<string, Node> = {}
  for (const [j, sum] of sums.entries()) {
    const out = m.instance(column, `u_column_${j}`, {
      column_index: c.constant(j, c.width(bundle['columns']!)),
      ...connect('control_', bundle),
      ...connect('layer_', layer),
      parameter_word: fetched['parameters_out']!,
      sum,
    })
    codes[`code_${j}`] = out[plan.merge === undefined ? 'pooled_out' : 'code_out']!
    bundle = pick(out, 'next_', names)
  }
  if (plan.merge !== undefined) {
    const arrival = pick(bundle, '', [
      ...Object.keys(arrivalPorts(plan)),
      ...(reads(plan) ? Object.keys(operandPorts) : []),
    ])
    return { valid: c.and(bundle['valid']!, bundle['last']!), ...arrival, ...codes }
  }
  const valid = all(c, bundle['valid']!, bundle['last']!, bundle['window_last']!)
  return { valid, begin_map: bundle['begin_map']!, column_last: bundle['column_last']!, ...codes }
}

/** Whether the map reader reads beside the feeders. */
export const reads = ({ merge }: Plan) => merge?.sets === 2

/** The codes of the columns side by side, through the merge columns; and what drives the map reader's port. */
export function mergeOf(
  m: ModuleBuilder,
  plan: Plan,
  control: Ports,
  arriving: Ports,
  operands: readonly Node[],
) {
  const { c } = m
  const { columns } = plan.array
  const count = Array.from({ length: columns }, (_, j) => j)
  const aligned = m.instance(
    columnAligner(plan),
    'u_aligner',
    pick(
      arriving,
      '',
      count.map((j) => `code_${j}`),
    ),
  )
  const layer = (ports: object) => connect('layer_', pick(control, 'layer_', Object.keys(ports)))
  const lead = m.instance(mergeControl(plan), 'u_merge_control', {
    valid: arriving['valid']!,
    ...pick(arriving, '', Object.keys(arrivalPorts(plan))),
    ...(reads(plan)
      ? {
          ...pick(arriving, '', Object.keys(operandPorts)),
          ...layer({ average: 1, products: 1, ...operandLayerPorts(plan) }),
          begin_layer: control['begin_layer']!,
          ...Object.fromEntries(operands.map((word, i) => [`word_${i}`, word])),
        }
      : {}),
  })
  const settings = layer(mergePorts(plan))
  const stages = Object.fromEntries(
    Object.keys(stagePorts(plan)).map((name) => [name, (lead[name] ?? lead[`${name}_out`])!]),
  )
  const codes = count.map((j) => {
    const out = m.instance(mergeColumn(plan), `u_merge_${j}`, {
      column_index: c.constant(j, c.width(stages['columns']!)),
      code: aligned[`aligned_${j}`]!,
      ...settings,
      ...stages,
      ...(reads(plan)
        ? { operand_word: lead[`operand_word_${j}`]!, operand_take: lead[`operand_take_${j}`]! }
        : {}),
    })
    return [`code_${j}`, out['pooled_out']!] as const
  })
  return {
    lead,
    vector: {
      valid: lead['vector_valid']!,
      begin_map: lead['vector_begin_map']!,
      column_last: lead['vector_column_last']!,
      ...Object.fromEntries(codes),
    },
  }
}
