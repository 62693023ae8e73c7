import { type Activity, type ActivityMethod, recordActivity } from './activity.ts'
import { gateArcs } from './arcs.ts'
import type { CircuitGraph } from './circuit-graph.ts'
import { eventSettle } from './events.ts'
import type { Library } from './liberty/library.ts'
import type { Stream } from './stream.ts'
import { at, type Timing } from './timing.ts'
import { zeroDelaySettle } from './zero-delay.ts'

/** pJ of an operation (a clock cycle, where there is a clock). */
export interface Energy {
  /** internal + switching + leakage. */
  readonly total: number
  /** Inside of cells, by the library's internal_power tables. */
  readonly internal: number
  /** 0.5 C V^2 for each transition of a net that a cell drives. */
  readonly switching: number
  /** Leakage power times the time of an operation. */
  readonly leakage: number
  /** The same as switching for nets that inputs drive. Not in the total: it belongs to who drives them. */
  readonly inputs: number
  /** Transitions of nets that cells drive. */
  readonly toggles: number
  readonly method: ActivityMethod
  readonly operations: number
}

export interface EnergyOptions {
  readonly method: ActivityMethod
  /** Time of an operation in ns, for its share of the leakage. */
  readonly period: number
}

/** Sends a stream of operations through a netlist and adds up what they take. */
export function measureEnergy(
  graph: CircuitGraph,
  timing: Timing,
  library: Library,
  stream: Stream,
  options: EnergyOptions,
): Energy {
  return measureWindows(graph, timing, library, stream, { ...options, windows: [stream.length - 1] })[0]!
}

/** The same in windows of so many operations each, behind the stream's first one. */
export function measureWindows(
  graph: CircuitGraph,
  timing: Timing,
  library: Library,
  stream: Stream,
  { method, period, windows }: EnergyOptions & { readonly windows: readonly number[] },
): readonly Energy[] {
  const arcs = gateArcs(graph, timing, library.wireLoad)
  const settle = method === 'events' ? eventSettle : zeroDelaySettle
  return recordActivity(graph, arcs, stream, method, settle, windows).map((activity) =>
    energyOf(graph, timing, library, activity, period),
  )
}

function energyOf(
  { netlist, nodes, clockNet }: CircuitGraph,
  { load }: Timing,
  { voltage }: Library,
  { method, operations, toggles, internal, leakage }: Activity,
  period: number,
): Energy {
  const driven = new Uint8Array(netlist.netCount)
  for (const { outputs } of nodes) for (const net of outputs) driven[net] = 1
  const counted = { switching: 0, inputs: 0, toggles: 0 }
  for (const [net, count] of toggles.entries()) {
    const transitions = net === clockNet ? 2 * operations : count
    const energy = transitions * 0.5 * voltage ** 2 * ((load[at(net, 0)]! + load[at(net, 1)]!) / 2)
    if (driven[net] === 1) {
      counted.switching += energy
      counted.toggles += transitions
    } else counted.inputs += energy
  }
  const each = operations === 0 ? 0 : 1 / operations
  // nW ns are 1e-18 J
  const leaked = leakage * period * 1e-6
  return {
    total: (internal + counted.switching) * each + leaked,
    internal: internal * each,
    switching: counted.switching * each,
    leakage: leaked,
    inputs: counted.inputs * each,
    toggles: counted.toggles * each,
    method,
    operations,
  }
}
