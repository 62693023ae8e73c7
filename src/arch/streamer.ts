import { unsignedBits } from '../base/integers.ts'
import { gate } from '../comb/derived.ts'
import type { ModuleBuilder, Node } from '../hdl/module.ts'
import type { Plan } from '../plan/plan.ts'
import { columnsVary, rowsVary } from '../plan/size.ts'
import { type columnPorts, postPorts } from './accumulator-column.ts'
import { equalTo, plus, resizeUnsigned } from './gates.ts'
import type { LoadingFold, Run } from './loader.ts'
import { writerPorts } from './output-writer.ts'
import { splitStreaming, streamingPart } from './program-memory.ts'

/**
 * Issues the positions of the fold at work: their addresses for the rows, their flags for the columns. Returns the bit that is 1 in the first
 * cycle of each layer.
 */
export function streamer(m: ModuleBuilder, plan: Plan, run: Run, loading: LoadingFold): Node {
  const { c } = m
  const hold = (name: string, value: Node) => {
    const register = m.register(name, c.width(value))
    register.next(value, run.swap)
    return register.q
  }
  const word = hold('streaming_word', streamingPart(c, plan, loading.word))
  const layer = splitStreaming(c, plan, word, 'layer')
  const rows = hold('streaming_rows', loading.rowsEnd)
  const first = hold('streaming_first', loading.first)
  const last = hold('streaming_last', loading.last)
  const columnLast = hold('streaming_column_last', loading.columnLast)
  const tiles = plan.tiles.length === 1 ? c.constant(1, 1) : hold('streaming_tiles', loading.tiles)

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

  for (const [name, node] of Object.entries({
    valid,
    swap: foldStart.q,
    ...point,
    rows,
    tile: tiles,
    ...(loading.mode === undefined ? {} : { mode: hold('streaming_mode', loading.mode) }),
  }))
    m.output(`position_${name}`, node)
  const wholeColumns = columnsVary(plan)
    ? layer['columns']!
    : c.constant(plan.array.columns, unsignedBits(plan.array.columns))
  const control: Record<keyof ReturnType<typeof columnPorts>, Node> = {
    valid,
    index: resizeUnsigned(c, count.q, plan.widths.accumulatorAddress),
    first,
    last,
    begin_fold: foldStart.q,
    window_first: c.and(equalTo(c, windowX.value, 0), equalTo(c, windowY.value, 0)),
    window_last: c.and(windowX.ends, windowY.ends),
    begin_map: firstWindow.q,
    column_last: columnLast,
    columns: c.mux(columnLast, layer['columns_last']!, wholeColumns),
  }
  for (const [name, node] of Object.entries(control)) m.output(`control_${name}`, node)
  if (rowsVary(plan)) m.output('row_top', layer['row_top']!)
  m.output('begin_layer', layerStart.q)
  m.output('height', layer['height']!)
  m.output('width', layer['width']!)
  for (const [name, bits] of Object.entries({ ...postPorts(plan), ...writerPorts(plan) }))
    m.output(`layer_${name}`, resizeUnsigned(c, layer[name]!, bits))
  return layerStart.q
}
