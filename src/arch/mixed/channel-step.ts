import type { Comb } from '../../comb/comb.ts'
import { isZero } from '../../comb/derived.ts'
import type { ModuleBuilder, Node } from '../../hdl/module.ts'
import { bankBits, type Rotation, stepState } from '../../plan/rotation.ts'
import { equalTo, plus } from '../gates.ts'

/** Where a channel lies: how far it turns the banks, and, where groups leave banks unused, its number in the group. */
export type ChannelPlace = Readonly<Record<string, Node>>

/** Widths of the registers that count channels, `count` at a time. */
export const channelPorts = (rotation: Rotation, count: number): Readonly<Record<string, number>> => {
  const { bank, index } = stepState(rotation, count)
  return { ...(bank ? { bank: bankBits(rotation) } : {}), ...(index > 0 ? { index } : {}) }
}

/** `count` channels on, and whether that is on the next plane. */
export function nextChannels(
  c: Comb<Node>,
  rotation: Rotation,
  count: number,
  at: ChannelPlace,
): { readonly place: ChannelPlace; readonly wraps: Node } {
  const { group, spacing } = rotation
  const { bank, index } = at
  if (bank === undefined) return { place: {}, wraps: c.constant(1, 1) }
  const skip = spacing - group + count
  if (index === undefined) {
    const next = c.label(plus(c, bank, skip), 'next_bank')
    return { place: { bank: next }, wraps: isZero(c, next) }
  }
  const ends = equalTo(c, index, group / count - 1)
  const width = c.width(bank)
  const by = c.mux(ends, c.constant(skip, width), c.constant(count, width))
  const next = c.label(c.add(bank, by), 'next_bank')
  const onward = c.mux(ends, c.constant(0, c.width(index)), plus(c, index, 1))
  return { place: { bank: next, index: onward }, wraps: isZero(c, next) }
}

/** The first channel. */
export const firstChannel = (c: Comb<Node>, rotation: Rotation, count: number): ChannelPlace =>
  Object.fromEntries(
    Object.entries(channelPorts(rotation, count)).map(([name, width]) => [name, c.constant(0, width)]),
  )

/** How far a channel turns the banks. */
export const bankOf = (c: Comb<Node>, rotation: Rotation, { bank }: ChannelPlace): Node =>
  bank ?? c.constant(0, bankBits(rotation))

/** A register of each part of a place. */
export function placeRegisters(
  m: ModuleBuilder,
  name: string,
  ports: Readonly<Record<string, number>>,
  options: { readonly reset?: number } = {},
) {
  const registers = Object.entries(ports).map(
    ([part, width]) => [part, m.register(`${name}_${part}`, width, options)] as const,
  )
  return {
    q: Object.fromEntries(registers.map(([part, { q }]) => [part, q])) as Readonly<Record<string, Node>>,
    next(place: Readonly<Record<string, Node>>, enable: Node) {
      for (const [part, register] of registers) register.next(place[part]!, enable)
    },
  }
}

/** One of two places, part by part. */
export const either = <P extends Readonly<Record<string, Node>>>(c: Comb<Node>, which: Node, a: P, b: P): P =>
  Object.fromEntries(Object.entries(a).map(([part, node]) => [part, c.mux(which, node, b[part]!)])) as P
