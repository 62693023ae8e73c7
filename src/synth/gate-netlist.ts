import { z } from 'zod'
import { XgenError } from '../base/errors.ts'
import type { Cell, Library } from './liberty/library.ts'

/** A net's number. */
export type Net = number
/** The nets that are always 0 and always 1. */
export const zero: Net = 0
export const one: Net = 1

/** Cells of a library and the nets between their pins, without hierarchy. */
export interface GateNetlist {
  readonly top: string
  readonly inputs: readonly GatePort[]
  readonly outputs: readonly GatePort[]
  /** All nets, the two constants included. */
  readonly netCount: number
  readonly gates: readonly Gate[]
}

export interface GatePort {
  readonly name: string
  /** Lowest bit first. */
  readonly nets: readonly Net[]
}

export interface Gate {
  readonly cell: Cell
  /** A net for each pin of the cell, in the cell's order. An input that nothing is connected to is 0, such an output has a net of its own. */
  readonly nets: readonly Net[]
}

/** The same as text: cells by name. What the cache keeps. */
export interface StoredNetlist {
  readonly creator: string
  readonly top: string
  readonly ports: readonly {
    readonly name: string
    readonly output: boolean
    readonly nets: readonly Net[]
  }[]
  readonly netCount: number
  readonly gates: readonly { readonly cell: string; readonly pins: Readonly<Record<string, Net>> }[]
}

const bit = z.union([z.int().nonnegative(), z.enum(['0', '1', 'x', 'z'])])
const yosysModule = z.object({
  attributes: z.record(z.string(), z.unknown()).optional(),
  ports: z.record(
    z.string(),
    z.object({ direction: z.enum(['input', 'output', 'inout']), bits: z.array(bit) }),
  ),
  cells: z.record(
    z.string(),
    z.object({ type: z.string(), connections: z.record(z.string(), z.array(bit)) }),
  ),
})
const yosysJson = z.object({ creator: z.string(), modules: z.record(z.string(), z.unknown()) })

/** Reads what Yosys's `write_json` says of a flat, mapped module. Bits without a driver or a value (`x`, `z`) are 0. */
export function readYosysJson(text: string, top: string): StoredNetlist {
  const { creator, module } = parseYosys(text, top)
  const numbers = new Map<number, Net>()
  const net = (b: z.infer<typeof bit>): Net => {
    if (typeof b === 'string') return b === '1' ? one : zero
    let number = numbers.get(b)
    if (number === undefined) numbers.set(b, (number = numbers.size + 2))
    return number
  }
  const ports = Object.entries(module.ports).map(([name, { direction, bits }]) => {
    if (direction === 'inout') throw unreadable(`the port ${name} goes both ways`)
    return { name, output: direction === 'output', nets: bits.map(net) }
  })
  const gates = Object.values(module.cells).map(({ type, connections }) => ({
    cell: type.replace(/^\\/, ''),
    pins: Object.fromEntries(
      Object.entries(connections).map(([pin, bits]) => {
        if (bits.length !== 1) throw unreadable(`the pin ${pin} of a ${type} has ${bits.length} bits`)
        return [pin, net(bits[0]!)]
      }),
    ),
  }))
  return { creator, top, ports, netCount: numbers.size + 2, gates }
}

function parseYosys(
  text: string,
  top: string,
): { readonly creator: string; readonly module: z.infer<typeof yosysModule> } {
  try {
    const { creator, modules } = yosysJson.parse(JSON.parse(text))
    return { creator, module: yosysModule.parse(modules[top]) }
  } catch (error) {
    throw unreadable((error as Error).message.slice(0, 400))
  }
}

const unreadable = (why: string) =>
  new XgenError('tool-failed', `cannot read the netlist that Yosys gives (write_json): ${why}`, {
    hint: 'Versions 0.23 and 0.55 are known to work.',
  })

/** The netlist with the cells that it names. One that the library lacks is an error: Yosys found no cell for a function. */
export function bindCells(stored: StoredNetlist, { cells, name }: Library): GateNetlist {
  let { netCount } = stored
  const gates = stored.gates.map(({ cell: type, pins }): Gate => {
    const cell = cells.get(type)
    if (cell === undefined)
      throw new XgenError(
        'tool-failed',
        `the library ${name} has no cell for ${type}, which ${stored.top} needs`,
        {
          hint: type.startsWith('$')
            ? 'Synthesis needs at least an inverter, a NAND or NOR, and a flip-flop for what has registers.'
            : undefined,
        },
      )
    for (const pin of Object.keys(pins))
      if (!cell.pins.some((own) => own.name === pin))
        throw new XgenError('tool-failed', `the cell ${type} of the library ${name} has no pin ${pin}`)
    return {
      cell,
      nets: cell.pins.map((pin) => pins[pin.name] ?? (pin.direction === 'input' ? zero : netCount++)),
    }
  })
  const ports = (output: boolean) =>
    stored.ports
      .filter((port) => port.output === output)
      .map((port) => ({ name: port.name, nets: port.nets }))
  return {
    top: stored.top,
    inputs: ports(false),
    outputs: ports(true),
    netCount,
    gates,
  }
}

/** How many of each cell, and their area; most area first. */
export interface CellCount {
  readonly cell: string
  readonly count: number
  readonly area: number
}

export function cellHistogram({ gates }: GateNetlist): readonly CellCount[] {
  const counts = new Map<Cell, number>()
  for (const { cell } of gates) counts.set(cell, (counts.get(cell) ?? 0) + 1)
  return [...counts]
    .map(([{ name, area }, count]) => ({ cell: name, count, area: count * area }))
    .sort((a, b) => b.area - a.area || (a.cell < b.cell ? -1 : 1))
}

/** Without the last digits, which the order of the sum decides. */
export const netlistArea = (netlist: GateNetlist): number =>
  Number(
    cellHistogram(netlist)
      .reduce((sum, { area }) => sum + area, 0)
      .toFixed(6),
  )
