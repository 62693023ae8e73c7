import { indexBits, unsignedBits } from '../../base/integers.ts'
import type { Comb } from '../../comb/comb.ts'
import { defineModule, type Module, type ModuleBuilder, type Node } from '../../hdl/module.ts'
import { inputShifts } from '../../plan/row/layout.ts'
import type { RowPlan } from '../../plan/row/plan.ts'
import { all, any, equalTo, follow, plus } from '../gates.ts'
import { intake } from '../streams.ts'

/** A counter of 0 .. limit - 1 that steps where `step` is 1, and starts again at its end or at `clear`. One of a single value is a constant. */
export function counter(
  m: ModuleBuilder,
  name: string,
  limit: number,
  step: Node,
  clear: Node,
  reset?: number,
) {
  const { c } = m
  if (limit === 1) return { q: c.constant(0, 1), ends: step }
  const register = m.register(name, indexBits(limit), reset === undefined ? {} : { reset })
  const atEnd = c.label(equalTo(c, register.q, limit - 1), `${name}_at_end`)
  register.next(
    c.mux(c.or(clear, atEnd), c.constant(0, c.width(register.q)), plus(c, register.q, 1)),
    c.or(clear, step),
  )
  return { q: register.q, ends: c.and(step, atEnd) }
}

/**
 * Takes the input map from the host, one element a cycle, whenever the map is open: until its last element came, and again once the run has read it. Says
 * which channel and row of the banks each goes to, and at which word; a row that several lines need goes to all of their banks.
 */
export function rowInputStream(plan: RowPlan): Module {
  const { elements, layout } = plan.input
  const { bankAddress } = plan.widths
  return defineModule('input_stream', `Input stream: ${elements} codes in the order y, x, channel.`, (m) => {
    const { c } = m
    const { ready, take, last, whole } = intake(m, elements)

    const { lane, word, pixelEnds } = channels(m, plan, take)
    const column = counter(m, 'column', layout.width, pixelEnds, c.constant(0, 1), 0)
    const rows = inputRows(m, plan, column.ends, last)
    const here = c.add(c.add(rows.address, word), widen(c, column.q, bankAddress))
    m.output('in_ready', ready)
    m.output('take_out', take)
    m.output('lane_out', lane)
    m.output('row_out', rows.row)
    m.output('whole_out', whole)
    for (const [index, shift] of inputShifts(plan).entries()) {
      const step = c.constant(shift * layout.width, bankAddress)
      m.output(`address_${index}`, shift === 0 ? here : c.add(here, step))
      m.output(`exists_${index}`, blockExists(c, plan, rows.block, shift))
    }
  })
}

const widen = (c: Comb<Node>, x: Node, width: number): Node =>
  c.width(x) > width ? c.slice(x, width - 1, 0) : c.zeroExtend(x, width)

/** Channel of the banks, and the distance of its word. A group begins a word. */
function channels(m: ModuleBuilder, plan: RowPlan, take: Node) {
  const { c } = m
  const { layout, shape } = plan.input
  const { bankAddress } = plan.widths
  const no = c.constant(0, 1)
  const pixel = counter(m, 'channel', shape[0], take, no, 0)
  const whole = layout.groupChannels % layout.channels === 0
  const group = whole ? undefined : counter(m, 'group_channel', layout.groupChannels, take, no, 0)
  const lane = counter(m, 'lane', layout.channels, take, group === undefined ? no : group.ends, 0)
  const wordEnds = c.label(group === undefined ? lane.ends : c.or(lane.ends, group.ends), 'word_ends')
  if (layout.words === 1) return { lane: lane.q, word: c.constant(0, bankAddress), pixelEnds: pixel.ends }
  const word = m.register('word', bankAddress, { reset: 0 })
  const onward = c.add(word.q, c.constant(layout.blocks * layout.width, bankAddress))
  word.next(c.mux(pixel.ends, c.constant(0, bankAddress), onward), wordEnds)
  return { lane: lane.q, word: word.q, pixelEnds: pixel.ends }
}

/** Row within a block, and the block with its first word. */
function inputRows(m: ModuleBuilder, plan: RowPlan, rowEnds: Node, mapEnds: Node) {
  const { c } = m
  const { layout } = plan.input
  const { bankAddress } = plan.widths
  const { period, top, width, height } = layout
  const [row, block] = [top % period, Math.floor(top / period)]
  const first = layout.base + block * width
  const register = m.register('row', indexBits(period), { reset: row })
  const atEnd = c.label(equalTo(c, register.q, period - 1), 'block_ends')
  const next = c.mux(atEnd, c.constant(0, c.width(register.q)), plus(c, register.q, 1))
  register.next(c.mux(mapEnds, c.constant(row, c.width(register.q)), next), rowEnds)
  const step = c.or(mapEnds, c.and(rowEnds, atEnd))
  const blockBits = unsignedBits(Math.floor((top + height - 1) / period))
  const blocks = m.register('block', blockBits, { reset: block })
  blocks.next(c.mux(mapEnds, c.constant(block, blockBits), plus(c, blocks.q, 1)), step)
  const address = m.register('row_address', bankAddress, {
    reset: BigInt.asUintN(bankAddress, BigInt(first)),
  })
  const onward = c.add(address.q, c.constant(width, bankAddress))
  address.next(c.mux(mapEnds, c.constant(first, bankAddress), onward), step)
  return { row: register.q, block: blocks.q, address: address.q }
}

/** Whether the map has the block that lies `shift` blocks from this one. */
function blockExists(c: Comb<Node>, plan: RowPlan, block: Node, shift: number): Node {
  const { blocks } = plan.input.layout
  const largest = 2 ** c.width(block) - 1
  const one = c.constant(1, 1)
  const below = (limit: number) => (limit > largest ? one : c.less(block, c.constant(limit, c.width(block))))
  return c.and(below(blocks - shift), c.not(shift === 0 ? c.constant(0, 1) : below(-shift)))
}

/** Offers the output map to the host, one element a cycle, as fast as it is taken; row y lies in bank y mod the rows of a block. */
export function rowOutputStream(plan: RowPlan): Module {
  const { elements, layout, shape } = plan.output
  const { bankAddress } = plan.widths
  const source = layout.period === 1 ? 'bank 0' : `banks 0 to ${layout.period - 1}`
  return defineModule(
    'output_stream',
    `Output stream: ${elements} codes in the order y, x, channel, read from ${source}.`,
    (m) => {
      const { c } = m
      const { begin, fetch, tell } = offer(m, elements)
      const [channelCount, , width] = shape
      const channel = counter(m, 'channel', channelCount, fetch, begin)
      const column = counter(m, 'column', width, channel.ends, begin)
      const row = counter(m, 'row', layout.period, column.ends, begin)
      /** A distance that grows by `step`, and starts anew where what is inside of it ends. */
      const distance = (name: string, first: number, step: number, when: Node, anew: Node) => {
        const register = m.register(name, bankAddress)
        const onward = c.add(register.q, c.constant(step, bankAddress))
        register.next(c.mux(anew, c.constant(first, bankAddress), onward), any(c, begin, when, anew))
        return register.q
      }
      const channelAt =
        channelCount === 1
          ? c.constant(0, bankAddress)
          : distance('channel_address', 0, layout.blocks * layout.width, fetch, c.or(begin, channel.ends))
      const rowAt = distance('row_address', layout.base, layout.width, row.ends, begin)
      m.output('fetch_out', fetch)
      m.output('address_out', c.add(c.add(rowAt, channelAt), widen(c, column.q, bankAddress)))
      if (layout.period > 1) {
        m.output('lane_out', row.q)
        m.output('lane_read_out', follow(m, 'lane_read', row.q, fetch))
      }
      tell()
    },
  )
}

/** Fetches an element where none is offered or the one on offer is taken, and `tell`s the host of it. */
export function offer(m: ModuleBuilder, elements: number) {
  const { c } = m
  const begin = m.input('restart', 1)
  const ready = m.input('out_ready', 1)

  const leftBits = unsignedBits(elements)
  const left = m.register('left', leftBits, { reset: 0 })
  const valid = m.register('valid', 1, { reset: 0 })
  const last = m.register('last', 1, { reset: 0 })
  const more = c.not(equalTo(c, left.q, 0))
  const fetch = c.label(all(c, more, c.or(c.not(valid.q), ready)), 'fetch')
  left.next(c.mux(begin, c.constant(elements, leftBits), plus(c, left.q, -1)), c.or(begin, fetch))
  valid.next(c.mux(fetch, c.constant(1, 1), c.and(valid.q, c.not(ready))))
  last.next(equalTo(c, left.q, 1), fetch)
  const tell = () => {
    m.output('out_valid', valid.q)
    m.output('out_last', c.and(valid.q, last.q))
    m.output('finished', all(c, valid.q, last.q, ready))
  }
  return { begin, fetch, tell }
}
