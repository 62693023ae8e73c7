// Energy of a netlist without registers from averages alone, by the method of OpenSTA (power/Power.cc of version 3): how often nets change,
// and how long they are 1. It knows of no events: a cell's output takes the mean of its tables, rise and fall, each with the weight with
// which its input could have been the cause, as if all inputs were independent.

export type Expression =
  | { readonly kind: 'constant'; readonly value: 0 | 1 }
  | { readonly kind: 'pin'; readonly pin: string }
  | { readonly kind: 'not'; readonly of: Expression }
  | { readonly kind: 'and' | 'or' | 'xor'; readonly of: readonly [Expression, Expression] }

/** Rows by slew (ns), columns by load (pF); pJ. */
export interface EnergyTable {
  readonly slews: ArrayLike<number>
  readonly loads: ArrayLike<number>
  readonly values: ArrayLike<number>
}

export interface PowerGroup {
  readonly related: string | undefined
  readonly when: Expression | undefined
  readonly energy: { readonly rise: EnergyTable | undefined; readonly fall: EnergyTable | undefined }
}

export interface PowerPin {
  readonly name: string
  readonly direction: string
  readonly function: Expression | undefined
  readonly arcs: readonly { readonly from: string; readonly sense: string }[]
  readonly power: readonly PowerGroup[]
}

export interface PowerGate {
  readonly cell: {
    readonly pins: readonly PowerPin[]
    /** nW. */
    readonly leakage: {
      readonly standard: number
      readonly states: readonly { readonly value: number; readonly when: Expression }[]
    }
  }
  /** A net for each pin. */
  readonly nets: readonly number[]
}

/** By net: changes in an operation, and the share of the time that it is 1. */
export interface Averages {
  readonly density: ArrayLike<number>
  readonly duty: ArrayLike<number>
}

export interface Conditions {
  readonly voltage: number
  /** ns. */
  readonly period: number
  /** ns and pF, entry 2 * net + (1 when rising). */
  readonly slew: ArrayLike<number>
  readonly load: ArrayLike<number>
}

/** pJ of an operation; `outputs` and `inputs` are inside of cells, by the tables of the pins of that direction. */
export interface AveragePower {
  readonly outputs: number
  readonly inputs: number
  readonly switching: number
  readonly leakage: number
}

type Values = (pin: string) => number

function evaluate(f: Expression, value: Values): number {
  if (f.kind === 'constant') return f.value
  if (f.kind === 'pin') return value(f.pin)
  if (f.kind === 'not') return 1 - evaluate(f.of, value)
  const [a, b] = [evaluate(f.of[0], value), evaluate(f.of[1], value)]
  return f.kind === 'and' ? a & b : f.kind === 'or' ? a | b : a ^ b
}

const pinsIn = (f: Expression): readonly string[] => {
  if (f.kind === 'constant') return []
  if (f.kind === 'pin') return [f.pin]
  return f.kind === 'not' ? pinsIn(f.of) : f.of.flatMap(pinsIn)
}

const netOf = ({ cell, nets }: PowerGate, pin: string): number =>
  nets[cell.pins.findIndex(({ name }) => name === pin)]!

/** Settles the gates, each behind those that drive it, for one set of inputs (by net) after the other. Net 1 is the constant. */
export function settledAverages(
  gates: readonly PowerGate[],
  netCount: number,
  operations: readonly ReadonlyMap<number, number>[],
): Averages {
  const values = new Uint8Array(netCount)
  values[1] = 1
  const [ones, changes] = [new Float64Array(netCount), new Float64Array(netCount)]
  for (const [operation, inputs] of operations.entries()) {
    const before = values.slice()
    for (const [net, value] of inputs) values[net] = value
    for (const gate of gates)
      for (const [i, pin] of gate.cell.pins.entries())
        if (pin.function !== undefined)
          values[gate.nets[i]!] = evaluate(pin.function, (name) => values[netOf(gate, name)]!)
    for (let net = 0; net < netCount; net++) {
      ones[net]! += values[net]!
      if (operation > 0 && values[net] !== before[net]) changes[net]!++
    }
  }
  return {
    density: changes.map((count) => count / (operations.length - 1)),
    duty: ones.map((count) => count / operations.length),
  }
}

export function averagePower(
  gates: readonly PowerGate[],
  averages: Averages,
  conditions: Conditions,
): AveragePower {
  const sum = { outputs: 0, inputs: 0, switching: 0, leakage: 0 }
  for (const gate of gates) {
    const chance = chancesOf(gate, averages)
    for (const [i, pin] of gate.cell.pins.entries()) {
      const net = gate.nets[i]!
      const density = averages.density[net]!
      if (pin.direction === 'input') sum.inputs += density * inputEnergy(pin, net, gate, chance, conditions)
      else {
        const load = Math.max(conditions.load[2 * net]!, conditions.load[2 * net + 1]!)
        sum.switching += density * 0.5 * conditions.voltage ** 2 * load
        sum.outputs += density * outputEnergy(pin, load, gate, averages, chance, conditions)
      }
    }
    sum.leakage += leakagePower(gate, chance) * conditions.period * 1e-6
  }
  return sum
}

type Chances = ReturnType<typeof chancesOf>

/** How often conditions hold where each input is 1 so often, all independent of each other. */
function chancesOf({ cell, nets }: PowerGate, { duty }: Averages) {
  const inputs = cell.pins.flatMap(({ name, direction }, i) =>
    direction === 'input' ? [{ name, one: duty[nets[i]!]! }] : [],
  )
  const functionOf = (pin: string) => cell.pins.find(({ name }) => name === pin)?.function
  const of = (holds: (value: Values) => number): number => {
    let sum = 0
    for (let code = 0; code < 2 ** inputs.length; code++) {
      const bit = (i: number) => (code >> i) & 1
      const value = (pin: string): number => {
        const i = inputs.findIndex(({ name }) => name === pin)
        return i === -1 ? evaluate(functionOf(pin)!, value) : bit(i)
      }
      if (holds(value) === 1)
        sum += inputs.reduce((product, { one }, i) => product * (bit(i) === 1 ? one : 1 - one), 1)
    }
    return sum
  }
  return {
    functionOf,
    holds: (when: Expression) => of((value) => evaluate(when, value)),
    /** That a change of the pin changes the function. */
    decides: (f: Expression, pin: string) =>
      of((value) => {
        const given = (bit: number) => evaluate(f, (name) => (name === pin ? bit : value(name)))
        return given(0) ^ given(1)
      }),
  }
}

/** Of one change of an input: all groups whose condition holds, those without a condition always. */
function inputEnergy(
  pin: PowerPin,
  net: number,
  { cell }: PowerGate,
  { holds, decides, functionOf }: Chances,
  { slew }: Conditions,
): number {
  const outputs = cell.pins.flatMap(({ name, direction }) => (direction === 'input' ? [] : [name]))
  const share = (when: Expression | undefined) => {
    if (when === undefined) return 1
    const output = pinsIn(when).find((name) => outputs.includes(name))
    const f = output === undefined ? undefined : functionOf(output)
    return f !== undefined && pinsIn(f).includes(pin.name) ? decides(f, pin.name) : holds(when)
  }
  return pin.power.reduce((sum, { when, energy }) => {
    const mean = (lookUp(energy.rise, slew[2 * net + 1]!, 0) + lookUp(energy.fall, slew[2 * net]!, 0)) / 2
    return sum + share(when) * mean
  }, 0)
}

/** Of one change of an output: the mean of the groups of all inputs. */
function outputEnergy(
  pin: PowerPin,
  load: number,
  gate: PowerGate,
  { density }: Averages,
  { holds, decides }: Chances,
  { slew }: Conditions,
): number {
  const f = pin.function
  const share = (related: string, when: Expression | undefined) => {
    if (f !== undefined && pinsIn(f).includes(related)) return decides(f, related)
    return when === undefined ? 0.5 : holds(when)
  }
  let [sum, weights] = [0, 0]
  for (const { related, when, energy } of pin.power) {
    if (related === undefined) continue
    const from = netOf(gate, related)
    const turned = pin.arcs.find((arc) => arc.from === related)?.sense === 'negative' ? 1 : 0
    const rise = lookUp(energy.rise, slew[2 * from + 1 - turned]!, load)
    const fall = lookUp(energy.fall, slew[2 * from + turned]!, load)
    const weight = density[from]! * share(related, when)
    sum += (weight * (rise + fall)) / 2
    weights += weight
  }
  return weights === 0 ? 0 : sum / weights
}

/** nW. */
function leakagePower({ cell: { leakage } }: PowerGate, { holds }: Chances): number {
  let [sum, rest] = [0, 1]
  for (const { value, when } of leakage.states) {
    const share = holds(when)
    sum += share * value
    rest -= share
  }
  return sum + Math.max(0, rest) * leakage.standard
}

/** Bilinear; beyond the table its outermost pair of points goes on. */
function lookUp(table: EnergyTable | undefined, slew: number, load: number): number {
  if (table === undefined) return 0
  const { slews, loads, values } = table
  return between(slews, slew, (row) => between(loads, load, (column) => values[row * loads.length + column]!))
}

function between(axis: ArrayLike<number>, at: number, value: (i: number) => number): number {
  if (axis.length === 1) return value(0)
  let i = 0
  while (i + 2 < axis.length && axis[i + 1]! <= at) i++
  const share = (at - axis[i]!) / (axis[i + 1]! - axis[i]!)
  return (1 - share) * value(i) + share * value(i + 1)
}
