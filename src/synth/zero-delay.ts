import { type ActivityState, type Changes, codeOf, type Settle } from './activity.ts'
import type { GateArcs } from './arcs.ts'
import type { CircuitGraph, Node } from './circuit-graph.ts'
import type { Net } from './gate-netlist.ts'

/** Without delays: gates answer in the order of their signals, each once. Where several inputs changed, each is the cause in equal parts. */
export function zeroDelaySettle(
  graph: CircuitGraph,
  arcs: readonly GateArcs[],
  state: ActivityState,
): Settle {
  const { order, sinks, flipFlops, nodes } = graph
  const { values, toggles } = state
  const changed = new Int32Array(nodes.length)
  const flip = (net: Net) => {
    values[net]! ^= 1
    toggles[net]!++
    for (const { node, input } of sinks[net]!) changed[node.index]! |= 1 << input
  }
  const passive = (node: Node, mask: number, code: number) => {
    const table = arcs[node.index]!.passive
    for (let input = 0, rest = mask; rest !== 0; input++, rest >>>= 1)
      if ((rest & 1) === 1)
        state.internal += table[((2 * input + ((code >> input) & 1)) << node.model.bits) + code]!
  }
  const outputs = (node: Node, mask: number, code: number) => {
    const { energy } = arcs[node.index]!
    for (const [i, net] of node.outputs.entries()) {
      const value = node.model.truth[i]![code]!
      if (value === values[net]) continue
      let [sum, parts] = [0, 0]
      for (let input = 0, rest = mask; rest !== 0; input++, rest >>>= 1)
        if ((rest & 1) === 1) {
          sum += energy[i]![((2 * input + value) << node.model.bits) + code]!
          parts++
        }
      state.internal += sum / parts
      flip(net)
    }
  }
  return ({ inputs, flipFlops: clocked }: Changes) => {
    for (const net of inputs) flip(net)
    for (const node of clocked) outputs(node, 1 << node.model.flipFlop!.clock, codeOf(node, state))
    for (const node of order) {
      const mask = changed[node.index]!
      if (mask === 0) continue
      changed[node.index] = 0
      const code = codeOf(node, state)
      passive(node, mask, code)
      outputs(node, mask, code)
    }
    for (const node of flipFlops) {
      passive(node, changed[node.index]!, codeOf(node, state))
      changed[node.index] = 0
    }
  }
}
