import { indexBits, unsignedBits } from '../base/integers.ts'
import type { Comb } from '../comb/comb.ts'
import { defineModule, type Module, type ModuleBuilder, type Node } from '../hdl/module.ts'
import type { Plan } from '../plan/plan.ts'
import { type columnPorts, postPorts } from './accumulator-column.ts'
import { all, any, equalTo, gate, plus, resize } from './gates.ts'
import { writerPorts } from './output-writer.ts'
import {
  type LayerFields,
  layerIndexBits,
  programMemory,
  splitStreaming,
  splitWord,
  streamingPart,
} from './program-memory.ts'

const phases = { idle: 0, input: 1, run: 2, output: 3 } as const

/** The state of the run that loader and streamer share. */
interface Run {
  /** The cycle before cycle 0 of the run. */
  readonly begin: Node
  /** The last cycle of a step, while the run goes on. */
  readonly advance: Node
  /** The fold that is loading becomes the fold that is streamed: advance, and there is one. */
  readonly swap: Node
}

/** The fold that is being loaded. */
interface LoadingFold {
  readonly valid: Node
  readonly layer: LayerFields
  readonly word: Node
  readonly rows: Node
  /** Rows of the first fold of all, known one cycle earlier. */
  readonly rowsAtBegin: Node
  readonly first: Node
  readonly last: Node
  readonly columnLast: Node
  readonly firstOfLayer: Node
  /** Rows of the fold after it; 0 if there is none. */
  readonly rowsNext: Node
}

/**
 * Walks the program: while one fold is streamed, the next one's rows load. A step lasts until both are done; all durations
 * come from the Plan, and nothing here depends on the data.
 */
export function sequencer(plan: Plan): Module {
  return defineModule(
    'sequencer',
    'Sequencer: walks the program, layer by layer, fold by fold; loads one fold while it streams another.',
    (m) => {
      const { c } = m
      const start = m.input('start', 1)
      const inputLast = m.input('input_last', 1)
      const outputLast = m.input('output_last', 1)

      const phase = m.register('phase', 2, { reset: phases.idle })
      const inPhase = (name: keyof typeof phases) =>
        c.label(equalTo(c, phase.q, phases[name]), `phase_is_${name}`)
      const running = inPhase('run')
      const stepBits = unsignedBits(
        Math.max(
          plan.array.rows,
          ...plan.layers.flatMap((l) => [l.cyclesPartial, l.cyclesFinal, l.cyclesLast]),
        ),
      )
      const remaining = m.register('remaining', stepBits, { reset: 0 })
      const advance = c.label(c.and(running, equalTo(c, remaining.q, 0)), 'advance')
      const begin = c.label(c.and(inPhase('input'), inputLast), 'begin_run')

      const loading = m.wire('swap_folds', 1)
      const run: Run = { begin, advance, swap: loading.value }
      const fold = loader(m, plan, run)
      loading.drive(c.and(advance, fold.valid))
      const finished = c.label(c.and(advance, c.not(fold.valid)), 'finished')
      streamer(m, plan, run, fold)

      const state = (value: number) => c.constant(value, 2)
      phase.next(
        c.mux(
          c.and(inPhase('idle'), start),
          state(phases.input),
          c.mux(
            begin,
            state(phases.run),
            c.mux(finished, state(phases.output), c.mux(outputLast, state(phases.idle), phase.q)),
          ),
        ),
      )
      const needed = c.label(stepLength(c, stepBits, fold), 'step_length')
      const counted = c.mux(
        run.swap,
        needed,
        // the first step is one cycle longer than its rows: the next program word is fetched meanwhile
        c.mux(begin, resize(c, fold.rowsAtBegin, stepBits), plus(c, remaining.q, -1)),
      )
      remaining.next(counted, any(c, begin, running))
      const done = m.register('done_now', 1, { reset: 0 })
      done.next(outputLast)

      m.output('done', done.q)
      m.output('busy', c.not(inPhase('idle')))
      m.output('input_open', inPhase('input'))
      m.output('input_begin', inPhase('idle'))
      m.output('output_begin', finished)
    },
  )
}

/** Cycles - 1 of the step that streams the fold loaded now and loads the one after it. */
function stepLength(c: Comb<Node>, bits: number, { layer, last, columnLast, rowsNext }: LoadingFold): Node {
  const cycles = (name: string) => resize(c, layer[name]!, bits)
  const streaming = c.label(
    c.mux(last, c.mux(columnLast, cycles('cycles_last'), cycles('cycles_final')), cycles('cycles_partial')),
    'stream_cycles',
  )
  const rows = resize(c, rowsNext, bits)
  return plus(c, c.mux(c.less(streaming, rows), rows, streaming), -1)
}

/** Chooses the next fold, and issues the rows of the current one with the place of their taps in the input map. */
function loader(m: ModuleBuilder, plan: Plan, run: Run): LoadingFold {
  const { c } = m
  const { rows } = plan.array
  const rowBits = unsignedBits(rows)
  const nextLayer = m.register('next_layer', layerIndexBits(plan), { reset: 0 })
  const program = programMemory(m, plan, nextLayer.q)
  const word = m.register('loading_word', program.bits)
  const layer = splitWord(c, plan, word.q, 'loading')
  const coming = splitWord(c, plan, program.word, 'fetched')

  const valid = m.register('loading_valid', 1, { reset: 0 })
  const tapBits = c.width(layer['taps']!)
  const tapsLeft = m.register('taps_left', tapBits)
  const columnFold = m.register('column_fold', c.width(layer['column_folds_last']!))
  const first = m.register('first_row_fold', 1)
  const rowsOf = (taps: Node) =>
    2 ** tapBits - 1 <= rows
      ? resize(c, taps, rowBits)
      : c.mux(c.less(c.constant(rows, tapBits), taps), c.constant(rows, rowBits), resize(c, taps, rowBits))
  const foldRows = c.label(rowsOf(tapsLeft.q), 'fold_rows')
  const rowLast = c.label(
    2 ** tapBits - 1 <= rows ? c.constant(1, 1) : c.not(c.less(c.constant(rows, tapBits), tapsLeft.q)),
    'last_row_fold',
  )
  const columnLast = c.label(c.equal(columnFold.q, layer['column_folds_last']!), 'last_column_fold')
  const layerEnds = c.label(c.and(rowLast, columnLast), 'layer_ends')
  const none = equalTo(c, nextLayer.q, 0)
  const networkEnds = c.label(c.and(layerEnds, none), 'network_ends')

  // The program word of layer nextLayer is fetched ahead; nextLayer is 0 again while the last layer loads.
  const takeWord = c.label(c.or(run.begin, all(c, run.swap, layerEnds)), 'take_word')
  const afterThis =
    plan.layers.length === 1
      ? c.constant(0, c.width(nextLayer.q))
      : c.mux(
          equalTo(c, nextLayer.q, plan.layers.length - 1),
          c.constant(0, c.width(nextLayer.q)),
          plus(c, nextLayer.q, 1),
        )
  nextLayer.next(afterThis, c.label(c.and(takeWord, c.not(c.and(run.swap, networkEnds))), 'step_layer'))
  word.next(program.word, takeWord)

  const leftInFold = tapBits >= rowBits && 2 ** tapBits > rows ? plus(c, tapsLeft.q, -rows) : tapsLeft.q
  const tapsNext = c.label(
    c.mux(takeWord, coming['taps']!, c.mux(rowLast, layer['taps']!, leftInFold)),
    'taps_next',
  )
  const change = c.label(c.or(run.begin, run.swap), 'change_fold')
  tapsLeft.next(tapsNext, change)
  columnFold.next(
    c.mux(
      takeWord,
      c.constant(0, c.width(columnFold.q)),
      c.mux(rowLast, plus(c, columnFold.q, 1), columnFold.q),
    ),
    change,
  )
  const newColumns = c.label(c.or(takeWord, rowLast), 'new_column_fold')
  first.next(newColumns, change)
  const more = c.label(c.or(run.begin, c.not(networkEnds)), 'more_folds')
  valid.next(more, change)

  // Rows of this fold, one a cycle.
  const rowIndexBits = indexBits(rows)
  const row = m.register('row', rowIndexBits, { reset: 0 })
  const issuing = m.register('row_valid', 1, { reset: 0 })
  const rowEnds = c.label(c.equal(resize(c, row.q, rowBits), plus(c, foldRows, -1)), 'rows_end')
  const idle = c.constant(0, 1)
  row.next(c.mux(change, c.constant(0, rowIndexBits), plus(c, row.q, 1)), c.or(change, issuing.q))
  issuing.next(c.mux(change, more, c.mux(rowEnds, idle, issuing.q)))
  const weightAddress = m.register('weight_address_count', plan.widths.weightAddress, { reset: 0 })
  weightAddress.next(
    c.mux(run.begin, c.constant(0, plan.widths.weightAddress), plus(c, weightAddress.q, 1)),
    c.or(run.begin, issuing.q),
  )

  const place = tapPlace(m, plan, layer, issuing.q, c.label(c.and(change, newColumns), 'first_tap'))
  m.output('load', issuing.q)
  m.output('load_row', row.q)
  m.output('load_tile', tileBits(c, plan, layer['tile']!))
  m.output('offset', place.offset)
  m.output('kernel_y', place.y)
  m.output('kernel_x', place.x)
  m.output('weight_address', weightAddress.q)
  const nothing = c.constant(0, rowBits)
  return {
    valid: valid.q,
    layer,
    word: word.q,
    rows: foldRows,
    rowsAtBegin: rowsOf(coming['taps']!),
    first: first.q,
    last: rowLast,
    columnLast,
    firstOfLayer: c.and(first.q, equalTo(c, columnFold.q, 0)),
    rowsNext: c.label(c.mux(networkEnds, nothing, rowsOf(tapsNext)), 'rows_next'),
  }
}

const tileBits = (c: Comb<Node>, plan: Plan, tile: Node): Node =>
  plan.tiles.length === 1
    ? c.constant(1, 1)
    : c.cat(...plan.tiles.map((_, t) => equalTo(c, tile, t)).reverse())

/** Walks channel, kernel x, kernel y, and keeps the offset of the tap from the position: one more every `modulus` taps, a jump with each kernel row. */
function tapPlace(m: ModuleBuilder, plan: Plan, layer: LayerFields, step: Node, clear: Node) {
  const { c } = m
  const { bankAddress, coordinate } = plan.widths
  const zero = (x: Node) => c.constant(0, c.width(x))
  const counter = (name: string, width: number, advance: Node, wrap: Node): Node => {
    const register = m.register(name, width)
    register.next(c.mux(c.or(clear, wrap), zero(register.q), plus(c, register.q, 1)), c.or(clear, advance))
    return register.q
  }
  const level = (name: string, lastName: string, advance: Node) => {
    const width = c.width(layer[lastName]!)
    const ends = m.wire(`${name}_ends`, 1)
    const value = counter(name, width, advance, ends.value)
    ends.drive(c.equal(value, layer[lastName]!))
    return { value, carry: c.label(c.and(advance, ends.value), `${name}_carry`) }
  }
  const channel = level('channel_in_word', 'modulus_last', step)
  const wordLevel = level('channel_word', 'words_last', channel.carry)
  const x = level('tap_x', 'kernel_x_last', wordLevel.carry)
  const y = counter('tap_y', coordinate, x.carry, c.constant(0, 1))
  const offset = m.register('tap_offset', bankAddress)
  const jump = c.mux(x.carry, layer['offset_carry']!, c.constant(1, bankAddress))
  offset.next(c.mux(clear, c.constant(0, bankAddress), c.add(offset.q, jump)), c.or(clear, channel.carry))
  return { offset: offset.q, y, x: resize(c, x.value, coordinate) }
}

/** Issues the positions of the fold at work: their addresses for the rows, their flags for the columns. */
function streamer(m: ModuleBuilder, plan: Plan, run: Run, loading: LoadingFold): void {
  const { c } = m
  const hold = (name: string, value: Node) => {
    const register = m.register(name, c.width(value))
    register.next(value, run.swap)
    return register.q
  }
  const word = hold('streaming_word', streamingPart(c, plan, loading.word))
  const layer = splitStreaming(c, plan, word, 'layer')
  const rows = hold('streaming_rows', loading.rows)
  const first = hold('streaming_first', loading.first)
  const last = hold('streaming_last', loading.last)
  const columnLast = hold('streaming_column_last', loading.columnLast)

  const foldStart = m.register('fold_start', 1, { reset: 0 })
  foldStart.next(run.swap)
  const layerStart = m.register('layer_start', 1, { reset: 0 })
  layerStart.next(c.and(run.swap, loading.firstOfLayer))

  const issuing = m.register('issuing', 1, { reset: 0 })
  const intervalBits = c.width(layer['interval_last']!)
  const wait = m.register('interval_count', intervalBits)
  const limit = gate(c, last, layer['interval_last']!)
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
    tile: tileBits(c, plan, layer['tile']!),
  }))
    m.output(`position_${name}`, node)
  const columnsBits = unsignedBits(plan.array.columns)
  const control: Record<keyof ReturnType<typeof columnPorts>, Node> = {
    valid,
    index: resize(c, count.q, plan.widths.accumulatorAddress),
    first,
    last,
    begin_fold: foldStart.q,
    window_first: c.and(equalTo(c, windowX.value, 0), equalTo(c, windowY.value, 0)),
    window_last: c.and(windowX.ends, windowY.ends),
    begin_map: firstWindow.q,
    column_last: columnLast,
    columns: c.mux(columnLast, layer['columns_last']!, c.constant(plan.array.columns, columnsBits)),
  }
  for (const [name, node] of Object.entries(control)) m.output(`control_${name}`, node)
  m.output('begin_layer', layerStart.q)
  m.output('height', layer['height']!)
  m.output('width', layer['width']!)
  for (const [name, bits] of Object.entries({ ...postPorts(plan), ...writerPorts(plan) }))
    m.output(`layer_${name}`, resize(c, layer[name]!, bits))
}
