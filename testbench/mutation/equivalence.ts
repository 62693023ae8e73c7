import type { Module } from '../../src/hdl/netlist.ts'
import { compileCircuit } from '../../src/hdl/simulator.ts'
import { type Port, portValue } from '../ports.ts'
import { type InstancePath, moduleAt } from './draft.ts'
import { makeTerms, symbolicCircuit, type Term } from './symbolic.ts'
import type { Subject } from './trial.ts'

/** Why a changed design does the same as the sound one; undefined where that was not found. */
export type Proof = 'all operands' | 'all data'

/** Input bits up to which a combinational module is run through all operands. */
const exhaustiveBits = 18

/**
 * Tries to prove that a changed design cannot be told from the sound one. `all operands`: the changed instance is combinational, and gives
 * the same for every operand. `all data`: both are run with terms instead of numbers, from any state at all, through a reset and then
 * through some images; in each cycle every port has the same term, so it is equal for all input data, whatever registers and memories held.
 * What the host does otherwise is known, and so are weights and program those of the design.
 */
export function proveEquivalent(subject: Subject, changed: Module, path: InstancePath): Proof | undefined {
  const [sound, other] = [moduleAt(subject.top, path), moduleAt(changed, path)]
  if (!sound.clocked && !other.clocked && inputBits(sound) <= exhaustiveBits)
    if (sameOutputs(sound, other)) return 'all operands'
  return subject.data.length > 0 && samePorts(subject, changed) ? 'all data' : undefined
}

const inputBits = ({ netlist }: Module) => netlist.inputs.reduce((sum, { width }) => sum + width, 0)

/** Compares two combinational modules for all values of their inputs; of the second, inputs may be taken in another order. */
function sameOutputs(a: Module, b: Module, order = a.netlist.inputs.map((_, index) => index)): boolean {
  const { inputs, outputs } = a.netlist
  const [left, right] = [compileCircuit(a), compileCircuit(b)]
  for (let operands = 0; operands < 2 ** inputBits(a); operands++) {
    let rest = operands
    for (const [index, { name, width }] of inputs.entries()) {
      const value = rest % 2 ** width
      rest = Math.floor(rest / 2 ** width)
      left.set(name!, value)
      right.set(inputs[order[index]!]!.name!, value)
    }
    if (outputs.some(({ name }) => left.get(name) !== right.get(name))) return false
  }
  return true
}

const commuting = new WeakMap<Module, boolean>()

/** Whether the two inputs of a combinational module may be exchanged. */
function commutes(module: Module): boolean {
  let known = commuting.get(module)
  if (known === undefined) {
    const [a, b, more] = module.netlist.inputs
    const possible = a?.width === b?.width && more === undefined && inputBits(module) <= exhaustiveBits
    commuting.set(module, (known = possible && b !== undefined && sameOutputs(module, module, [1, 0])))
  }
  return known
}

function samePorts({ top, watch, data, cycles }: Subject, changed: Module): boolean {
  const terms = makeTerms(commutes)
  const { c } = terms
  const circuits = [symbolicCircuit(top, terms), symbolicCircuit(changed, terms)] as const
  const driven = watch.layout.ports.filter(
    ({ direction, name }) => direction === 'input' && name !== top.resetName,
  )
  const seen = watch.layout.ports.filter(({ direction }) => direction === 'output')
  const reset = watch.layout.ports.find(({ name }) => name === top.resetName)!
  const equal = (name: string) => circuits[0].output(name) === circuits[1].output(name)
  const offered = (validity: string | undefined) => {
    if (validity === undefined) return true
    const valid = circuits[0].output(validity)
    return valid.kind !== 'constant' || valid.value === 1
  }
  let number = 0
  const step = (inputs: Readonly<Record<string, Term>>, resetting: boolean, compared: boolean) => {
    for (const circuit of circuits) circuit.set(inputs)
    const same = !compared || seen.every(({ name, validity }) => !offered(validity) || equal(name))
    for (const circuit of circuits) circuit.step(resetting)
    number++
    return same
  }
  const anything = (name: string, bits: number) => terms.symbol(`${name} in cycle ${number}`, bits)
  const inputs = (of: (port: Port) => Term) => Object.fromEntries(driven.map((port) => [port.name, of(port)]))
  step(
    inputs(({ name, bits }) => anything(name, bits)),
    true,
    false,
  )
  for (const { words } of cycles('proof')) {
    const given = inputs((port) =>
      data.includes(port.name)
        ? anything(port.name, port.bits)
        : c.constant(portValue(words, 0, port), port.bits),
    )
    if (!step(given, portValue(words, 0, reset) === 0, true)) return false
  }
  return true
}
