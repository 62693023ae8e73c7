import { indexBits, unsignedBits } from '../base/integers.ts'
import type { Comb } from '../comb/comb.ts'
import { gate, isZero, reduceOr, replicate } from '../comb/derived.ts'
import type { ModuleBuilder, Node, Wire } from '../hdl/module.ts'
import type { Plan } from '../plan/plan.ts'
import { hasMaps, movesWindows, readsParts, stepsOverWords } from '../plan/program.ts'
import { sharedBanks } from '../plan/rotation.ts'
import { layerSize, rowsVary } from '../plan/size.ts'
import { all, any, equalTo, plus, resizeUnsigned } from './gates.ts'
import {
  bankOf,
  channelPorts,
  either,
  firstChannel,
  nextChannels,
  placeRegisters,
} from './mixed/channel-step.ts'
import { passMemory } from './pass-memory.ts'
import { type LayerFields, layerIndexBits, programMemory, splitWord } from './program-memory.ts'

/** The state of the run that loader and streamer share. */
export interface Run {
  /** The cycle before cycle 0 of the run. */
  readonly begin: Node
  /** The last cycle of a step, while the run goes on. */
  readonly advance: Node
  /** The fold that is loading becomes the fold that is streamed: advance, and there is one. */
  readonly swap: Node
  /** The fold that is loading is the network's last: the loader drives it. */
  readonly last: Wire
}

/** The fold that is being loaded. */
export interface LoadingFold {
  readonly valid: Node
  readonly layer: LayerFields
  readonly word: Node
  /** The row of the array after its last one. */
  readonly rowsEnd: Node
  /** Rows of the first fold of all, known one cycle earlier. */
  readonly rowsAtBegin: Node
  /** Starts, and finishes, the sums of its column fold. */
  readonly first: Node
  readonly last: Node
  readonly columnLast: Node
  readonly firstOfLayer: Node
  /** One bit a tile: who takes part in the pass. */
  readonly tiles: Node
  /** The mode of the pass, where it comes with the pass. */
  readonly mode: Node | undefined
  /** Rows of the fold after it; 0 if there is none. */
  readonly rowsNext: Node
}

/** Chooses the next fold, and issues the rows of the current one with the place of their taps in the input map. */
export function loader(m: ModuleBuilder, plan: Plan, run: Run): LoadingFold {
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
  const vary = rowsVary(plan)
  const whole = (of: LayerFields) => (vary ? of['rows']! : c.constant(rows, rowBits))
  // Where every layer may have one row fold only, there is nothing to compare.
  const oneFold = 2 ** tapBits - 1 <= Math.min(...plan.layers.map((one) => layerSize(plan, one).rows))
  const compared = Math.max(tapBits, rowBits)
  const beyond = (limit: Node, taps: Node) =>
    vary
      ? c.less(resizeUnsigned(c, limit, compared), resizeUnsigned(c, taps, compared))
      : c.less(c.constant(rows, tapBits), taps)
  const rowsOf = (taps: Node, limit: Node) =>
    oneFold
      ? resizeUnsigned(c, taps, rowBits)
      : c.mux(beyond(limit, taps), limit, resizeUnsigned(c, taps, rowBits))
  const foldRows = c.label(rowsOf(tapsLeft.q, whole(layer)), 'fold_rows')
  const rowLast = c.label(
    oneFold ? c.constant(1, 1) : c.not(c.label(beyond(whole(layer), tapsLeft.q), 'more_row_folds')),
    'last_row_fold',
  )
  const columnLast = c.label(c.equal(columnFold.q, layer['column_folds_last']!), 'last_column_fold')
  const change = c.label(c.or(run.begin, run.swap), 'change_fold')
  const pass = passMemory(m, plan, run.begin, c.and(run.swap, rowLast), c.and(run.swap, run.last.value))
  const foldEnds = c.label(c.and(rowLast, pass.last), 'column_fold_ends')
  const layerEnds = c.label(c.and(foldEnds, columnLast), 'layer_ends')
  const none = equalTo(c, nextLayer.q, 0)
  const networkEnds = c.label(c.and(layerEnds, none), 'network_ends')
  run.last.drive(networkEnds)

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

  const leftInFold = oneFold
    ? tapsLeft.q
    : vary
      ? c.sub(tapsLeft.q, resizeUnsigned(c, whole(layer), tapBits))
      : plus(c, tapsLeft.q, -rows)
  const tapsNext = c.label(
    c.mux(takeWord, coming['taps']!, c.mux(rowLast, layer['taps']!, leftInFold)),
    'taps_next',
  )
  tapsLeft.next(tapsNext, change)
  columnFold.next(
    c.mux(
      takeWord,
      c.constant(0, c.width(columnFold.q)),
      c.mux(foldEnds, plus(c, columnFold.q, 1), columnFold.q),
    ),
    change,
  )
  const newColumns = c.label(c.or(takeWord, foldEnds), 'new_column_fold')
  first.next(newColumns, change)
  const newPass = c.label(c.or(takeWord, rowLast), 'new_pass')
  const more = c.label(c.or(run.begin, c.not(networkEnds)), 'more_folds')
  valid.next(more, change)

  // Rows of this fold, one a cycle. A layer of fewer rows than the array begins at a lower row of it; its first weights may have to wait for
  // the layer before, whose rows begin higher up: then the count begins there.
  const rowIndexBits = indexBits(rows)
  const row = m.register('row', rowIndexBits, { reset: 0 })
  const issuing = m.register('row_valid', 1, { reset: 0 })
  const rowsEnd = vary
    ? c.label(c.add(resizeUnsigned(c, layer['row_top']!, rowBits), foldRows), 'fold_rows_end')
    : foldRows
  const rowEnds = c.label(c.equal(resizeUnsigned(c, row.q, rowBits), plus(c, rowsEnd, -1)), 'rows_end')
  const idle = c.constant(0, 1)
  const firstRow = vary
    ? c.mux(takeWord, coming['row_first']!, layer['row_top']!)
    : c.constant(0, rowIndexBits)
  row.next(c.mux(change, firstRow, plus(c, row.q, 1)), c.or(change, issuing.q))
  // a layer without products has no rows
  const begins = hasMaps(plan) ? c.and(more, reduceOr(c, tapsNext)) : more
  issuing.next(c.mux(change, begins, c.mux(rowEnds, idle, issuing.q)))
  const load = vary
    ? c.label(c.and(issuing.q, c.not(c.less(row.q, layer['row_top']!))), 'load_now')
    : issuing.q
  // the rows of a layer that fills the moment banks take up their taps, but no weights
  const loadsNothing = layer['loads_nothing']
  const takes = loadsNothing === undefined ? load : c.label(c.and(load, c.not(loadsNothing)), 'load_weights')
  const weightAddress = weightCounter(m, plan, run.begin, takes, run.swap, { newColumns, newPass })

  const firstTap = c.label(c.and(change, newPass), 'first_tap')
  const window = movesWindows(plan)
    ? firstWindowWord(m, plan, layer, change, { takeWord, newColumns })
    : c.constant(0, plan.widths.bankAddress)
  const place = tapPlace(m, plan, layer, load, firstTap, window)
  m.output('load', load)
  m.output('load_row', row.q)
  m.output(
    'load_tile',
    loadsNothing === undefined
      ? pass.tiles
      : c.and(pass.tiles, replicate(c, c.not(loadsNothing), plan.tiles.length)),
  )
  m.output('offset', place.offset)
  m.output('kernel_y', place.y)
  m.output('kernel_x', place.x)
  if (place.group !== undefined) {
    m.output('bank', place.group.bank)
    m.output('channels', place.group.channels)
  }
  m.output('weight_address', weightAddress)
  const nothing = c.constant(0, rowBits)
  return {
    valid: valid.q,
    layer,
    word: word.q,
    rowsEnd,
    rowsAtBegin: atLeastOne(c, plan, rowsOf(coming['taps']!, whole(coming))),
    first: first.q,
    last: foldEnds,
    columnLast,
    tiles: pass.tiles,
    mode: pass.mode,
    firstOfLayer: c.and(first.q, equalTo(c, columnFold.q, 0)),
    rowsNext: c.label(
      c.mux(
        networkEnds,
        nothing,
        rowsOf(tapsNext, vary ? c.mux(takeWord, whole(coming), whole(layer)) : whole(layer)),
      ),
      'rows_next',
    ),
  }
}

/** The first step lasts two cycles also where the first layer loads no rows. */
function atLeastOne(c: Comb<Node>, plan: Plan, rows: Node): Node {
  if (!hasMaps(plan)) return rows
  return c.mux(isZero(c, rows), c.constant(1, c.width(rows)), rows)
}

/** The word of a pixel at which the channels begin that a column fold sees: it moves on with the column folds. */
function firstWindowWord(
  m: ModuleBuilder,
  plan: Plan,
  layer: LayerFields,
  change: Node,
  { takeWord, newColumns }: { readonly takeWord: Node; readonly newColumns: Node },
): Node {
  const { c } = m
  const word = m.register('window_word', plan.widths.bankAddress)
  const folds = m.register('window_folds', c.width(layer['window_folds_last']!))
  const ends = c.label(c.equal(folds.q, layer['window_folds_last']!), 'window_ends')
  const step = c.and(change, newColumns)
  const zero = (x: Node) => c.constant(0, c.width(x))
  folds.next(c.mux(c.or(takeWord, ends), zero(folds.q), plus(c, folds.q, 1)), step)
  const moved = c.mux(ends, c.add(word.q, layer['window_words']!), word.q)
  const next = c.label(c.mux(takeWord, zero(word.q), c.mux(newColumns, moved, word.q)), 'window_word_next')
  word.next(next, step)
  return next
}

/** Counts the weight words; each pass of a column fold begins at that column fold's first word again. */
function weightCounter(
  m: ModuleBuilder,
  plan: Plan,
  begin: Node,
  step: Node,
  swap: Node,
  { newColumns, newPass }: { readonly newColumns: Node; readonly newPass: Node },
): Node {
  const { c } = m
  const width = plan.widths.weightAddress
  const address = m.register('weight_address_count', width, { reset: 0 })
  const zero = c.constant(0, width)
  if (!plan.layers.some(({ passes }) => passes.some((list) => list.length > 1))) {
    address.next(c.mux(begin, zero, plus(c, address.q, 1)), c.or(begin, step))
    return address.q
  }
  const following = c.label(c.mux(step, plus(c, address.q, 1), address.q), 'weight_address_next')
  const base = m.register('column_fold_weights', width, { reset: 0 })
  base.next(c.mux(begin, zero, following), c.or(begin, c.and(swap, newColumns)))
  const again = all(c, swap, newPass, c.not(newColumns))
  address.next(c.mux(begin, zero, c.mux(again, base.q, following)), any(c, begin, step, again))
  return address.q
}

/**
 * Walks channel, kernel x, kernel y, and keeps the offset of the tap from the position: one more (or a layer's step) every `modulus` taps, a jump with each kernel row, and
 * with each pixel of which the taps read only a part. It begins at word `first` of a pixel.
 */
function tapPlace(m: ModuleBuilder, plan: Plan, layer: LayerFields, step: Node, clear: Node, first: Node) {
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
    const last = c.equal(value, layer[lastName]!)
    ends.drive(last)
    return { value, last, carry: c.label(c.and(advance, ends.value), `${name}_carry`) }
  }
  const channel = level('channel_in_word', 'modulus_last', step)
  const wordLevel = level('channel_word', 'words_last', channel.carry)
  const x = level('tap_x', 'kernel_x_last', wordLevel.carry)
  const y = counter('tap_y', coordinate, x.carry, c.constant(0, 1))
  const offset = m.register('tap_offset', bankAddress)
  const steps = { clear, channel: channel.carry, pixel: wordLevel.carry, row: x.carry }
  const { onward, group } =
    plan.grid === undefined
      ? { onward: nextWord(c, plan, layer, steps), group: undefined }
      : nextGroup(m, plan, layer, steps, wordLevel.last)
  const jump = c.mux(x.carry, layer['offset_carry']!, onward)
  offset.next(c.mux(clear, first, c.add(offset.q, jump)), c.or(clear, channel.carry))
  return { offset: offset.q, y, x: resizeUnsigned(c, x.value, coordinate), group }
}

/** Where the loops over the taps step: to the next word of a pixel, to the next pixel, to the next row. */
interface TapSteps {
  readonly clear: Node
  readonly channel: Node
  readonly pixel: Node
  readonly row: Node
}

function nextWord(c: Comb<Node>, plan: Plan, layer: LayerFields, { pixel }: TapSteps): Node {
  const one = stepsOverWords(plan) ? layer['tap_step']! : c.constant(1, plan.widths.bankAddress)
  return readsParts(plan) ? c.mux(pixel, layer['pixel_carry']!, one) : one
}

/** In shared banks groups of channels lie side by side, as far as there are banks, and then a plane further. */
function nextGroup(m: ModuleBuilder, plan: Plan, layer: LayerFields, steps: TapSteps, last: Node) {
  const { c } = m
  const rotation = sharedBanks(plan)
  const { rows } = plan.array
  const at = placeRegisters(m, 'tap', channelPorts(rotation, rows))
  const next = nextChannels(c, rotation, rows, at.q)
  const again = c.or(steps.clear, steps.pixel)
  at.next(either(c, again, firstChannel(c, rotation, rows), next.place), c.or(again, steps.channel))
  const plane = gate(c, layer['plane']!, next.wraps)
  const whole = c.constant(rows, c.width(layer['channels_last']!))
  return {
    onward: c.mux(steps.pixel, layer['pixel_carry']!, plane),
    group: {
      bank: bankOf(c, rotation, at.q),
      channels: c.mux(last, layer['channels_last']!, whole),
    },
  }
}
