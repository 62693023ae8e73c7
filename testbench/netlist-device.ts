import { type Device, type Inputs, idleInputs } from '../sim/device.ts'
import type { Module } from '../src/hdl/module.ts'
import { type CircuitSimulator, compileCircuit, type SimulatorOptions } from '../src/hdl/simulator.ts'

export interface NetlistDevice extends Device {
  readonly accesses: CircuitSimulator['accesses']
}

/** The generated netlist as a device: compiled to JavaScript, taken out of reset, with a reader for each probe path. */
export function netlistDevice(
  top: Module,
  probes: readonly { readonly path: string }[],
  options: SimulatorOptions = {},
): NetlistDevice {
  const circuit = compileCircuit(top, options)
  const readers = probes.map(({ path }) => circuit.reader(path) as () => number)
  const drive = (inputs: Inputs) => {
    circuit.set('start', inputs.start ? 1 : 0)
    circuit.set('in_valid', inputs.inValid ? 1 : 0)
    circuit.set('in_data', inputs.inData)
    circuit.set('out_ready', inputs.outReady ? 1 : 0)
  }
  drive(idleInputs)
  circuit.set('rst_n', 0)
  for (let edge = 0; edge < 3; edge++) circuit.step()
  circuit.set('rst_n', 1)
  const bit = (name: string) => circuit.get(name) === 1
  return {
    accesses: circuit.accesses,
    outputs() {
      const outValid = bit('out_valid')
      return {
        busy: bit('busy'),
        done: bit('done'),
        inReady: bit('in_ready'),
        outValid,
        outData: outValid ? Number(circuit.get('out_data')) : 0,
        outLast: outValid && bit('out_last'),
      }
    },
    probes(into) {
      for (let i = 0; i < readers.length; i++) into[i] = readers[i]!()
    },
    clock(inputs) {
      drive(inputs)
      circuit.step()
    },
  }
}

/** Which registers of which modules the probe paths lead to. */
export function visibleRegisters(top: Module, probes: readonly { readonly path: string }[]) {
  return probes.map(({ path }) => {
    const steps = path.split('.')
    const signal = steps.pop()!
    let module = top
    for (const step of steps) module = instanceOf(module, step).module
    return { module: module.name, signal }
  })
}

const indexes = new WeakMap<Module, Map<string, Module['netlist']['instances'][number]>>()

function instanceOf(module: Module, name: string) {
  let index = indexes.get(module)
  if (index === undefined) {
    index = new Map(module.netlist.instances.map((instance) => [instance.name, instance]))
    indexes.set(module, index)
  }
  const found = index.get(name)
  if (found === undefined) throw new Error(`${module.name} has no instance ${name}`)
  return found
}
