import type { GateArcs } from './arcs.ts'
import type { CircuitGraph, Node } from './circuit-graph.ts'
import { type Net, one } from './gate-netlist.ts'
import { type Stream, type StreamBits, streamBits } from './stream.ts'

/**
 * `events`: every gate answers after its delays, so that nets change several times in an operation. `zero-delay`: each net changes at
 * most once, to where it settles: quick, and blind to glitches.
 */
export type ActivityMethod = 'events' | 'zero-delay'

/** What happened in a netlist while a stream of operations went through. */
export interface Activity {
  readonly method: ActivityMethod
  /** Operations (clock cycles, where there is a clock) that were counted: all of the stream but the first, which sets the state. */
  readonly operations: number
  /** Transitions of each net. */
  readonly toggles: Float64Array
  /** pJ inside of cells, of all operations. */
  readonly internal: number
  /** nW, mean over the settled states. */
  readonly leakage: number
}

/** State of a simulation: values of nets and of flip-flops, and what has been counted. */
export interface ActivityState {
  readonly values: Uint8Array
  /** Of flip-flops, by node. */
  readonly states: Uint8Array
  readonly toggles: Float64Array
  internal: number
}

/** Lets nets settle from new values of inputs and flip-flops, and counts. */
export type Settle = (changes: Changes) => void

export interface Changes {
  /** Nets of inputs that change, each to the other value. */
  readonly inputs: readonly Net[]
  /** Flip-flops whose state changes. */
  readonly flipFlops: readonly Node[]
}

/**
 * Sends a stream through a netlist; `settleOf` is the way that signals take (events, or none). The operations behind the first one are counted in windows of so many;
 * those behind the last window are not simulated.
 */
export function recordActivity(
  graph: CircuitGraph,
  arcs: readonly GateArcs[],
  stream: Stream,
  method: ActivityMethod,
  settleOf: (graph: CircuitGraph, arcs: readonly GateArcs[], state: ActivityState) => Settle,
  windows: readonly number[] = [stream.length - 1],
): readonly Activity[] {
  const { netlist, nodes, flipFlops, clockNet } = graph
  const bits = streamBits(stream, netlist.inputs, clockNet)
  const state = settledState(graph, bits)
  const settle = settleOf(graph, arcs, state)
  const next = new Uint8Array(bits.nets.length)
  const leaks = leakageOf(nodes)
  let moment = 1
  return windows.map((operations) => {
    state.toggles.fill(0)
    state.internal = 0
    let leakage = 0
    for (const end = moment + operations; moment < end; moment++) {
      bits.read(moment, next)
      const changed = flipFlops.filter((node) => {
        const code = codeOf(node, state)
        return node.model.flipFlop!.next[code] !== state.states[node.index]
      })
      state.internal += clockEnergy(flipFlops, arcs, state)
      for (const node of changed) state.states[node.index]! ^= 1
      settle({ inputs: bits.nets.filter((net, i) => state.values[net] !== next[i]), flipFlops: changed })
      for (const node of nodes) leakage += leaks(node)[codeOf(node, state)]!
    }
    return {
      method,
      operations,
      toggles: state.toggles.slice(),
      internal: state.internal,
      leakage: operations === 0 ? 0 : leakage / operations,
    }
  })
}

/** The code of a gate's inputs, and of its state. */
export function codeOf({ inputs, index, model }: Node, { values, states }: ActivityState): number {
  let code = 0
  for (let i = 0; i < inputs.length; i++) code |= values[inputs[i]!]! << i
  return model.flipFlop === undefined ? code : code | (states[index]! << inputs.length)
}

/** All nets as they are long after the first values of the stream, flip-flops at 0. */
function settledState(graph: CircuitGraph, bits: StreamBits): ActivityState {
  const { netlist, nodes, flipFlops, order } = graph
  const state: ActivityState = {
    values: new Uint8Array(netlist.netCount),
    states: new Uint8Array(nodes.length),
    toggles: new Float64Array(netlist.netCount),
    internal: 0,
  }
  const { values } = state
  values[one] = 1
  const first = new Uint8Array(bits.nets.length)
  bits.read(0, first)
  for (const [i, net] of bits.nets.entries()) values[net] = first[i]!
  for (const node of [...flipFlops, ...order])
    for (const [i, net] of node.outputs.entries()) values[net] = node.model.truth[i]![codeOf(node, state)]!
  return state
}

/** pJ of both edges of the clock inside of the flip-flops. Between operations the clock is 0. */
function clockEnergy(flipFlops: readonly Node[], arcs: readonly GateArcs[], state: ActivityState): number {
  let energy = 0
  for (const node of flipFlops) {
    const { clock } = node.model.flipFlop!
    const { passive } = arcs[node.index]!
    const code = codeOf(node, state)
    const size = 2 ** node.model.bits
    energy += passive[2 * clock * size + code]! + passive[(2 * clock + 1) * size + (code | (1 << clock))]!
  }
  return energy
}

/** nW by code, of each cell once. */
function leakageOf(nodes: readonly Node[]): (node: Node) => Float64Array {
  const known = new Map<Node['model'], Float64Array>()
  for (const { model } of nodes) {
    if (known.has(model)) continue
    const { standard, states } = model.cell.leakage
    const tables = states.map(({ value, when }) => ({ value, holds: model.table(when) }))
    known.set(
      model,
      Float64Array.from(
        { length: 2 ** model.bits },
        (_, code) => tables.find(({ holds }) => holds[code] === 1)?.value ?? standard,
      ),
    )
  }
  return ({ model }) => known.get(model)!
}
