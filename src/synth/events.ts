import type { ActivityState, Changes, Settle } from './activity.ts'
import { codeOf } from './activity.ts'
import type { GateArcs } from './arcs.ts'
import type { CircuitGraph, Node } from './circuit-graph.ts'
import type { Net } from './gate-netlist.ts'

/**
 * Event-driven, in steps of 1 ps. At each time first all nets change whose time has come, then every gate that one of them goes to
 * answers once: where its function has another value than it is on the way to, it gets there after the least delay among the inputs that
 * changed, for the edge of its output. Delays are inertial: an output on its way that turns back does not change at all.
 */
export function eventSettle(graph: CircuitGraph, arcs: readonly GateArcs[], state: ActivityState): Settle {
  const { nodes, sinks } = graph
  const { values, toggles } = state
  const first = new Int32Array(nodes.length + 1)
  for (const { index, outputs } of nodes) first[index + 1] = first[index]! + outputs.length
  const count = first[nodes.length]!
  const netOf = new Int32Array(count)
  for (const { index, outputs } of nodes)
    for (const [i, net] of outputs.entries()) netOf[first[index]! + i] = net

  /** Outputs on their way: the ticket of the event that counts (0: none; a long run has more than 2^31), and what it will take. */
  const ticket = new Float64Array(count)
  const energy = new Float64Array(count)
  let tickets = 0
  let pending = 0
  let latest = 0

  const longest = arcs.reduce(
    (most, { delay }) => Math.max(most, ...delay.map((d) => d.reduce((a, b) => Math.max(a, b), 1))),
    1,
  )
  const size = 2 ** Math.ceil(Math.log2(longest + 1))
  const wheel: number[][] = Array.from({ length: size }, () => [])

  const changed = new Int32Array(nodes.length)
  const touched: Node[] = []
  const flip = (net: Net) => {
    values[net]! ^= 1
    toggles[net]!++
    for (const { node, input } of sinks[net]!) {
      if (changed[node.index] === 0) touched.push(node)
      changed[node.index]! |= 1 << input
    }
  }

  const schedule = (output: number, time: number, taken: number) => {
    ticket[output] = ++tickets
    energy[output] = taken
    pending++
    if (time > latest) latest = time
    wheel[time & (size - 1)]!.push(output, tickets)
  }

  const answer = (node: Node, now: number) => {
    const { index, model } = node
    const mask = changed[index]!
    changed[index] = 0
    const { delay, energy: energies, passive } = arcs[index]!
    const code = codeOf(node, state)
    const codes = 1 << model.bits
    for (let input = 0, rest = mask; rest !== 0; input++, rest >>>= 1)
      if ((rest & 1) === 1) state.internal += passive[(2 * input + ((code >> input) & 1)) * codes + code]!
    if (model.flipFlop !== undefined) return
    for (let i = 0; i < node.outputs.length; i++) {
      const output = first[index]! + i
      const value = model.truth[i]![code]!
      const current = values[netOf[output]!]!
      const onItsWay = ticket[output] !== 0
      if (value === (onItsWay ? current ^ 1 : current)) continue
      if (onItsWay) {
        ticket[output] = 0
        pending--
        continue
      }
      const cause = quickest(delay[i]!, mask, value)
      schedule(output, now + delay[i]![2 * cause + value]!, energies[i]![(2 * cause + value) * codes + code]!)
    }
  }

  const clocked = ({ index, model, outputs }: Node) => {
    const node = nodes[index]!
    const code = codeOf(node, state)
    const { clock } = model.flipFlop!
    const { delay, energy: energies } = arcs[index]!
    for (let i = 0; i < outputs.length; i++) {
      const value = model.truth[i]![code]!
      if (value === values[outputs[i]!]) continue
      const row = 2 * clock + value
      schedule(first[index]! + i, delay[i]![row]!, energies[i]![(row << model.bits) + code]!)
    }
  }

  return ({ inputs, flipFlops }: Changes) => {
    for (const node of flipFlops) clocked(node)
    for (const net of inputs) flip(net)
    for (let now = 0; ; now++) {
      const due = wheel[now & (size - 1)]!
      // most picoseconds are empty
      if (due.length === 0 && now > 0) continue
      for (let i = 0; i < due.length; i += 2) {
        const output = due[i]!
        if (ticket[output] !== due[i + 1]) continue
        ticket[output] = 0
        pending--
        state.internal += energy[output]!
        flip(netOf[output]!)
      }
      due.length = 0
      for (const node of touched) answer(node, now)
      touched.length = 0
      if (pending === 0) break
    }
    // what was called back is still in the wheel when everything has settled
    for (let time = 0; time <= latest; time++) {
      const due = wheel[time & (size - 1)]!
      if (due.length > 0) due.length = 0
    }
    latest = 0
  }
}

/** The changed input that takes the output to `value` first; of equals the first. */
function quickest(delay: Int32Array, mask: number, value: number): number {
  let best = -1
  for (let input = 0, rest = mask; rest !== 0; input++, rest >>>= 1)
    if ((rest & 1) === 1 && (best === -1 || delay[2 * input + value]! < delay[2 * best + value]!))
      best = input
  return best
}
