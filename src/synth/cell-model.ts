import { XgenError } from '../base/errors.ts'
import { type BooleanFunction, evaluate, pinsOf } from './liberty/function.ts'
import type { Cell, CellKind, PowerArc } from './liberty/library.ts'

type FlipFlop = Extract<CellKind, { kind: 'flip-flop' }>

/**
 * A cell's behaviour as tables over codes of its inputs: input i is bit i. Of a flip-flop, its state is one more bit, the highest.
 */
export interface CellModel {
  readonly cell: Cell
  /** Places of pins in `cell.pins`. */
  readonly inputs: readonly number[]
  readonly outputs: readonly number[]
  /** Bits of a code. */
  readonly bits: number
  readonly flipFlop: FlipFlopModel | undefined
  /** The value of each output. */
  readonly truth: readonly Uint8Array[]
  /** Whether a condition holds. */
  table(condition: BooleanFunction | undefined): Uint8Array
}

export interface FlipFlopModel {
  /** Which input is the clock, and the edge that counts. */
  readonly clock: number
  readonly rising: boolean
  /** The state after that edge. */
  readonly next: Uint8Array
}

/** Codes of more bits would need tables of megabytes; no library has such cells. */
const mostBits = 12

/** Compiles cells, each once. A cell whose function Liberty does not tell cannot be simulated. */
export function cellModels(): (cell: Cell) => CellModel {
  const known = new Map<Cell, CellModel>()
  return (cell) => {
    let model = known.get(cell)
    if (model === undefined) known.set(cell, (model = modelOf(cell)))
    return model
  }
}

function modelOf(cell: Cell): CellModel {
  const { kind, name, pins } = cell
  if (kind.kind === 'latch' || kind.kind === 'other') throw cannot(name, describeKind(kind))
  const places = (direction: string) => pins.flatMap((pin, i) => (pin.direction === direction ? [i] : []))
  const [inputs, outputs] = [places('input'), places('output')]
  const flipFlop = kind.kind === 'flip-flop' ? kind : undefined
  const bits = inputs.length + (flipFlop === undefined ? 0 : 1)
  if (bits > mostBits) throw cannot(name, `it has ${inputs.length} inputs`)

  const names = inputs.map((i) => pins[i]!.name)
  // Conditions name outputs, too; functions that did could go round in circles.
  const given = new Set([...names, ...(flipFlop === undefined ? [] : [flipFlop.state, flipFlop.inverted])])
  for (const { name: pin, function: f } of pins)
    for (const other of f === undefined ? [] : pinsOf(f))
      if (!given.has(other)) throw cannot(name, `the function of ${pin} names "${other}", which is no input`)
  const value = (code: number, pin: string): number => {
    const i = names.indexOf(pin)
    if (i !== -1) return (code >> i) & 1
    if (pin === flipFlop?.state) return code >> inputs.length
    if (pin === flipFlop?.inverted) return (code >> inputs.length) ^ 1
    const output = pins.find((own) => own.name === pin)?.function
    if (output === undefined) throw cannot(name, `its functions name "${pin}", which is no pin`)
    return evaluate(output, (inner) => value(code, inner))
  }
  const table = (f: BooleanFunction | undefined): Uint8Array =>
    Uint8Array.from({ length: 2 ** bits }, (_, code) =>
      f === undefined ? 1 : evaluate(f, (pin) => value(code, pin)),
    )
  const truth = outputs.map((i) => {
    const { function: f, name: pin } = pins[i]!
    if (f === undefined) throw cannot(name, `its output ${pin} has no function`)
    return table(f)
  })
  const model = flipFlop === undefined ? undefined : flipFlopModel(flipFlop, names, table, name)
  return { cell, inputs, outputs, bits, flipFlop: model, truth, table }
}

/** Clear and preset count at the clock's edge: in what is synthesised here they stand still in between. */
function flipFlopModel(
  { clock, next, clear, preset }: FlipFlop,
  names: readonly string[],
  table: (f: BooleanFunction) => Uint8Array,
  cell: string,
): FlipFlopModel {
  const rising = clock.kind === 'pin'
  const pin =
    clock.kind === 'pin' ? clock.pin : clock.kind === 'not' && clock.of.kind === 'pin' ? clock.of.pin : ''
  const place = names.indexOf(pin)
  if (place === -1) throw cannot(cell, 'its clock is no pin')
  const [loaded, cleared, set] = [next, clear, preset].map((f) => (f === undefined ? undefined : table(f)))
  return {
    clock: place,
    rising,
    next: loaded!.map((state, code) => (cleared?.[code] === 1 ? 0 : set?.[code] === 1 ? 1 : state)),
  }
}

const describeKind = ({ kind }: CellKind) => (kind === 'latch' ? 'it is a latch' : 'it has no plain function')

const cannot = (cell: string, why: string) =>
  new XgenError('usage', `the cell ${cell} cannot be simulated: ${why}`, {
    hint: 'Circuits are simulated as gates and flip-flops. Area and cells are known without a simulation.',
  })

/** The power arc of a list that applies: the first whose condition holds, or the first without one. */
export function chooseArcs(model: CellModel, arcs: readonly PowerArc[]): Int16Array {
  const chosen = new Int16Array(2 ** model.bits).fill(-1)
  for (const [index, { when }] of arcs.entries()) {
    if (when === undefined) continue
    const holds = model.table(when)
    for (let code = 0; code < chosen.length; code++)
      if (holds[code] === 1 && chosen[code] === -1) chosen[code] = index
  }
  const standard = arcs.findIndex(({ when }) => when === undefined)
  return chosen.map((index) => (index === -1 ? standard : index))
}
