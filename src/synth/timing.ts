import type { CircuitGraph, Node } from './circuit-graph.ts'
import type { Net } from './gate-netlist.ts'
import type { Edges, Pin, TimingArc, WireLoad } from './liberty/library.ts'
import { lookUp, type Table } from './liberty/table.ts'
import { wireLength } from './liberty/wire-load.ts'

/** Rising is 1 and falling 0, as the value that a net takes. */
export type Edge = 0 | 1
export const edges: readonly Edge[] = [0, 1]

/** ns; entry 2 * net + edge. A net that never changes has an arrival of -Infinity. */
export interface Timing {
  readonly arrival: Float64Array
  readonly slew: Float64Array
  /** pF at a net, when it falls and when it rises; what outputs of the module drive is not in it. */
  readonly load: Float64Array
  /** The longest path: from an input or a clock edge to an output or the next clock edge (with setup). */
  readonly delay: number
  readonly path: readonly PathStep[]
}

/** A step of the longest path, the first at its start. */
export interface PathStep {
  readonly net: Net
  readonly edge: Edge
  readonly cell: string | undefined
  readonly arrival: number
}

export const at = (net: Net, edge: Edge): number => 2 * net + edge

/** The edge of the input that can make `edge` of the output: one, or both. */
export const causes = (sense: TimingArc['sense'], edge: Edge): readonly Edge[] =>
  sense === 'either' ? edges : [sense === 'positive' ? edge : ((1 - edge) as Edge)]

export const ofEdge = <T>({ rise, fall }: Edges<T>, edge: Edge): T | undefined => (edge === 1 ? rise : fall)

/**
 * Delays and slews by the library's tables, arrivals of the longest paths: each arc at the worst slew of its input and the load of its
 * output, rising and falling apart, as a static timing analyser does. Inputs and the clock come at 0 with a slew of 0. Wires are those
 * that the library assumes by fan-out, with Elmore's delay; without such they cost nothing.
 */
export function analyseTiming(graph: CircuitGraph, wires: WireLoad | undefined): Timing {
  const { netlist, order, flipFlops } = graph
  const arrival = new Float64Array(2 * netlist.netCount).fill(Number.NEGATIVE_INFINITY)
  const slew = new Float64Array(2 * netlist.netCount)
  const from = new Int32Array(2 * netlist.netCount).fill(-1)
  const driver: (Node | undefined)[] = new Array(2 * netlist.netCount)
  const load = netLoads(graph, wires)
  const wireDelay = wireDelays(graph, wires)
  for (const { nets } of netlist.inputs)
    for (const net of nets) for (const edge of edges) arrival[at(net, edge)] = 0

  const arc = (node: Node, net: Net, { from: pin, sense, delay, slew: slews }: TimingArc) => {
    const place = node.gate.cell.pins.findIndex(({ name }) => name === pin)
    if (place === -1) return
    const source = node.gate.nets[place]!
    for (const edge of edges) {
      const [delays, transitions] = [ofEdge(delay, edge), ofEdge(slews, edge)]
      if (delays === undefined) continue
      for (const cause of causes(sense, edge)) {
        const wire = wireDelay(source, node.gate.cell.pins[place]!, cause)
        relax(node, at(source, cause), wire, at(net, edge), delays, transitions)
      }
    }
  }
  const relax = (
    node: Node,
    cause: number,
    wire: number,
    to: number,
    delays: Table,
    transitions: Table | undefined,
  ) => {
    if (arrival[cause] === Number.NEGATIVE_INFINITY) return
    const time = arrival[cause]! + wire + lookUp(delays, slew[cause]!, load[to]!)
    const transition = transitions === undefined ? 0 : lookUp(transitions, slew[cause]!, load[to]!)
    if (transition > slew[to]!) slew[to] = transition
    if (time <= arrival[to]!) return
    arrival[to] = time
    from[to] = cause
    driver[to] = node
  }
  for (const node of [...flipFlops, ...order])
    for (const [i, net] of node.outputs.entries())
      for (const found of node.gate.cell.pins[node.model.outputs[i]!]!.arcs) arc(node, net, found)

  const end = lastEdge(graph, arrival, slew)
  return { arrival, slew, load, delay: end.time, path: pathTo(end.place, from, driver, arrival) }
}

function netLoads({ netlist, sinks }: CircuitGraph, wires: WireLoad | undefined): Float64Array {
  const load = new Float64Array(2 * netlist.netCount)
  for (const [net, pins] of sinks.entries())
    for (const { node, input } of pins) {
      const { load: capacitance } = node.gate.cell.pins[node.model.inputs[input]!]!
      for (const edge of edges) load[at(net, edge)]! += ofEdge(capacitance, edge)!
    }
  if (wires !== undefined)
    for (const [net, pins] of fanouts(netlist, sinks).entries())
      for (const edge of edges) load[at(net, edge)]! += wires.capacitance * wireLength(wires, pins)
  return load
}

/** Pins and outputs of the module that each net drives. */
function fanouts({ outputs }: CircuitGraph['netlist'], sinks: CircuitGraph['sinks']): readonly number[] {
  const fanout = sinks.map((pins) => pins.length)
  for (const { nets } of outputs) for (const net of nets) fanout[net]!++
  return fanout
}

/** Elmore's delay of the wire to one pin, as if each pin had a wire of its own (a balanced tree), by the edge. */
export function wireDelays({ netlist, sinks }: CircuitGraph, wires: WireLoad | undefined) {
  if (wires === undefined) return () => 0
  const branch = fanouts(netlist, sinks).map((pins) => (pins === 0 ? 0 : wireLength(wires, pins) / pins))
  return (net: Net, pin: Pin, edge: Edge): number =>
    wires.resistance * branch[net]! * (wires.capacitance * branch[net]! + ofEdge(pin.load, edge)!)
}

/** Where the longest path ends: at an output, or at the data input of a flip-flop, by its setup time before the next edge. */
function lastEdge(
  { netlist, flipFlops }: CircuitGraph,
  arrival: Float64Array,
  slew: Float64Array,
): { readonly place: number; readonly time: number } {
  let end = { place: -1, time: 0 }
  const see = (place: number, time: number) => {
    if (time > end.time) end = { place, time }
  }
  for (const { nets } of netlist.outputs)
    for (const net of nets) for (const edge of edges) see(at(net, edge), arrival[at(net, edge)]!)
  for (const { model, inputs, gate } of flipFlops)
    for (const [i, net] of inputs.entries())
      for (const { type, delay } of gate.cell.pins[model.inputs[i]!]!.arcs) {
        if (type !== 'setup') continue
        for (const edge of edges) {
          const [setup, place] = [ofEdge(delay, edge), at(net, edge)]
          if (setup !== undefined) see(place, arrival[place]! + lookUp(setup, slew[place]!, 0))
        }
      }
  return end
}

function pathTo(
  end: number,
  from: Int32Array,
  driver: readonly (Node | undefined)[],
  arrival: Float64Array,
): PathStep[] {
  const steps: PathStep[] = []
  for (let place = end; place !== -1; place = from[place]!)
    steps.unshift({
      net: place >> 1,
      edge: (place & 1) as Edge,
      cell: driver[place]?.gate.cell.name,
      arrival: arrival[place]!,
    })
  return steps
}
