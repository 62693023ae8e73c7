import type { Yosys } from '../tools/yosys.ts'
import type { ActivityMethod } from './activity.ts'
import { circuitGraph } from './circuit-graph.ts'
import type { CellCount } from './gate-netlist.ts'
import type { OpenLibrary } from './libraries.ts'
import { type Circuit, type Mapping, mapCircuit } from './mapping.ts'
import { staDelay } from './opensta.ts'
import { type Energy, measureEnergy } from './power.ts'
import type { MappingScript } from './scripts.ts'
import type { Stream } from './stream.ts'
import { analyseTiming } from './timing.ts'

export interface CharacterisationOptions extends MeasurementOptions {
  readonly script: MappingScript
  readonly yosys: Yosys
  /** Where netlists are kept; the user's cache unless given. */
  readonly cache?: string
}

export interface MeasurementOptions {
  readonly signal: AbortSignal
  /** What goes through for its energy; without one, none is measured. */
  readonly stream?: Stream
  readonly method?: ActivityMethod
  /** Time of an operation in ns, for its share of the leakage. */
  readonly period?: number
  /** Whether the longest path is asked of OpenSTA, too, where that is installed. */
  readonly sta?: boolean
}

/** What a circuit costs in a cell library. Delays and energies are those before layout, with the wires that the library assumes. */
export interface Characterisation {
  readonly target: string
  readonly library: string
  /** Such as `Yosys 0.55`. */
  readonly engine: string
  readonly script: MappingScript
  readonly area: number
  readonly areaUnit: 'um2' | 'GE'
  readonly cells: number
  readonly histogram: readonly CellCount[]
  /** The wire load model of the library, or null where it has none. */
  readonly wires: string | null
  /** The longest path; its unit is that of the library: ns, or units of logical effort in the generic one. */
  readonly delay: Delay
  /** null where no stream was given, or the library knows no energies. */
  readonly energy: Energy | null
  /** Name of the stream, if energy was measured. */
  readonly stream: string | null
}

export interface Delay {
  readonly unit: 'ns' | 'tau'
  readonly own: number
  /** OpenSTA's answer and its version; null where it was not asked, or is not installed. */
  readonly sta: { readonly delay: number; readonly engine: string } | null
}

export const standardPeriod = 5

/** Maps a circuit to cells and measures it. */
export async function characterise(
  circuit: Circuit,
  library: OpenLibrary,
  options: CharacterisationOptions,
): Promise<Characterisation> {
  return measureMapping(circuit.top, await mapCircuit(circuit, library, options), library, options)
}

/** Measures what is in cells. */
export async function measureMapping(
  target: string,
  mapping: Mapping,
  library: OpenLibrary,
  options: MeasurementOptions,
): Promise<Characterisation> {
  const { content } = library
  const { method = 'events', period = standardPeriod, stream } = options
  const graph = circuitGraph(mapping.netlist)
  const timing = analyseTiming(graph, content.wireLoad)
  const clock = mapping.netlist.inputs.find(
    ({ nets }) => graph.clockNet !== undefined && nets.includes(graph.clockNet),
  )?.name
  const sta =
    options.sta === true ? await staDelay(mapping.netlist, library, { ...options, clock }) : undefined
  const measured = stream !== undefined && content.hasPower
  return {
    target,
    library: library.name,
    engine: mapping.engine,
    script: mapping.script,
    area: mapping.area,
    areaUnit: content.areaUnit,
    cells: mapping.netlist.gates.length,
    histogram: mapping.histogram,
    wires: content.wireLoad?.name ?? null,
    delay: { unit: content.hasPower ? 'ns' : 'tau', own: timing.delay, sta: sta ?? null },
    energy: measured ? measureEnergy(graph, timing, content, stream, { method, period }) : null,
    stream: measured ? stream.name : null,
  }
}
