import type { Comb } from '../../comb/comb.ts'
import { bit, gate } from '../../comb/derived.ts'
import type { ModuleBuilder, Node } from '../../hdl/module.ts'
import { bankBits, type Rotation } from '../../plan/rotation.ts'
import type { RowEngine } from '../../plan/row/plan.ts'
import { loadPorts } from '../../plan/row/ports.ts'
import { kernelFolded, memoryFile, partial, rowPassBits, rowPassWords } from '../../plan/row/program.ts'
import { all, any, equalTo, plus, resizeUnsigned } from '../gates.ts'
import {
  bankOf,
  channelPorts,
  either,
  firstChannel,
  nextChannels,
  placeRegisters,
} from '../mixed/channel-step.ts'
import type { LayerFields } from './program-memory.ts'

/** What the loader says of the pass that loads, which is streamed next. */
export interface LoadingPass {
  /** It is the last one of its layer. */
  readonly ends: Node
  readonly first: Node
  readonly last: Node
  readonly buffer: Node
  readonly set: Node
  readonly address: Node
  /** How far the banks are turned, where they are shared. */
  readonly rotation: Node | undefined
  readonly rowLow: Node
  readonly rowHigh: Node
  readonly depth: Node | undefined
  readonly kernelFold: Node | undefined
  readonly tile: Node | undefined
}

/** Walks the passes of a layer, one ahead of the streamer, and reads their weights. */
export function loader(
  m: ModuleBuilder,
  plan: RowEngine,
  layer: LayerFields,
  start: Node,
  swap: Node,
): LoadingPass {
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

  const { address, rotation } = placeOfPass(m, layer, plan.rotation, {
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
    rotation,
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
function shortPass(c: Comb<Node>, plan: RowEngine, layer: LayerFields, kernel: Loop, channel: Loop): Node {
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

/**
 * The bank word of a pass's first activation: channel words follow one another, and each filter fold reads those of its group again. In shared banks a channel
 * lies in the bank beside the one before, a plane further where the banks are at their end.
 */
function placeOfPass(
  m: ModuleBuilder,
  layer: LayerFields,
  rotation: Rotation | undefined,
  { start, swap, kernel, channel, filter, rowStep }: Place,
) {
  const { c } = m
  const width = c.width(layer['start_address']!)
  const ports = { address: width, ...(rotation && channelPorts(rotation, 1)) }
  const fold = m.register('fold_address', width)
  const group = placeRegisters(m, 'group', ports)
  const pass = placeRegisters(m, 'pass', ports)
  const nextFold = c.label(
    c.mux(start, layer['start_address']!, c.add(fold.q, layer['row_step']!)),
    'next_fold_address',
  )
  const next = rotation && nextChannels(c, rotation, 1, pass.q)
  const step = next === undefined ? layer['word_step']! : gate(c, layer['word_step']!, next.wraps)
  const nextWord = { address: c.label(c.add(pass.q['address']!, step), 'next_word_address'), ...next?.place }
  const again = c.or(start, rowStep)
  fold.next(nextFold, again)
  const firstWord = { address: nextFold, ...(rotation && firstChannel(c, rotation, 1)) }
  const chosen = either(c, again, firstWord, nextWord)
  const nextGroup = { ...chosen, address: c.label(chosen.address, 'next_group_address') }
  group.next(nextGroup, c.or(again, c.and(swap, filter)))
  pass.next(
    either(c, c.or(again, filter), nextGroup, either(c, channel, group.q, nextWord)),
    c.or(start, c.and(swap, kernel)),
  )
  if (rotation === undefined) return { address: pass.q['address']!, rotation: undefined }
  const turned = m.register('fold_rotation', bankBits(rotation))
  const turnedFurther = c.add(turned.q, layer['row_rotation']!)
  turned.next(c.mux(start, layer['start_rotation']!, turnedFurther), again)
  return { address: pass.q['address']!, rotation: c.add(turned.q, bankOf(c, rotation, pass.q)) }
}

/** The tile of each pass, where there are several: one word a pass of a sum, read again in each row fold. */
function passMemory(
  m: ModuleBuilder,
  plan: RowEngine,
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
    init: { file: memoryFile(plan, 'passes'), words: rowPassWords(plan).map(BigInt) },
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
  plan: RowEngine,
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
