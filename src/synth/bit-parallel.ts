import { XgenError } from '../base/errors.ts'
import type { CircuitGraph } from './circuit-graph.ts'
import { one, zero } from './gate-netlist.ts'
import { functionText } from './liberty/function.ts'
import type { Cell } from './liberty/library.ts'

/** Values of a port: element i is bit i of all patterns, 32 in a word (`Lanes`, src/comb/lanes.ts). */
export type PortLanes = readonly Int32Array[]

type Kernel = (words: number, out: Int32Array, ...inputs: Int32Array[]) => void

/**
 * A combinational netlist as JavaScript: 32 patterns a word, one loop over the words a gate. What a port gets and gives are
 * lanes of the same number of words.
 */
export function bitParallel(
  { order, flipFlops, netlist }: CircuitGraph,
  words: number,
): (inputs: Readonly<Record<string, PortLanes>>) => Record<string, PortLanes> {
  if (flipFlops.length > 0)
    throw new XgenError('usage', `${netlist.top} has flip-flops: patterns side by side have no order in time`)
  const nets: Int32Array[] = new Array(netlist.netCount)
  nets[zero] = new Int32Array(words)
  nets[one] = new Int32Array(words).fill(-1)
  const kernelOf = kernels()
  const steps = order.flatMap(({ gate, model, inputs, outputs }) =>
    outputs.map((net, output) => {
      nets[net] = new Int32Array(words)
      return { kernel: kernelOf(gate.cell, model.outputs[output]!), out: nets[net], inputs }
    }),
  )
  return (given) => {
    for (const { name, nets: bits } of netlist.inputs) {
      const lanes = given[name]
      if (lanes?.length !== bits.length)
        throw new XgenError('internal', `${netlist.top} needs ${bits.length} bits for its input ${name}`)
      for (const [i, net] of bits.entries()) nets[net] = lanes[i]!
    }
    for (const { kernel, out, inputs } of steps) kernel(words, out, ...inputs.map((net) => nets[net]!))
    return Object.fromEntries(
      netlist.outputs.map(({ name, nets: bits }) => [name, bits.map((net) => nets[net]!)]),
    )
  }
}

/** The loop of one output of a cell; compiled once. */
function kernels(): (cell: Cell, output: number) => Kernel {
  const known = new Map<string, Kernel>()
  return ({ name, pins }, output) => {
    const key = `${name} ${output}`
    let kernel = known.get(key)
    if (kernel === undefined) {
      const inputs = pins.filter(({ direction }) => direction === 'input').map((pin) => pin.name)
      const text = functionText(pins[output]!.function!, (pin) => `i${inputs.indexOf(pin)}[w]`)
      const parameters = ['words', 'out', ...inputs.map((_, i) => `i${i}`)]
      kernel = new Function(...parameters, `for (let w = 0; w < words; w++) out[w] = ${text}`) as Kernel
      known.set(key, kernel)
    }
    return kernel
  }
}
