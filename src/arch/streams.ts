import { indexBits, unsignedBits } from '../base/integers.ts'
import { defineModule, type Module, type ModuleBuilder, type Node } from '../hdl/module.ts'
import type { Plan } from '../plan/plan.ts'
import { all, equalTo, follow, plus } from './gates.ts'

/**
 * Takes the input map from the host, one element a cycle, and says which banks and word each goes to. It does so whenever the map is
 * open: until its last element came, and again once the run has read it. The writer goes before: it may not wait.
 */
export function inputStream(plan: Plan): Module {
  const { elements, base, modulus } = plan.input
  const { bankAddress } = plan.widths
  return defineModule('input_stream', `Input stream: ${elements} codes in the order y, x, channel.`, (m) => {
    const { c } = m
    const { ready, take, last, whole } = intake(m, elements)

    const laneBits = indexBits(modulus)
    const lane = m.register('lane', laneBits, { reset: 0 })
    const wrap = equalTo(c, lane.q, modulus - 1)
    lane.next(c.mux(wrap, c.constant(0, laneBits), plus(c, lane.q, 1)), take)
    const address = m.register('address', bankAddress, { reset: base })
    address.next(c.mux(last, c.constant(base, bankAddress), plus(c, address.q, 1)), c.and(take, wrap))

    m.output('in_ready', ready)
    m.output('take_out', take)
    m.output('address_out', address.q)
    m.output('lane_out', lane.q)
    m.output('whole_out', whole)
  })
}

/**
 * Offers the output map to the host, one element a cycle, as fast as it is taken. With modulus d the channels of a pixel lie in banks 0..d-1
 * in turn; `lane_out` is the bank to read, `lane_read` the one whose data is offered.
 */
export function outputStream(plan: Plan): Module {
  const { elements, base, modulus, shape } = plan.output
  const { bankAddress } = plan.widths
  const source = modulus === 1 ? 'bank 0' : `banks 0 to ${modulus - 1}`
  return defineModule(
    'output_stream',
    `Output stream: ${elements} codes in the order y, x, channel, read from ${source}.`,
    (m) => {
      const { c } = m
      const begin = m.input('restart', 1)
      const ready = m.input('out_ready', 1)

      const leftBits = unsignedBits(elements)
      const left = m.register('left', leftBits, { reset: 0 })
      const address = m.register('address', bankAddress)
      const valid = m.register('valid', 1, { reset: 0 })
      const last = m.register('last', 1, { reset: 0 })
      const more = c.not(equalTo(c, left.q, 0))
      const fetch = c.label(all(c, more, c.or(c.not(valid.q), ready)), 'fetch')
      left.next(c.mux(begin, c.constant(elements, leftBits), plus(c, left.q, -1)), c.or(begin, fetch))
      const lanes = modulus === 1 ? undefined : outputLanes(m, shape[0], modulus, begin, fetch)
      address.next(
        c.mux(begin, c.constant(base, bankAddress), plus(c, address.q, 1)),
        c.or(begin, lanes === undefined ? fetch : c.and(fetch, lanes.wordEnds)),
      )
      valid.next(c.mux(fetch, c.constant(1, 1), c.and(valid.q, c.not(ready))))
      last.next(equalTo(c, left.q, 1), fetch)

      m.output('fetch_out', fetch)
      m.output('address_out', address.q)
      if (lanes !== undefined) {
        m.output('lane_out', lanes.lane)
        m.output('lane_read_out', follow(m, 'lane_read', lanes.lane, fetch))
      }
      m.output('out_valid', valid.q)
      m.output('out_last', c.and(valid.q, last.q))
      m.output('finished', all(c, valid.q, last.q, ready))
    },
  )
}

/** The bank of the element that is due, and whether it is the last one of its word. A pixel begins a word. */
function outputLanes(m: ModuleBuilder, channels: number, modulus: number, begin: Node, fetch: Node) {
  const { c } = m
  const step = c.or(begin, fetch)
  const counter = (name: string, limit: number, wraps: (ends: Node) => Node) => {
    const register = m.register(name, indexBits(limit))
    const ends = c.label(wraps(equalTo(c, register.q, limit - 1)), `${name}_ends`)
    register.next(c.mux(c.or(begin, ends), c.constant(0, c.width(register.q)), plus(c, register.q, 1)), step)
    return { value: register.q, ends }
  }
  // Where the channels fill their last word, the lanes alone tell where it ends.
  const pixel = channels % modulus === 0 ? undefined : counter('channel', channels, (ends) => ends)
  const { value, ends } = counter('lane', modulus, (last) =>
    pixel === undefined ? last : c.or(last, pixel.ends),
  )
  return { lane: value, wordEnds: ends }
}

/** Takes elements whenever the map is open and nobody stores; says when the last one came, and whether the map is whole. */
export function intake(m: ModuleBuilder, elements: number) {
  const { c } = m
  const release = m.input('release_map', 1)
  const begin = m.input('begin_run', 1)
  const storing = m.input('storing', 1)
  const valid = m.input('in_valid', 1)

  const open = m.register('open', 1, { reset: 1 })
  const ready = c.label(c.and(open.q, c.not(storing)), 'ready')
  const take = c.label(c.and(ready, valid), 'take')
  const countBits = indexBits(elements)
  const count = m.register('count', countBits, { reset: 0 })
  const last = c.label(c.and(take, equalTo(c, count.q, elements - 1)), 'last')
  count.next(c.mux(last, c.constant(0, countBits), plus(c, count.q, 1)), take)
  open.next(c.or(release, c.and(open.q, c.not(last))))
  const full = m.register('full', 1, { reset: 0 })
  const whole = c.label(c.or(full.q, last), 'whole')
  full.next(c.and(whole, c.not(begin)))
  return { ready, take, last, whole }
}
