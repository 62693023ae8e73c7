import { unsignedBits } from '../../base/integers.ts'
import type { Comb } from '../../comb/comb.ts'
import { bit } from '../../comb/derived.ts'
import { defineModule, type Module, type ModuleBuilder, type Node } from '../../hdl/module.ts'
import type { RowPlan } from '../../plan/row/plan.ts'
import { loadPorts, stationFields } from '../../plan/row/ports.ts'
import { hasKernelColumns, kernelFolded, partial, rowPassBits, rowPassWords } from '../../plan/row/program.ts'
import { all, any, equalTo, follow, plus, resizeUnsigned } from '../gates.ts'
import { type LayerFields, programMemory, splitWord } from './program-memory.ts'

const phases = { idle: 0, input: 1, run: 2, output: 3 } as const

/**
 * Walks the program: a layer fills the PEs with its first pass, streams pass after pass while the next one loads, and drains. All durations come from the
 * plan, and nothing here depends on the data.
 */
export function rowSequencer(plan: RowPlan): Module {
  return defineModule(
    'row_sequencer',
    'Sequencer: walks the program, layer by layer, pass by pass; loads one pass while it streams another.\nphase: 0 idle, 1 input, 2 run, 3 output (docs/row-stationary.md).',
    (m) => {
      const { c } = m
      const start = m.input('start', 1)
      const inputWhole = m.input('input_whole', 1)
      const outputLast = m.input('output_last', 1)

      const phase = m.register('phase', 2, { reset: phases.idle })
      const inPhase = (name: keyof typeof phases) =>
        c.label(equalTo(c, phase.q, phases[name]), `phase_is_${name}`)
      const running = inPhase('run')
      const begin = c.label(c.and(inPhase('input'), inputWhole), 'begin_run')

      const nextLayer = m.register('next_layer', indexOfLayers(plan), { reset: 0 })
      const fetched = programMemory(m, plan, nextLayer.q)
      const coming = splitWord(c, plan, fetched, 'coming')
      const changes = m.wire('layer_changes', 1)
      const word = m.register('layer_word', c.width(fetched))
      word.next(fetched, changes.value)
      const layer = splitWord(c, plan, word.q, 'now')

      // The length of a step: filling, streaming or draining.
      const lengthBits = unsignedBits(
        Math.max(
          ...plan.layers.flatMap((l) => [l.cyclesFill, l.cyclesPartial, l.cyclesFinal, l.cyclesDrain]),
        ) - 1,
      )
      const remaining = m.register('remaining', lengthBits, { reset: 0 })
      const advance = c.label(c.and(running, equalTo(c, remaining.q, 0)), 'advance')
      const loaded = m.register('pass_loaded', 1, { reset: 0 })
      const draining = m.register('draining', 1, { reset: 0 })
      const swap = c.label(c.and(advance, loaded.q), 'swap_passes')
      const drain = c.label(all(c, advance, c.not(loaded.q), c.not(draining.q)), 'drain_begins')
      const layerEnds = c.label(all(c, advance, c.not(loaded.q), draining.q), 'layer_ends')
      const finished = c.label(c.and(layerEnds, layer['last_layer']!), 'finished')
      const onward = c.label(
        any(c, begin, c.and(layerEnds, c.not(layer['last_layer']!))),
        'next_layer_begins',
      )
      changes.drive(onward)
      const starting = m.register('layer_starts', 1, { reset: 0 })
      starting.next(onward)
      nextLayer.next(
        c.mux(finished, c.constant(0, c.width(nextLayer.q)), plus(c, nextLayer.q, 1)),
        any(c, onward, finished),
      )

      const pass = loader(m, plan, layer, starting.q, swap)
      loaded.next(any(c, onward, c.and(loaded.q, c.not(c.and(swap, pass.ends)))))
      draining.next(c.mux(advance, drain, draining.q))
      const cycles = (fields: LayerFields, name: string) =>
        resizeUnsigned(c, fields[`cycles_${name}`]!, lengthBits)
      const length = c.mux(
        onward,
        cycles(coming, 'fill'),
        c.mux(
          swap,
          c.mux(pass.last, cycles(layer, 'final'), cycles(layer, 'partial')),
          c.mux(drain, cycles(layer, 'drain'), plus(c, remaining.q, -1)),
        ),
      )
      remaining.next(c.label(length, 'remaining_next'), any(c, begin, running))
      streamer(m, plan, layer, pass, swap, drain, advance)

      const state = (value: number) => c.constant(value, 2)
      phase.next(
        c.label(
          c.mux(
            c.and(inPhase('idle'), start),
            state(phases.input),
            c.mux(
              begin,
              state(phases.run),
              c.mux(finished, state(phases.output), c.mux(outputLast, state(phases.idle), phase.q)),
            ),
          ),
          'phase_next',
        ),
      )
      const done = m.register('done_now', 1, { reset: 0 })
      done.next(outputLast)
      // the input map has been read where the first layer ends
      const first = m.register('in_first_layer', 1, { reset: 0 })
      first.next(any(c, begin, c.and(first.q, c.not(layerEnds))))

      m.output('done', done.q)
      m.output('busy', c.not(inPhase('idle')))
      m.output('input_begin', begin)
      m.output('input_release', c.and(first.q, layerEnds))
      m.output('output_begin', finished)
      m.output('layer_starts_out', starting.q)
      for (const name of stationFields(plan)) m.output(`layer_${name}`, layer[name]!)
    },
  )
}

const indexOfLayers = (plan: RowPlan) => Math.max(1, Math.ceil(Math.log2(plan.memories.programWords)))

/** What the loader says of the pass that loads, which is streamed next. */
interface LoadingPass {
  /** It is the last one of its layer. */
  readonly ends: Node
  readonly first: Node
  readonly last: Node
  readonly buffer: Node
  readonly set: Node
  readonly address: Node
  readonly rowLow: Node
  readonly rowHigh: Node
  readonly depth: Node | undefined
  readonly kernelFold: Node | undefined
  readonly tile: Node | undefined
}

/** Walks the passes of a layer, one ahead of the streamer, and reads their weights. */
function loader(m: ModuleBuilder, plan: RowPlan, layer: LayerFields, start: Node, swap: Node): LoadingPass {
  const { c } = m
  const field = (name: string) => layer[name]!
  const zero = (width: number) => c.constant(0, width)
  /** A loop: steps where the ones inside of it are at their ends. */
  const loop = (name: string, inner: Node) => {
    const limit = layer[`${name}s_last`]
    if (limit === undefined) return { q: undefined, ends: inner }
    const register = m.register(name, c.width(limit))
    const atEnd = c.label(c.equal(register.q, limit), `${name}_at_end`)
    register.next(
      c.mux(c.or(start, atEnd), zero(c.width(limit)), plus(c, register.q, 1)),
      c.or(start, c.and(swap, inner)),
    )
    return { q: register.q, ends: c.label(c.and(inner, atEnd), `${name}_ends`) }
  }
  const always = c.constant(1, 1)
  const kernel = loop('kernel_fold', always)
  const channel = loop('channel_fold', kernel.ends)
  // every sum has a pass on each of its tiles
  const again = m.wire('tiles_end', 1)
  const filter = loop('filter_fold', again.value)
  const group = loop('group', filter.ends)
  const rows = loop('row_fold', group.ends)
  const rowStep = c.label(all(c, swap, group.ends, c.not(rows.ends)), 'next_row_fold')
  const sumEnds = c.label(c.and(swap, again.value), 'sum_ends')
  const tile = passMemory(m, plan, layer, start, c.and(swap, channel.ends), rowStep)
  again.drive(tile === undefined ? channel.ends : c.and(channel.ends, tile.last))

  const address = placeOfPass(m, layer, {
    start,
    swap,
    channel: channel.ends,
    kernel: kernel.ends,
    filter: filter.ends,
    rowStep,
  })
  const saturating = (name: string, first: Node) => {
    const register = m.register(name, c.width(first))
    const period = field('row_period')
    const less = c.mux(c.less(register.q, period), zero(c.width(first)), c.sub(register.q, period))
    register.next(c.mux(start, first, less), c.or(start, rowStep))
    return register.q
  }
  const rowLow = saturating('row_low', field('row_low'))
  const rowHigh = saturating('row_high', field('row_high'))

  const firstOfSum = m.register('first_of_sum', 1)
  firstOfSum.next(c.or(start, again.value), c.or(start, swap))
  const toggled = (name: string, when: Node) => {
    const register = m.register(name, 1)
    register.next(c.and(c.not(start), c.not(register.q)), c.or(start, when))
    return register.q
  }
  const buffer = toggled('sum_buffer', sumEnds)
  const set = toggled('weight_set', swap)
  weightReader(m, plan, layer, {
    start,
    again: c.and(swap, c.not(rows.ends)),
    rowStep,
    sumEnds,
    set,
    tile: tile?.mask,
    channelEnds: c.and(swap, channel.ends),
    tilesEnd: again.value,
  })
  const depth = plan.layers.some(partial)
    ? c.label(
        c.mux(shortPass(c, plan, layer, kernel, channel), field('chain_last'), field('chain')),
        'pass_depth',
      )
    : undefined
  return {
    ends: rows.ends,
    first: firstOfSum.q,
    last: again.value,
    buffer,
    set,
    address,
    rowLow,
    rowHigh,
    depth,
    kernelFold: kernel.q,
    tile: tile?.mask,
  }
}

interface Loop {
  readonly q: Node | undefined
  readonly ends: Node
}

/** The last channel fold, or the last kernel fold of a kernel that has several (whose chains hold one channel). */
function shortPass(c: Comb<Node>, plan: RowPlan, layer: LayerFields, kernel: Loop, channel: Loop): Node {
  if (!plan.layers.some(kernelFolded)) return channel.ends
  const folded = c.not(equalTo(c, layer['kernel_folds_last']!, 0))
  return c.mux(folded, kernel.ends, channel.ends)
}

interface Place {
  readonly start: Node
  readonly swap: Node
  readonly kernel: Node
  readonly channel: Node
  readonly filter: Node
  readonly rowStep: Node
}

/** The bank word of a pass's first activation: channel words follow one another, and each filter fold reads those of its group again. */
function placeOfPass(
  m: ModuleBuilder,
  layer: LayerFields,
  { start, swap, kernel, channel, filter, rowStep }: Place,
): Node {
  const { c } = m
  const width = c.width(layer['start_address']!)
  const fold = m.register('fold_address', width)
  const group = m.register('group_address', width)
  const pass = m.register('pass_address', width)
  const nextFold = c.label(
    c.mux(start, layer['start_address']!, c.add(fold.q, layer['row_step']!)),
    'next_fold_address',
  )
  const nextWord = c.label(c.add(pass.q, layer['word_step']!), 'next_word_address')
  const again = c.or(start, rowStep)
  fold.next(nextFold, again)
  const nextGroup = c.label(c.mux(again, nextFold, nextWord), 'next_group_address')
  group.next(nextGroup, c.or(again, c.and(swap, filter)))
  pass.next(
    c.mux(c.or(again, filter), nextGroup, c.mux(channel, group.q, nextWord)),
    c.or(start, c.and(swap, kernel)),
  )
  return pass.q
}

/** The tile of each pass, where there are several: one word a pass of a sum, read again in each row fold. */
function passMemory(
  m: ModuleBuilder,
  plan: RowPlan,
  layer: LayerFields,
  start: Node,
  step: Node,
  rowStep: Node,
) {
  if (plan.tiles.length === 1) return undefined
  const { c } = m
  const { passAddress } = plan.widths
  const width = rowPassBits(plan)
  const index = m.register('pass', passAddress)
  const next = c.label(c.mux(c.or(start, rowStep), layer['pass_base']!, plus(c, index.q, 1)), 'pass_next')
  const read = c.or(start, step)
  index.next(next, read)
  const memory = m.memory('passes', {
    width,
    depth: plan.memories.passWords,
    init: { file: 'passes.hex', words: rowPassWords(plan).map(BigInt) },
  })
  const word = memory.read('pass_word', next, read)
  return { mask: c.slice(word, plan.tiles.length - 1, 0), last: bit(c, word, plan.tiles.length) }
}

interface Reading {
  readonly start: Node
  /** Another pass loads. */
  readonly again: Node
  readonly rowStep: Node
  readonly sumEnds: Node
  readonly channelEnds: Node
  readonly tilesEnd: Node
  readonly set: Node
  readonly tile: Node | undefined
}

/** Reads the words of a pass: sides, and in each the columns of the kernel. Another tile of the same sums reads them again. */
function weightReader(
  m: ModuleBuilder,
  plan: RowPlan,
  layer: LayerFields,
  { start, again, rowStep, sumEnds, channelEnds, tilesEnd, set, tile }: Reading,
): void {
  const { c } = m
  const active = m.register('loading', 1, { reset: 0 })
  const counter = (name: string, limit: Node | undefined, inner: Node) => {
    if (limit === undefined) return { q: undefined, ends: inner }
    const register = m.register(name, c.width(limit))
    const atEnd = c.label(c.equal(register.q, limit), `${name}_at_end`)
    const clear = c.or(start, c.and(inner, atEnd))
    register.next(
      c.mux(clear, c.constant(0, c.width(limit)), plus(c, register.q, 1)),
      c.or(start, c.and(active.q, inner)),
    )
    return { q: register.q, ends: c.and(inner, atEnd) }
  }
  const kernelX = counter('loading_kernel_x', layer['kernel_x_last'], c.constant(1, 1))
  const side = counter('loading_side', layer['sides_last'], kernelX.ends)
  active.next(any(c, start, again, c.and(active.q, c.not(side.ends))))

  const address = m.register('weight_word', plan.widths.weightAddress)
  const onward = c.mux(active.q, plus(c, address.q, 1), address.q)
  const restart = c.label(c.mux(c.or(start, rowStep), layer['weight_base']!, onward), 'weight_onward')
  if (plan.tiles.length === 1) address.next(restart)
  else {
    const first = m.register('first_weight_word', plan.widths.weightAddress)
    first.next(restart, c.or(start, sumEnds))
    address.next(c.mux(c.and(channelEnds, c.not(tilesEnd)), first.q, restart))
  }
  const ports: Record<string, Node | undefined> = { set, kernel_x: kernelX.q, side: side.q, tile }
  m.output('load', active.q)
  m.output('weight_address', address.q)
  for (const [name, width] of Object.entries(loadPorts(plan)))
    m.output(`load_${name}`, resizeUnsigned(c, ports[name]!, width))
}

/** Issues the products of a pass: positions of a row, and for each the columns of the kernel. */
function streamer(
  m: ModuleBuilder,
  plan: RowPlan,
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
  /** Steps by one within a window, and to the next window. */
  const moving = (name: string, first: Node, step: Node) => {
    const register = m.register(name, c.width(first))
    const by = wide ? c.mux(kernelLast, step, c.constant(1, c.width(first))) : step
    register.next(c.mux(swap, first, c.add(register.q, by)), c.or(swap, issuing.q))
    return register.q
  }
  const address = moving('address', pass.address, field('column_step'))
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
