import { unsignedBits } from '../base/integers.ts'
import type { Comb } from '../comb/comb.ts'
import { gate } from '../comb/derived.ts'
import type { ModuleBuilder, Node } from '../hdl/module.ts'
import {
  addsKernels,
  momentFoldBits,
  momentPorts,
  momentSpanBits,
  momentStrideBits,
  unitBits,
} from '../plan/moments.ts'
import type { Plan } from '../plan/plan.ts'
import { columnsVary, rowsVary } from '../plan/size.ts'
import { type operandPorts, postPorts } from './accumulator-column.ts'
import { equalTo, plus, resizeUnsigned } from './gates.ts'
import type { LoadingFold, Run } from './loader.ts'
import { mergePorts } from './merge-column.ts'
import { operandLayerPorts } from './merge-control.ts'
import { sharedWriterPorts, writerPorts } from './output-writer.ts'
import { type LayerFields, splitStreaming, streamingPart } from './program-memory.ts'

/** The first cycle of each layer, and of the one at whose start the input map has been read, where the program says which. */
export interface LayerStarts {
  readonly any: Node
  readonly release: Node | undefined
}

/** Issues the positions of the fold at work: their addresses for the rows, their flags for the columns. */
export function streamer(m: ModuleBuilder, plan: Plan, run: Run, loading: LoadingFold): LayerStarts {
  const { c } = m
  const hold = (name: string, value: Node) => {
    const register = m.register(name, c.width(value))
    register.next(value, run.swap)
    return register.q
  }
  const word = hold('streaming_word', streamingPart(c, plan, loading.word))
  const layer = splitStreaming(c, plan, word, 'layer')
  // where rows are read together, the reader says how many have work
  const rows = plan.grid === undefined ? { rows: hold('streaming_rows', loading.rowsEnd) } : {}
  const first = hold('streaming_first', loading.first)
  const last = hold('streaming_last', loading.last)
  const columnLast = hold('streaming_column_last', loading.columnLast)
  const ofPass = plan.tiles.length === 1 ? c.constant(1, 1) : hold('streaming_tiles', loading.tiles)
  // a layer that fills the moment banks has pixels for positions, and nothing for tiles and columns; one that waits for the grid has nothing at all
  const fills = layer['fills']
  const waits = layer['waits']
  const idle = fills ?? waits
  const productive = idle && c.label(c.not(idle), 'has_products')
  const tiles = productive === undefined ? ofPass : gate(c, ofPass, productive)

  const foldStart = m.register('fold_start', 1, { reset: 0 })
  foldStart.next(run.swap)
  const layerStart = m.register('layer_start', 1, { reset: 0 })
  layerStart.next(c.and(run.swap, loading.firstOfLayer))

  const issuing = m.register('issuing', 1, { reset: 0 })
  const intervalBits = c.width(layer['interval_limit']!)
  const wait = m.register('interval_count', intervalBits)
  const limit = c.label(
    gate(c, c.mux(columnLast, layer['interval_limit_last']!, layer['interval_limit']!), last),
    'interval_limit',
  )
  const waitEnds = c.label(c.equal(wait.q, limit), 'interval_ends')
  wait.next(
    c.mux(c.or(run.swap, waitEnds), c.constant(0, intervalBits), plus(c, wait.q, 1)),
    c.or(run.swap, issuing.q),
  )
  const step = c.label(c.and(issuing.q, waitEnds), 'next_position')
  const valid = c.label(c.and(issuing.q, equalTo(c, wait.q, 0)), 'position_now')

  const count = m.register('position_index', c.width(layer['positions_last']!))
  const countEnds = c.label(c.equal(count.q, layer['positions_last']!), 'positions_end')
  count.next(c.mux(run.swap, c.constant(0, c.width(count.q)), plus(c, count.q, 1)), c.or(run.swap, step))
  issuing.next(c.mux(run.swap, c.constant(1, 1), c.mux(c.and(step, countEnds), c.constant(0, 1), issuing.q)))

  const counter = (name: string, lastName: string, advance: Node) => {
    const register = m.register(name, c.width(layer[lastName]!))
    const ends = c.label(c.equal(register.q, layer[lastName]!), `${name}_ends`)
    register.next(
      c.mux(c.or(run.swap, ends), c.constant(0, c.width(register.q)), plus(c, register.q, 1)),
      c.or(run.swap, advance),
    )
    return { value: register.q, ends, carry: c.label(c.and(advance, ends), `${name}_carry`) }
  }
  const windowX = counter('window_x', 'window_x_last', step)
  const windowY = counter('window_y', 'window_y_last', windowX.carry)
  const poolX = counter('pool_x', 'pool_x_last', windowY.carry)
  const level = (part: string) => {
    const steps = [0, 1, 2, 3].map((i) => layer[`step${i}_${part}`]!)
    const increment = c.label(
      c.mux(
        poolX.carry,
        steps[3]!,
        c.mux(windowY.carry, steps[2]!, c.mux(windowX.carry, steps[1]!, steps[0]!)),
      ),
      `step_${part}`,
    )
    const register = m.register(`position_${part}_now`, c.width(steps[0]!))
    register.next(
      c.mux(run.swap, loading.layer[`start_${part}`]!, c.add(register.q, increment)),
      c.or(run.swap, step),
    )
    return register.q
  }
  const point = { address: level('address'), y: level('y'), x: level('x') }

  const firstWindow = m.register('first_window', 1)
  firstWindow.next(run.swap, c.or(run.swap, windowY.carry))

  const beginFold = foldBegins(c, plan, layer, foldStart.q, productive)
  for (const [name, node] of Object.entries({
    valid: waits === undefined ? valid : c.and(valid, productive!),
    swap: beginFold,
    ...point,
    ...rows,
    tile: tiles,
    ...(loading.mode === undefined ? {} : { mode: hold('streaming_mode', loading.mode) }),
  }))
    m.output(`position_${name}`, node)
  const wholeColumns = columnsVary(plan)
    ? layer['columns']!
    : c.constant(plan.array.columns, unsignedBits(plan.array.columns))
  const control: Record<string, Node> = {
    valid: productive === undefined ? valid : c.and(valid, productive),
    index: resizeUnsigned(c, count.q, plan.widths.accumulatorAddress),
    first,
    last,
    begin_fold: beginFold,
    window_first: c.and(equalTo(c, windowX.value, 0), equalTo(c, windowY.value, 0)),
    window_last: c.and(windowX.ends, windowY.ends),
    begin_map: firstWindow.q,
    column_last: columnLast,
    columns: c.mux(columnLast, layer['columns_last']!, wholeColumns),
    ...(plan.merge?.sets === 2
      ? operandControl(c, layer, foldStart.q, point, [windowX.ends, windowY.ends, poolX.ends])
      : {}),
  }
  for (const [name, node] of Object.entries(control)) m.output(`control_${name}`, node)
  if (rowsVary(plan)) m.output('row_top', layer['row_top']!)
  if (waits !== undefined) m.output('grid_begin', c.and(layerStart.q, waits))
  if (fills !== undefined) fillControl(m, plan, layer, c.and(valid, fills), foldStart.q, layerStart.q)
  m.output('begin_layer', layerStart.q)
  m.output('height', layer['height']!)
  m.output('width', layer['width']!)
  if (plan.merge?.sets === 2) {
    m.output('read_set', layer['read_set']!)
    m.output('store_sets', layer['store_sets']!)
  }
  const stored = plan.grid === undefined ? writerPorts(plan) : sharedWriterPorts(plan)
  const ports = { ...postPorts(plan), ...stored, ...mergePorts(plan), ...operandLayerPorts(plan) }
  for (const [name, bits] of Object.entries(ports))
    m.output(`layer_${name}`, resizeUnsigned(c, layer[name]!, bits))
  const release = layer['input_until']
  return {
    any: layerStart.q,
    release: release && c.label(c.and(layerStart.q, release), 'input_has_been_read'),
  }
}

/** The first cycle of a fold, but of a layer that leaves weights, taps and parameters as they are. */
function foldBegins(
  c: Comb<Node>,
  plan: Plan,
  layer: LayerFields,
  start: Node,
  productive: Node | undefined,
): Node {
  if (plan.merge?.sets === 2) return c.label(c.and(start, layer['products']!), 'begin_products')
  return layer['waits'] === undefined ? start : c.label(c.and(start, productive!), 'begin_products')
}

/** What the map reader must know of a position: the first one of a fold, the loop that steps behind it, and whether the operand has a code there. */
function operandControl(
  c: Comb<Node>,
  layer: LayerFields,
  first: Node,
  { y, x }: { readonly y: Node; readonly x: Node },
  [windowX, windowY, poolX]: readonly [Node, Node, Node],
): Record<keyof typeof operandPorts, Node> {
  const within = c.and(c.less(y, layer['height']!), c.less(x, layer['width']!))
  const [one, zero] = [c.constant(1, 1), c.constant(0, 1)]
  const level = c.mux(windowX, c.mux(windowY, c.cat(one, poolX), c.cat(zero, one)), c.cat(zero, zero))
  const inside = c.and(layer['operand']!, c.or(layer['products']!, within))
  return { operand_first: first, operand_level: level, operand_inside: inside }
}

/** What counts the pixels of a layer that fills the moment banks, and what says that a layer reads them. */
function fillControl(
  m: ModuleBuilder,
  plan: Plan,
  layer: LayerFields,
  valid: Node,
  firstOfFold: Node,
  firstOfLayer: Node,
): void {
  m.output('fill_valid', valid)
  m.output('fill_first_of_fold', firstOfFold)
  m.output('fill_first_of_layer', firstOfLayer)
  const { column } = momentPorts(plan)
  const own = {
    line_last: column,
    stride_y_last: momentStrideBits(plan, 0),
    stride_x_last: momentStrideBits(plan, 1),
    span_y_last: momentSpanBits(plan, 0),
    span_x_last: momentSpanBits(plan, 1),
  }
  for (const [name, bits] of Object.entries(own))
    m.output(`fill_${name}`, resizeUnsigned(m.c, layer[name]!, bits))
  m.output('fill_words', layer['moment_words']!)
  if (addsKernels(plan.moments!))
    m.output('fill_begun', resizeUnsigned(m.c, layer['folds_begun']!, momentFoldBits(plan)))
  m.output('reads_moments', layer['reads_moments']!)
  const unit = unitBits(plan.moments!)
  if (unit > 0) m.output('moment_unit', resizeUnsigned(m.c, layer['moment_unit']!, unit))
}
