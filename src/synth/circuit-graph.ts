import { XgenError } from '../base/errors.ts'
import { type CellModel, cellModels } from './cell-model.ts'
import { type Gate, type GateNetlist, type Net, one, zero } from './gate-netlist.ts'

/** A gate with its behaviour and its nets. */
export interface Node {
  readonly index: number
  readonly gate: Gate
  readonly model: CellModel
  readonly inputs: readonly Net[]
  readonly outputs: readonly Net[]
}

/** A pin of a gate that a net goes to: the input's number in the gate's model. */
export interface Sink {
  readonly node: Node
  readonly input: number
}

/** A netlist as a graph that can be walked in the direction of its signals. */
export interface CircuitGraph {
  readonly netlist: GateNetlist
  readonly nodes: readonly Node[]
  /** Gates without flip-flops, each behind those that drive it. */
  readonly order: readonly Node[]
  readonly flipFlops: readonly Node[]
  /** By net. */
  readonly sinks: readonly (readonly Sink[])[]
  /** Nets that only the clock drives, if there are flip-flops. */
  readonly clockNet: Net | undefined
}

/** Orders the gates of a netlist. A loop of gates, or flip-flops of several clocks, cannot be simulated. */
export function circuitGraph(netlist: GateNetlist): CircuitGraph {
  const modelOf = cellModels()
  const nodes = netlist.gates.map((gate, index): Node => {
    const model = modelOf(gate.cell)
    const nets = (places: readonly number[]) => places.map((place) => gate.nets[place]!)
    return { index, gate, model, inputs: nets(model.inputs), outputs: nets(model.outputs) }
  })
  refuseShared(netlist, nodes)
  const sinks: Sink[][] = Array.from({ length: netlist.netCount }, () => [])
  for (const node of nodes)
    for (const [input, net] of node.inputs.entries()) sinks[net]!.push({ node, input })
  const flipFlops = nodes.filter(({ model }) => model.flipFlop !== undefined)
  return {
    netlist,
    nodes,
    order: ordered(nodes, sinks, netlist),
    flipFlops,
    sinks,
    clockNet: clockOf(flipFlops, netlist),
  }
}

function ordered(
  nodes: readonly Node[],
  sinks: readonly (readonly Sink[])[],
  { top, netCount }: GateNetlist,
): Node[] {
  const gates = nodes.filter(({ model }) => model.flipFlop === undefined)
  const driven = new Uint8Array(netCount)
  for (const { outputs } of gates) for (const net of outputs) driven[net] = 1
  const waiting = new Int32Array(nodes.length)
  for (const { index, inputs } of gates)
    waiting[index] = inputs.reduce((count, net) => count + driven[net]!, 0)
  const order = gates.filter(({ index }) => waiting[index] === 0)
  for (let at = 0; at < order.length; at++)
    for (const net of order[at]!.outputs)
      for (const { node } of sinks[net]!)
        if (node.model.flipFlop === undefined && --waiting[node.index]! === 0) order.push(node)
  if (order.length < gates.length) {
    const stuck = gates.find(({ index }) => waiting[index]! > 0)!
    throw new XgenError(
      'usage',
      `${top} has a combinational loop: through a ${stuck.gate.cell.name}, for one`,
    )
  }
  return order
}

/** Every net has one driver: an input, a gate or a constant. */
function refuseShared({ top, inputs, netCount }: GateNetlist, nodes: readonly Node[]): void {
  const driven = new Uint8Array(netCount)
  driven[zero] = driven[one] = 1
  for (const net of [...inputs.flatMap(({ nets }) => nets), ...nodes.flatMap(({ outputs }) => outputs)]) {
    if (driven[net] === 1)
      throw new XgenError('usage', `${top} has a net with two drivers: such a circuit cannot be simulated`)
    driven[net] = 1
  }
}

function clockOf(flipFlops: readonly Node[], { top, inputs }: GateNetlist): Net | undefined {
  const clocks = new Set(flipFlops.map(({ inputs: pins, model }) => pins[model.flipFlop!.clock]!))
  const edges = new Set(flipFlops.map(({ model }) => model.flipFlop!.rising))
  if (clocks.size > 1 || edges.size > 1)
    throw new XgenError('usage', `${top} has several clocks, or both edges of one: one clock is simulated`)
  const [clock] = clocks
  if (clock !== undefined && !inputs.some(({ nets }) => nets.includes(clock)))
    throw new XgenError('usage', `${top} makes its own clock: one that is an input is simulated`)
  return clock
}
