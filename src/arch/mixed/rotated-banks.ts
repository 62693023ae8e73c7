import type { Comb } from '../../comb/comb.ts'
import { bit, gate } from '../../comb/derived.ts'
import { defineModule, type Module, type Node } from '../../hdl/module.ts'
import type { Plan } from '../../plan/plan.ts'
import { bankBits, lanesRead, lanesStored, sharedBanks } from '../../plan/rotation.ts'
import { featureBank } from '../feature-bank.ts'
import { follow, inputs, plus, resizeUnsigned } from '../gates.ts'

/** What chooses words of the banks: the bank of lane 0, its word, and whether each further lane is a word further (`down` a column) or all are at the same. */
export const accessPorts = (plan: Plan) => ({
  address: plan.widths.bankAddress,
  rotation: bankBits(sharedBanks(plan)),
  down: 1,
})

/**
 * The banks that an array, a grid and the host share, one of them at a time: lane l reads, and stores to, bank (rotation + l) mod banks. What is read is in its lanes a
 * cycle later.
 */
export function rotatedBanks(plan: Plan): Module {
  const rotation = sharedBanks(plan)
  const { banks } = rotation
  const { code, bankAddress } = plan.widths
  return defineModule(
    'rotated_banks',
    `${banks} feature-map banks: neighbouring channels of a position, and neighbouring rows of a channel, lie in neighbouring ones.`,
    (m) => {
      const { c } = m
      const read = m.input('read', 1)
      const reading = inputs(m, 'read_', accessPorts(plan))
      const storing = inputs(m, 'store_', accessPorts(plan))
      const lanes = Array.from({ length: banks }, (_, lane) => {
        if (lane >= lanesStored(plan)) return c.constant(0, code + 1)
        const data = m.input(`lane_${lane}`, code)
        return c.cat(m.input(`lane_valid_${lane}`, 1), data)
      })
      const words = turn(c, lanes, storing.rotation, (at, by) => (at - by + banks) % banks)
      const bank = featureBank(plan, undefined)
      const data = words.map((word, b) => {
        const laneOf = (turned: Node) => {
          const inverted = c.not(turned)
          return b === banks - 1 ? inverted : plus(c, inverted, b + 1)
        }
        const wordOf = ({ address, rotation: turned, down }: typeof reading) =>
          c.add(address, gate(c, resizeUnsigned(c, laneOf(turned), bankAddress), down))
        return m.instance(bank, `u_bank_${b}`, {
          store: bit(c, word, code),
          store_address: wordOf(storing),
          store_data: c.slice(word, code - 1, 0),
          read,
          read_address: wordOf(reading),
        })['data']!
      })
      const turned = follow(m, 'word_rotation', reading.rotation, read)
      const aligned = turn(c, data, turned, (at, by) => (at + by) % banks)
      for (let lane = 0; lane < lanesRead(plan); lane++) m.output(`word_${lane}`, aligned[lane]!)
    },
  )
}

/** Turns a ring of nodes: a bit of `amount` at a time, each place takes the one that `from` says, so many places away. */
function turn(
  c: Comb<Node>,
  ring: readonly Node[],
  amount: Node,
  from: (at: number, by: number) => number,
): readonly Node[] {
  let nodes = ring
  for (let stage = 0; stage < c.width(amount); stage++) {
    const turns = bit(c, amount, stage)
    const before = nodes
    nodes = before.map((node, at) => c.mux(turns, before[from(at, 2 ** stage)]!, node))
  }
  return nodes
}
