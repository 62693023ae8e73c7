import type { Yosys } from '../tools/yosys.ts'
import type { CellCount } from './gate-netlist.ts'
import type { OpenLibrary } from './libraries.ts'
import { type Circuit, mapCircuit } from './mapping.ts'
import type { MappingScript } from './scripts.ts'

export interface CharacterisationOptions {
  readonly script: MappingScript
  readonly yosys: Yosys
  readonly signal: AbortSignal
  /** Where netlists are kept; the user's cache unless given. */
  readonly cache?: string
}

/** What a circuit costs in a cell library. */
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
}

/** Maps a circuit to cells and measures it. */
export async function characterise(
  circuit: Circuit,
  library: OpenLibrary,
  options: CharacterisationOptions,
): Promise<Characterisation> {
  const mapping = await mapCircuit(circuit, library, options)
  return {
    target: circuit.top,
    library: library.name,
    engine: mapping.engine,
    script: mapping.script,
    area: mapping.area,
    areaUnit: library.content.areaUnit,
    cells: mapping.netlist.gates.length,
    histogram: mapping.histogram,
  }
}
