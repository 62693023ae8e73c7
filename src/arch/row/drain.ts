import { defineModule, type Module, type ModuleBuilder, type Node } from '../../hdl/module.ts'
import type { RowEngine } from '../../plan/row/plan.ts'
import { drainFields, tallest, windowHeights } from '../../plan/row/ports.ts'
import { all, any, equalTo, follow, followReset, plus, resizeUnsigned } from '../gates.ts'
import type { LayerFields } from './program-memory.ts'

/**
 * Reads finished sums out of the chains' ends, chain after chain, the same word in all columns at once, and tells each stage of the columns when a sum is
 * there. Chains of one filter follow one another; behind the last of them the next filter's parameters are fetched.
 */
export function drain(plan: RowEngine, fieldWidths: Readonly<Record<string, number>>): Module {
  const { accumulatorAddress, exit } = plan.widths
  return defineModule(
    'drain',
    'Drain: reads finished sums, chain after chain, a word of all columns at once.',
    (m) => {
      const { c } = m
      const layer: LayerFields = Object.fromEntries(
        drainFields(plan).map((name) => [name, m.input(`layer_${name}`, fieldWidths[name]!)]),
      )
      const layerStarts = m.input('layer_starts', 1)
      const begin = m.input('sums_ready', 1)
      const zero = (width: number) => c.constant(0, width)

      const active = m.register('active', 1, { reset: 0 })
      const slot = m.register('slot_left', c.width(layer['slot_last']!))
      const slotEnds = c.label(c.and(active.q, equalTo(c, slot.q, 0)), 'slot_ends')
      const chain = m.register('chain', c.width(layer['chains_last']!))
      const chainLast = c.label(c.equal(chain.q, layer['chains_last']!), 'chain_is_last')
      active.next(any(c, begin, c.and(active.q, c.not(c.and(slotEnds, chainLast)))))
      const slotBegins = c.label(c.or(begin, slotEnds), 'slot_begins')
      slot.next(c.mux(slotBegins, layer['slot_last']!, plus(c, slot.q, -1)))
      chain.next(c.mux(begin, zero(c.width(chain.q)), plus(c, chain.q, 1)), slotBegins)

      const buffer = m.register('buffer', 1)
      buffer.next(c.or(layerStarts, c.not(buffer.q)), c.or(layerStarts, begin))

      const column = m.register('column', c.width(layer['columns_last']!))
      const reading = m.register('reading', 1, { reset: 0 })
      const due = intervals(m, layer, slotBegins)
      const read = c.label(all(c, active.q, reading.q, due), 'read')
      const columnLast = c.equal(column.q, layer['columns_last']!)
      reading.next(c.or(slotBegins, c.and(reading.q, c.not(c.and(read, columnLast)))))
      column.next(c.mux(slotBegins, zero(c.width(column.q)), plus(c, column.q, 1)), c.or(slotBegins, read))

      const ofFilter = pieces(m, layer, begin, slotEnds)
      const swap = all(c, read, equalTo(c, column.q, 0), ofFilter)
      const window = windows(m, layer, slotBegins, read)

      m.output('drain_now', read)
      m.output('read_column', resizeUnsigned(c, column.q, accumulatorAddress))
      m.output('read_buffer', buffer.q)
      m.output('late_chain', resizeUnsigned(c, follow(m, 'chain_late', chain.q), exit))
      m.output('late_buffer', follow(m, 'buffer_late', buffer.q))
      const line = (name: string, node: Node, cycles: number, reset: boolean) => {
        const stages = [node]
        for (let stage = 1; stage <= cycles; stage++)
          stages.push((reset ? followReset : follow)(m, `${name}_${stage}`, stages.at(-1)!))
        return stages
      }
      const ready = line('ready', read, 5, true)
      for (const [index, name] of ['take', 'bias_now', 'scale_now', 'round_now', 'pool_now'].entries())
        m.output(name, ready[index + 1]!)
      if (window !== undefined) m.output('window_first', line('window_first', window.first, 5, false)[5]!)
      const swaps = line('swap', swap, 3, true)
      for (const [index, name] of ['swap_bias', 'swap_multiplier', 'swap_shift'].entries())
        m.output(name, swaps[index + 1]!)
      m.output('fetch', swaps[2]!)
      const lastOfWindow = window === undefined ? read : c.and(read, window.last)
      const across = line('window_last', lastOfWindow, 6, true)[6]!
      m.output('vector', downTheWindow(m, plan, across))
    },
  )
}

/**
 * A vector is whole as many cycles later as its windows have rows: it enters the line so far from its end, so that nothing is under way any more
 * when a layer has ended.
 */
function downTheWindow(m: ModuleBuilder, plan: RowEngine, across: Node): Node {
  const { c } = m
  const heights = windowHeights(plan)
  const highest = tallest(plan)
  let node: Node | undefined
  for (let height = highest; height >= 1; height--) {
    const enters = heights.includes(height)
      ? heights.length === 1
        ? across
        : c.and(across, m.input(`window_height_${height}`, 1))
      : undefined
    const into = [node, enters].flatMap((found) => found ?? [])
    node = followReset(m, `down_window_${height}`, any(c, ...into))
  }
  return node!
}

/** Whether a sum is due: the writer may need several cycles for each. */
function intervals(m: ModuleBuilder, layer: LayerFields, slotBegins: Node): Node {
  const { c } = m
  const last = layer['interval_last']
  if (last === undefined) return c.constant(1, 1)
  const wait = m.register('until_due', c.width(last))
  const due = c.label(equalTo(c, wait.q, 0), 'due')
  wait.next(c.mux(slotBegins, c.constant(0, c.width(last)), c.mux(due, last, plus(c, wait.q, -1))))
  return due
}

/** Whether the chain is the first one of its filter: the pieces of the map follow one another. */
function pieces(m: ModuleBuilder, layer: LayerFields, begin: Node, slotEnds: Node): Node {
  const { c } = m
  const last = layer['pieces_last']
  if (last === undefined) return c.constant(1, 1)
  const piece = m.register('piece', c.width(last))
  const again = c.or(begin, c.equal(piece.q, last))
  piece.next(c.mux(again, c.constant(0, c.width(last)), plus(c, piece.q, 1)), c.or(begin, slotEnds))
  return c.label(equalTo(c, piece.q, 0), 'first_piece')
}

/** The first and the last sum of a window along the row. */
function windows(m: ModuleBuilder, layer: LayerFields, slotBegins: Node, read: Node) {
  const { c } = m
  const last = layer['window_x_last']
  if (last === undefined) return undefined
  const at = m.register('window_x', c.width(last))
  const ends = c.label(c.equal(at.q, last), 'window_ends')
  at.next(
    c.mux(c.or(slotBegins, ends), c.constant(0, c.width(last)), plus(c, at.q, 1)),
    c.or(slotBegins, read),
  )
  return { first: equalTo(c, at.q, 0), last: ends }
}
