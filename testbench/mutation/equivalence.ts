import { cycleModel } from '../../sim/model.ts'
import type { Module } from '../../src/hdl/netlist.ts'
import { compileCircuit } from '../../src/hdl/simulator.ts'
import { portOf } from '../frame.ts'
import { drive } from '../host.ts'
import { takeImages } from '../stimulus.ts'
import { type InstancePath, moduleAt } from './draft.ts'
import { makeTerms, symbolicCircuit } from './symbolic.ts'
import type { Subject } from './trial.ts'

/** Why a changed design does the same as the sound one; undefined where that was not found. */
export type Proof = 'all operands' | 'all data'

/** Input bits up to which a combinational module is run through all operands. */
const exhaustiveBits = 18

/**
 * Tries to prove that a changed design cannot be told from the sound one. `all operands`: the changed instance is combinational, and gives
 * the same for every operand. `all data`: both are run with terms instead of numbers, from any state at all, through a reset and the
 * first images of the stimulus; in each cycle every port has the same term, so it is equal for all input data, whatever registers and memories held.
 * Stalls and images sent ahead are those of the stimulus; weights and program those of the design.
 */
export function proveEquivalent(subject: Subject, changed: Module, path: InstancePath): Proof | undefined {
  const [sound, other] = [moduleAt(subject.top, path), moduleAt(changed, path)]
  if (!sound.clocked && !other.clocked && inputBits(sound) <= exhaustiveBits)
    return sameOutputs(sound, other) ? 'all operands' : undefined
  return samePorts(subject, changed) ? 'all data' : undefined
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

function samePorts({ plan, images, top, stimulus }: Subject, changed: Module): boolean {
  const terms = makeTerms(commutes)
  const { c, symbol } = terms
  const circuits = [symbolicCircuit(top, terms), symbolicCircuit(changed, terms)] as const
  const step = (inputs: Parameters<(typeof circuits)[0]['set']>[0], reset: boolean) => {
    for (const circuit of circuits) circuit.set(inputs)
    const same = reset || portsAgree()
    for (const circuit of circuits) circuit.step(reset)
    return same
  }
  const portsAgree = () => {
    const equal = (name: string) => circuits[0].output(name) === circuits[1].output(name)
    if (!['busy', 'done', 'in_ready', 'out_valid'].every(equal)) return false
    const offered = circuits[0].output('out_valid')
    return (offered.kind === 'constant' && offered.value === 0) || ['out_data', 'out_last'].every(equal)
  }
  let cycle = 0
  const data = () => symbol(`in_data in cycle ${cycle}`, 8)
  const idle = {
    start: symbol('start', 1),
    in_valid: symbol('in_valid', 1),
    out_ready: symbol('out_ready', 1),
  }
  step({ ...idle, in_data: data() }, true)
  for (const { words } of drive(cycleModel(plan, images), takeImages(stimulus, 0, 4), 0)) {
    cycle++
    const bit = (name: 'start' | 'in_valid' | 'out_ready') => c.constant(portOf(words[0]!, name), 1)
    const inputs = { start: bit('start'), in_valid: bit('in_valid'), out_ready: bit('out_ready') }
    if (!step({ ...inputs, in_data: data() }, false)) return false
  }
  return true
}
