import type { AxiDevice, AxiInputs } from '../sim/axi-device.ts'
import { type FrameDevice, type PortLayout, portValue } from './ports.ts'

/** A device of the AXI interface in frames. */
export function axiFrames(device: AxiDevice, layout: PortLayout): FrameDevice {
  const inputs = Object.fromEntries(
    layout.ports.filter(({ direction }) => direction === 'input').map((port) => [port.name, 0]),
  ) as unknown as AxiInputs
  const driven = layout.ports.filter(({ direction }) => direction === 'input')
  const seen = layout.ports.filter(({ direction }) => direction === 'output')
  return {
    outputs(frame) {
      const outputs = device.outputs() as unknown as Record<string, number>
      for (const { name, word, low } of seen) frame[word] = (frame[word]! | (outputs[name]! << low)) >>> 0
    },
    probes: device.probes,
    clock(frame) {
      for (const port of driven) inputs[port.name as keyof AxiInputs] = portValue(frame, 0, port)
      device.clock(inputs)
    },
  }
}
