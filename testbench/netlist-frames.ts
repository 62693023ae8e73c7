import type { Module } from '../src/hdl/module.ts'
import { compileCircuit } from '../src/hdl/simulator.ts'
import { type FrameDevice, type PortLayout, portValue } from './ports.ts'

/** The generated netlist in frames: compiled to JavaScript, taken out of reset, with a reader for each probe path. */
export function netlistFrames(
  top: Module,
  layout: PortLayout,
  probes: readonly { readonly path: string }[],
): FrameDevice {
  const circuit = compileCircuit(top)
  const readers = probes.map(({ path }) => circuit.reader(path) as () => number)
  const inputs = layout.ports.filter(({ direction }) => direction === 'input')
  const outputs = layout.ports.filter(({ direction }) => direction === 'output')
  const validityOf = outputs.map(({ validity }) => validity)
  for (const { name } of inputs) circuit.set(name, 0)
  circuit.set(top.resetName, 0)
  for (let edge = 0; edge < resetEdges; edge++) circuit.step()
  circuit.set(top.resetName, 1)
  return {
    outputs(frame) {
      for (const [index, { name, word, low }] of outputs.entries()) {
        const validity = validityOf[index]
        if (validity !== undefined && circuit.get(validity) === 0) continue
        frame[word] = (frame[word]! | (Number(circuit.get(name)) << low)) >>> 0
      }
    },
    probes(into) {
      for (let i = 0; i < readers.length; i++) into[i] = readers[i]!()
    },
    clock(frame) {
      for (const port of inputs) circuit.set(port.name, portValue(frame, 0, port))
      circuit.step()
    },
  }
}

/** Clock edges in reset before the first cycle, everywhere. */
export const resetEdges = 3
