import { bit } from '../../comb/derived.ts'
import { defineModule, type Module, type ModuleBuilder, type Node } from '../../hdl/module.ts'
import type { RowEngine } from '../../plan/row/plan.ts'
import { heldLanes, storedLanes, writerFields } from '../../plan/row/ports.ts'
import {
  channelBits,
  channelWords,
  hasSides,
  memoryFile,
  routeBits,
  routeWords,
} from '../../plan/row/program.ts'
import { any, equalTo, follow, plus, resizeUnsigned } from '../gates.ts'
import type { LayerFields } from './program-memory.ts'
import { wiring } from './wiring.ts'

/**
 * Takes a vector of codes, those of one output column in all rows and sides, and stores it side by side: each cycle the rows of one channel, in as many
 * banks. A route says which banks the rows of a piece go to, a channel word which of them have the channel.
 */
export function rowWriter(plan: RowEngine, fieldWidths: Readonly<Record<string, number>>): Module {
  const { code, bankAddress } = plan.widths
  return defineModule(
    'row_writer',
    'Writer: stores the codes of one output column, the rows of one channel each cycle.',
    (m) => {
      const { c } = m
      const layer: LayerFields = Object.fromEntries(
        writerFields(plan).map((name) => [name, m.input(`layer_${name}`, fieldWidths[name]!)]),
      )
      const start = m.input('layer_starts', 1)
      const arrive = m.input('arrive', 1)
      const codes = Array.from({ length: plan.array.columns }, (_, j) => m.input(`code_${j}`, code))

      const busy = m.register('busy', 1, { reset: 0 })
      busy.next(c.label(c.or(arrive, c.and(busy.q, c.not(lastSide(m, layer, arrive, busy.q)))), 'busy_next'))

      const column = m.register('column', c.width(layer['output_columns_last']!))
      const columnLast = c.label(c.equal(column.q, layer['output_columns_last']!), 'column_last')
      column.next(
        c.mux(c.or(start, columnLast), c.constant(0, c.width(column.q)), plus(c, column.q, 1)),
        c.or(start, arrive),
      )
      const stored = follow(
        m,
        'stored_column',
        wordsTo(m, plan, layer, column.q, columnLast, start, arrive),
        arrive,
      )
      const pieceEnds = c.label(c.and(arrive, columnLast), 'piece_ends')
      const filterEnds = lastPiece(m, layer, start, pieceEnds)
      const channel = channelOf(m, plan, layer, { start, arrive, busy: busy.q, filterEnds })
      const route = routeOf(m, plan, layer, {
        start,
        read: c.and(arrive, equalTo(c, column.q, 0)),
        pieceEnds,
        filterEnds,
        foldEnds: c.and(filterEnds, channel.last),
      })

      const address = c.label(
        c.add(c.add(route.address, channel.address), resizeUnsigned(c, stored, bankAddress)),
        'store_here',
      )
      const store = c.label(c.and(busy.q, channel.exists), 'store_now')
      for (const [index, shift] of plan.shifts.entries()) {
        m.output(`store_${index}`, c.and(store, bit(c, route.enabled, index)))
        m.output(`address_${index}`, shift === 0 ? address : c.add(address, layer[`shift_${index}`]!))
      }
      m.output('storing', busy.q)
      m.output('store_channel', channel.channel)
      m.output('store_pattern', route.pattern)
      lanes(m, plan, layer, codes, arrive, busy.q, route.rows)
    },
  )
}

/** Words from a piece's first column to this one: a map's columns lie side by side, or, in shared banks, as far apart as it has rows. */
function wordsTo(
  m: ModuleBuilder,
  plan: RowEngine,
  layer: LayerFields,
  column: Node,
  last: Node,
  start: Node,
  arrive: Node,
): Node {
  if (plan.rotation === undefined) return column
  const { c } = m
  const words = m.register('column_words', plan.widths.bankAddress)
  const none = c.constant(0, plan.widths.bankAddress)
  words.next(c.mux(c.or(start, last), none, c.add(words.q, layer['column_words']!)), c.or(start, arrive))
  return words.q
}

/** Whether the rows stored now are the last ones of their vector. */
function lastSide(m: ModuleBuilder, layer: LayerFields, arrive: Node, busy: Node): Node {
  const { c } = m
  const last = layer['sides_last']
  if (last === undefined) return c.constant(1, 1)
  const left = m.register('sides_left', c.width(last))
  left.next(c.mux(arrive, last, plus(c, left.q, -1)), c.or(arrive, busy))
  return equalTo(c, left.q, 0)
}

/** Whether the piece that ends is the last one of its filters. */
function lastPiece(m: ModuleBuilder, layer: LayerFields, start: Node, pieceEnds: Node): Node {
  const { c } = m
  const last = layer['pieces_last']
  if (last === undefined) return pieceEnds
  const piece = m.register('piece', c.width(last))
  const atEnd = c.equal(piece.q, last)
  piece.next(
    c.mux(c.or(start, atEnd), c.constant(0, c.width(last)), plus(c, piece.q, 1)),
    c.or(start, pieceEnds),
  )
  return c.label(c.and(pieceEnds, atEnd), 'filters_end')
}

interface Stepping {
  readonly start: Node
  readonly arrive: Node
  readonly busy: Node
  readonly filterEnds: Node
}

/** The words of the filters that are finished together, read again for each vector. */
function channelOf(
  m: ModuleBuilder,
  plan: RowEngine,
  layer: LayerFields,
  { start, arrive, busy, filterEnds }: Stepping,
) {
  const { c } = m
  const { channel, bankAddress, parameterAddress } = plan.widths
  const first = m.register('first_channel', parameterAddress)
  const last = c.label(c.equal(first.q, layer['parameter_last']!), 'last_filters')
  first.next(
    c.mux(
      c.or(start, last),
      layer['parameter_first']!,
      c.add(first.q, resizeUnsigned(c, layer['sides']!, parameterAddress)),
    ),
    c.or(start, filterEnds),
  )
  const next = m.register('next_channel', parameterAddress)
  const address = c.label(c.mux(arrive, first.q, next.q), 'channel_word_address')
  const read = c.or(arrive, busy)
  next.next(plus(c, address, 1), read)
  const width = channelBits(plan)
  const memory = m.memory('channels', {
    width,
    depth: plan.memories.parameterWords,
    init: { file: memoryFile(plan, 'channels'), words: channelWords(plan) },
  })
  const word = memory.read('channel_word', address, read)
  return {
    exists: bit(c, word, width - 1),
    channel: c.slice(word, channel + bankAddress - 1, bankAddress),
    address: c.slice(word, bankAddress - 1, 0),
    last,
  }
}

interface Routing {
  readonly start: Node
  /** The first vector of a piece arrives. */
  readonly read: Node
  readonly pieceEnds: Node
  readonly filterEnds: Node
  /** The row fold ends. */
  readonly foldEnds: Node
}

/** The route of the piece: those of a row fold follow one another, and come again for the next filters. */
function routeOf(
  m: ModuleBuilder,
  plan: RowEngine,
  layer: LayerFields,
  { start, read, pieceEnds, filterEnds, foldEnds }: Routing,
) {
  const { c } = m
  const { widths, shifts, memories } = plan
  const first = m.register('first_route', widths.routeAddress)
  const route = m.register('route', widths.routeAddress)
  const onward = c.label(plus(c, route.q, 1), 'next_route')
  first.next(c.mux(start, layer['route_base']!, onward), c.or(start, foldEnds))
  const again = c.and(filterEnds, c.not(foldEnds))
  route.next(c.mux(start, layer['route_base']!, c.mux(again, first.q, onward)), c.or(start, pieceEnds))
  const memory = m.memory('routes', {
    width: routeBits(plan),
    depth: memories.routeWords,
    init: { file: memoryFile(plan, 'routes'), words: routeWords(plan) },
  })
  const word = memory.read('route_word', route.q, read)
  let low = 0
  const part = (width: number) => {
    const node = c.slice(word, low + width - 1, low)
    low += width
    return node
  }
  const address = part(widths.bankAddress)
  const enabled = part(shifts.length)
  const rows = part(widths.lane)
  return { address, enabled, rows, pattern: part(widths.pattern) }
}

/** Holds a vector: the last column of each pooling window, then the lanes of the next side move down. */
function lanes(
  m: ModuleBuilder,
  plan: RowEngine,
  layer: LayerFields,
  codes: readonly Node[],
  arrive: Node,
  busy: Node,
  rows: Node,
): void {
  const { c } = m
  const { code, lane } = plan.widths
  const { pick } = wiring(c, plan)
  const zero = c.constant(0, code)
  const hold = Array.from({ length: heldLanes(plan) }, (_, at) => m.register(`hold_${at}`, code))
  const sided = plan.layers.some(hasSides)
  for (const [at, register] of hold.entries()) {
    const arriving = pick(
      layer['geometry']!,
      ({ window }) => (at + 1) * window[0] - 1,
      (column) => codes[column] ?? zero,
    )!
    const moved = () =>
      pick(
        layer['geometry']!,
        (l) => at + l.lanes,
        (from) => hold[from]?.q ?? zero,
      )!
    register.next(sided ? c.mux(arrive, arriving, moved()) : arriving, sided ? any(c, arrive, busy) : arrive)
  }
  for (let at = 0; at < storedLanes(plan); at++) {
    m.output(`lane_${at}`, hold[at]!.q)
    m.output(`lane_valid_${at}`, c.less(c.constant(at, lane), rows))
  }
}
