import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { dataError, XgenError } from '../../base/errors.ts'
import { cellReader, type Surroundings, type Template } from './cell.ts'
import { type Group, groupReader } from './groups.ts'
import type { Cell, Library } from './library.ts'
import { readWireLoad } from './wire-load.ts'

/** Characters of an unpacked file; the largest open library has 13 million. */
export const mostCharacters = 256 * 2 ** 20
const mostCells = 20_000
/** Of each kind: wire loads, operating conditions, templates. */
const mostOfKind = 10_000

/** Reads a library that comes piece by piece (latin1: names are ASCII). */
export interface LibraryReader {
  push(piece: string): void
  /** The library, once the file has ended. */
  end(): Library
}

export function libraryReader(file: string): LibraryReader {
  const hash = createHash('sha256')
  const cells = new Map<string, Cell>()
  const templates = new Map<string, Template>()
  const conditions: Group[] = []
  const wireLoads: Group[] = []
  let library: Group | undefined
  let cellsOf: ReturnType<typeof cellReader> | undefined
  let characters = 0
  const bare = cellReader({ ...siUnits, file, templates })

  const keepCell = (group: Group, around: Group) => {
    // The library's own attributes stand before its first cell.
    cellsOf ??= cellReader({ ...unitsOf(around, file), file, templates })
    const cell = cellsOf.cell(group)
    if (cells.has(cell.name)) bare.fail(`the cell "${cell.name}" stands twice`, group)
    if (cells.size === mostCells) bare.fail(`there are more than ${mostCells} cells`, group)
    cells.set(cell.name, cell)
  }
  const limited = (count: number, group: Group) => {
    if (count > mostOfKind) bare.fail(`there are more than ${mostOfKind} groups "${group.name}"`, group)
  }
  const reader = groupReader(file, (group, around) => {
    if (around.length > 1) return around[1]!.name === 'cell' && !unread.has(group.name) ? 'keep' : 'drop'
    if (around.length === 0) {
      if (group.name !== 'library')
        bare.fail(`the file holds "${group.name.slice(0, 40)}", which is no library`, group)
      library = group
    } else if (group.name === 'operating_conditions') limited(conditions.push(group), group)
    else if (group.name === 'wire_load') limited(wireLoads.push(group), group)
    else if (group.name === 'lu_table_template' || group.name === 'power_lut_template')
      limited(templates.set(group.arguments[0] ?? '', bare.template(group)).size, group)
    else if (group.name === 'cell') keepCell(group, around[0]!)
    return 'drop'
  })

  return {
    push(piece) {
      characters += piece.length
      if (characters > mostCharacters)
        throw dataError(`the library has more than ${mostCharacters} characters`, { where: file })
      hash.update(piece, 'latin1')
      reader.push(piece)
    },
    end() {
      reader.end()
      if (cells.size === 0) throw dataError('the library has no cells', { where: file })
      return describe(library!, { conditions, wireLoads, cells, hash: hash.digest('hex'), file })
    },
  }
}

/** Groups of a cell that nothing here needs. */
const unread = new Set([
  'test_cell',
  'pg_pin',
  'receiver_capacitance',
  'output_current_rise',
  'output_current_fall',
])

interface Found {
  readonly conditions: readonly Group[]
  readonly wireLoads: readonly Group[]
  readonly cells: ReadonlyMap<string, Cell>
  readonly hash: string
  readonly file: string
}

function describe(library: Group, { conditions, wireLoads, cells, hash, file }: Found): Library {
  const reader = cellReader({ ...siUnits, file, templates: new Map() })
  const { number, text } = reader
  const chosen = text(library, 'default_operating_conditions')
  const voltageOf = (group: Group | undefined) => (group === undefined ? undefined : number(group, 'voltage'))
  // Where none is the default, the nominal values are those of the tables; the first condition may be any corner.
  const voltage =
    voltageOf(conditions.find((group) => group.arguments[0] === chosen)) ??
    number(library, 'nom_voltage') ??
    voltageOf(conditions[0])
  const gateEquivalents = text(library, 'xgen_area_unit') === 'GE'
  if (voltage === undefined && !gateEquivalents)
    throw dataError('the library names no voltage: neither operating_conditions nor nom_voltage', {
      where: file,
    })
  const units = unitsOf(library, file)
  const wires = new Map(
    wireLoads.map((group) => {
      const wireLoad = readWireLoad(group, reader, units)
      return [wireLoad.name, wireLoad] as const
    }),
  )
  return {
    name: library.arguments[0] ?? file,
    hash,
    voltage: (voltage ?? 0) * units.volts,
    cells,
    wireLoad: wires.get(text(library, 'default_wire_load') ?? ''),
    wireLoads: wires,
    areaUnit: gateEquivalents ? 'GE' : 'um2',
    hasPower: !gateEquivalents,
  }
}

type Units = Omit<Surroundings, 'file' | 'templates'> & {
  readonly volts: number
  readonly resistance: number
}

const siUnits: Units = {
  time: 1,
  capacitance: 1,
  leakage: 1,
  energy: 1,
  volts: 1,
  resistance: 1,
  defaultLeakage: 0,
  defaultInputCapacitance: 0,
}

/** Factors from the units of a library to ns, pF, nW and V. */
function unitsOf(library: Group, file: string): Units {
  const { number, fail } = cellReader({ ...siUnits, file, templates: new Map() })
  const unit = (name: string, standard: string, letter: string, target: number): number => {
    const attribute = library.attributes.get(name)
    const value = attribute?.values[0] ?? standard
    const match = /^\s*([\d.]+)\s*([munpfk]?)(s|v|w|ohm)\s*$/i.exec(value)
    const factor = Number(match?.[1])
    if (match === null || match[3]!.toLowerCase() !== letter || !(factor > 0))
      return fail(`"${value.slice(0, 40)}" is no unit for ${name}`, attribute!)
    return (factor * prefixes[match[2]!.toLowerCase()]!) / target
  }
  const load = library.attributes.get('capacitive_load_unit')
  const farads = load === undefined ? '1pf' : load.values.join('')
  const capacitance = /^\s*([\d.]+)\s*([pf])f\s*$/i.exec(farads)
  if (capacitance === null) return fail(`"${farads.slice(0, 40)}" is no unit of capacitance`, load!)
  const volts = unit('voltage_unit', '1V', 'v', 1)
  const picofarads = Number(capacitance[1]) * (capacitance[2]!.toLowerCase() === 'p' ? 1 : 1e-3)
  const leakage = unit('leakage_power_unit', '1nW', 'w', 1e-9)
  return {
    time: unit('time_unit', '1ns', 's', 1e-9),
    capacitance: picofarads,
    leakage,
    energy: volts * volts * picofarads,
    volts,
    resistance: unit('pulling_resistance_unit', '1kohm', 'ohm', 1e3),
    defaultLeakage: (number(library, 'default_cell_leakage_power') ?? 0) * leakage,
    defaultInputCapacitance: (number(library, 'default_input_pin_cap') ?? 0) * picofarads,
  }
}

const prefixes: Readonly<Record<string, number>> = {
  '': 1,
  m: 1e-3,
  u: 1e-6,
  n: 1e-9,
  p: 1e-12,
  f: 1e-15,
  k: 1e3,
}

/** A library that is in memory, for tests and for the built-in one. */
export function readLibrary(text: string, name: string): Library {
  const reader = libraryReader(name)
  reader.push(text)
  return reader.end()
}

/** Reads a .lib file, gzipped or not, piece by piece. */
export async function readLibraryFile(path: string, signal?: AbortSignal): Promise<Library> {
  const reader = libraryReader(path)
  // what the reader refuses ends the streams before it, which say of themselves that they were aborted
  let refused: unknown
  const take = async (pieces: AsyncIterable<Buffer>) => {
    for await (const piece of pieces) {
      try {
        reader.push(piece.toString('latin1'))
      } catch (error) {
        refused = error
        throw error
      }
    }
  }
  try {
    const file = createReadStream(path, { highWaterMark: 1 << 18 })
    if (path.endsWith('.gz')) await pipeline(file, createGunzip({ chunkSize: 1 << 18 }), take, { signal })
    else await pipeline(file, take, { signal })
  } catch (error) {
    const cause = refused ?? error
    if (cause instanceof XgenError) throw cause
    if (signal?.aborted === true) throw signal.reason
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    throw dataError(missing ? 'does not exist' : `cannot be read: ${(cause as Error).message}`, {
      where: path,
      cause,
    })
  }
  return reader.end()
}
