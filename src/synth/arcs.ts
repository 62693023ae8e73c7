import { chooseArcs } from './cell-model.ts'
import type { CircuitGraph, Node } from './circuit-graph.ts'
import type { PowerArc, WireLoad } from './liberty/library.ts'
import { lookUp } from './liberty/table.ts'
import { at, causes, type Edge, edges, ofEdge, type Timing, wireDelays } from './timing.ts'

/**
 * What a gate's transitions take, at its slews and load: entry 2 * input + edge of a table, `edge` being that of what changes
 * (the output for `delay` and `energy`, the input for `passive`).
 */
export interface GateArcs {
  /** By output: ps, at least 1. The slowest of the conditions under which the input makes this edge. */
  readonly delay: readonly Int32Array[]
  /** By output, then (2 * input + edge) * 2^bits + code: pJ. */
  readonly energy: readonly Float64Array[]
  /** (2 * input + edge) * 2^bits + code: pJ of the input's own transition. */
  readonly passive: Float64Array
}

/** The arcs of every gate, by its index. */
export function gateArcs(
  graph: CircuitGraph,
  timing: Timing,
  wires: WireLoad | undefined,
): readonly GateArcs[] {
  const wire = wireDelays(graph, wires)
  return graph.nodes.map((node) => ({
    delay: node.outputs.map((_, output) => delays(node, output, timing, wire)),
    energy: node.outputs.map((_, output) => energies(node, output, timing)),
    passive: passives(node, timing),
  }))
}

function delays(
  { model, gate, inputs, outputs }: Node,
  output: number,
  { slew, load }: Timing,
  wire: ReturnType<typeof wireDelays>,
): Int32Array {
  const { pins } = gate.cell
  const found = new Float64Array(2 * inputs.length).fill(-1)
  for (const arc of pins[model.outputs[output]!]!.arcs) {
    const input = model.inputs.findIndex((place) => pins[place]!.name === arc.from)
    if (input === -1) continue
    for (const edge of edges) {
      const table = ofEdge(arc.delay, edge)
      if (table === undefined) continue
      for (const cause of causes(arc.sense, edge)) {
        const net = inputs[input]!
        const delay =
          wire(net, pins[model.inputs[input]!]!, cause) +
          lookUp(table, slew[at(net, cause)]!, load[at(outputs[output]!, edge)]!)
        const place = 2 * input + edge
        if (delay > found[place]!) found[place] = delay
      }
    }
  }
  const slowest = Math.max(...found, 0)
  return Int32Array.from(found, (delay) => Math.max(1, Math.round(1000 * (delay < 0 ? slowest : delay))))
}

/** A table of the energy of every cause, edge and code: of the arcs that the causing input has, the one whose condition holds. */
function energies(
  { model, gate, inputs, outputs }: Node,
  output: number,
  { slew, load }: Timing,
): Float64Array {
  const { pins } = gate.cell
  const pin = pins[model.outputs[output]!]!
  const codes = 2 ** model.bits
  const found = new Float64Array(2 * inputs.length * codes)
  for (const [input, place] of model.inputs.entries()) {
    const arcs = pin.power.filter(({ related }) => related === pins[place]!.name)
    // where no arc names the input, the energy of the output's transition does not depend on its cause
    const own = arcs.length > 0 ? arcs : pin.power.filter(({ related }) => related === undefined)
    const net = inputs[input]!
    for (const edge of edges) {
      const cause = causes(senseOf(pin.arcs, pins[place]!.name), edge)
      const slews = cause.map((inputEdge) => slew[at(net, inputEdge)]!)
      const mean = slews.reduce((sum, each) => sum + each, 0) / slews.length
      fill(found, 2 * input + edge, chosenEnergies(model, own, edge, mean, load[at(outputs[output]!, edge)]!))
    }
  }
  return found
}

function passives({ model, gate, inputs }: Node, { slew }: Timing): Float64Array {
  const found = new Float64Array(2 * inputs.length * 2 ** model.bits)
  for (const [input, place] of model.inputs.entries())
    for (const edge of edges) {
      const { power } = gate.cell.pins[place]!
      fill(found, 2 * input + edge, chosenEnergies(model, power, edge, slew[at(inputs[input]!, edge)]!, 0))
    }
  return found
}

function chosenEnergies(
  model: Node['model'],
  arcs: readonly PowerArc[],
  edge: Edge,
  slew: number,
  load: number,
): Float64Array {
  const values = arcs.map(({ energy }) => {
    const table = ofEdge(energy, edge)
    return table === undefined ? 0 : lookUp(table, slew, load)
  })
  return Float64Array.from(chooseArcs(model, arcs), (index) => (index === -1 ? 0 : values[index]!))
}

const fill = (table: Float64Array, row: number, values: Float64Array) =>
  table.set(values, row * values.length)

const senseOf = (
  arcs: readonly { readonly from: string; readonly sense: 'positive' | 'negative' | 'either' }[],
  pin: string,
) => {
  const senses = new Set(arcs.filter(({ from }) => from === pin).map(({ sense }) => sense))
  return senses.size === 1 ? [...senses][0]! : 'either'
}
