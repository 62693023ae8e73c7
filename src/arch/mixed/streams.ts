import { gate } from '../../comb/derived.ts'
import { defineModule, type Module, type ModuleBuilder, type Node } from '../../hdl/module.ts'
import type { Plan } from '../../plan/plan.ts'
import { bankBits, groupsOfPlane, planeWords, type RotatedMap, sharedStream } from '../../plan/rotation.ts'
import { resizeUnsigned } from '../gates.ts'
import { counter, offer } from '../row/streams.ts'
import { intake } from '../streams.ts'
import { bankOf, channelPorts, either, firstChannel, nextChannels, placeRegisters } from './channel-step.ts'

/** Takes the input map from the host, one element a cycle, and says where in the shared banks each lies. */
export function sharedInputStream(plan: Plan): Module {
  const { elements } = plan.input
  return defineModule('input_stream', `Input stream: ${elements} codes in the order y, x, channel.`, (m) => {
    const { ready, take, whole } = intake(m, elements)
    const place = walkMap(m, sharedStream(plan, plan.input)!, plan, take, undefined)
    m.output('in_ready', ready)
    m.output('take_out', take)
    m.output('address_out', place.address)
    m.output('rotation_out', place.rotation)
    m.output('whole_out', whole)
  })
}

/** Offers the output map to the host, one element a cycle, as fast as it is taken. */
export function sharedOutputStream(plan: Plan): Module {
  const { elements } = plan.output
  return defineModule(
    'output_stream',
    `Output stream: ${elements} codes in the order y, x, channel.`,
    (m) => {
      const { begin, fetch, tell } = offer(m, elements)
      const place = walkMap(m, sharedStream(plan, plan.output)!, plan, fetch, begin)
      m.output('fetch_out', fetch)
      m.output('address_out', place.address)
      m.output('rotation_out', place.rotation)
      tell()
    },
  )
}

/** The places of a map's elements in the order y, x, channel, one further with each `step`; from the first one again at `begin`, or else from the reset and behind the last one. */
function walkMap(m: ModuleBuilder, map: RotatedMap, plan: Plan, step: Node, begin: Node | undefined) {
  const { c } = m
  const { bankAddress } = plan.widths
  const bits = bankBits(map.rotation)
  const clear = begin ?? c.constant(0, 1)
  const reset = begin === undefined ? 0 : undefined
  const channel = counter(m, 'channel', map.channels, step, clear, reset)
  const column = counter(m, 'column', map.width, channel.ends, clear, reset)
  const row = counter(m, 'row', map.height, column.ends, clear, reset)
  const width = (value: number) => c.constant(value, bankAddress)
  const start = BigInt.asUintN(bankAddress, BigInt(map.base))
  const position = m.register('position', bankAddress, begin === undefined ? { reset: start } : {})
  const toRow = 1 - (map.width - 1) * map.height
  const onward = c.add(position.q, c.mux(column.ends, width(toRow), width(map.height)))
  position.next(c.mux(c.or(clear, row.ends), width(map.base), onward), c.or(clear, channel.ends))
  const { bank, plane } = walkChannels(m, map, plan, step, channel, begin)
  return {
    address: plane === undefined ? position.q : c.add(position.q, plane),
    rotation: c.add(bank, resizeUnsigned(c, row.q, bits)),
  }
}

/** What the channel adds to bank and word. */
function walkChannels(
  m: ModuleBuilder,
  { rotation, channels, ...map }: RotatedMap,
  plan: Plan,
  step: Node,
  channel: { readonly q: Node; readonly ends: Node },
  begin: Node | undefined,
) {
  const { c } = m
  const { bankAddress } = plan.widths
  if (channels <= rotation.group)
    return { bank: resizeUnsigned(c, channel.q, bankBits(rotation)), plane: undefined }
  const options = begin === undefined ? { reset: 0 } : {}
  const again = begin === undefined ? channel.ends : c.or(begin, channel.ends)
  const steps = begin === undefined ? step : c.or(begin, step)
  const at = placeRegisters(m, 'channel', channelPorts(rotation, 1), options)
  const next = nextChannels(c, rotation, 1, at.q)
  at.next(either(c, again, firstChannel(c, rotation, 1), next.place), steps)
  const bank = bankOf(c, rotation, at.q)
  if (channels <= rotation.group * groupsOfPlane(rotation)) return { bank, plane: undefined }
  const plane = m.register('plane', bankAddress, options)
  const words = gate(c, c.constant(planeWords(map), bankAddress), next.wraps)
  plane.next(c.mux(again, c.constant(0, bankAddress), c.add(plane.q, words)), steps)
  return { bank, plane: plane.q }
}
