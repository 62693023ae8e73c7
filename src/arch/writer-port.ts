import type { ModuleBuilder, Node } from '../hdl/module.ts'
import type { Plan } from '../plan/plan.ts'
import { bankBits, sharedBanks, storedTogether } from '../plan/rotation.ts'
import { mergeOf, reads } from './columns.ts'
import { connect, type Ports, pick } from './gates.ts'
import { arrayWriter } from './mixed/array-writer.ts'
import { outputWriter, sharedWriterPorts, writerPorts } from './output-writer.ts'

/** The writer stands at the end of the pipeline and feeds the banks at its beginning, so its outputs are declared first. */
export function writerPort(m: ModuleBuilder, plan: Plan) {
  const { code, bankAddress } = plan.widths
  const readWires = reads(plan)
    ? { read: m.wire('operand_read', 1), read_address: m.wire('operand_read_address', bankAddress) }
    : {}
  const shared = plan.grid !== undefined
  const codes = shared
    ? Array.from({ length: storedTogether(plan.array) }, (_, lane) => `lane_${lane}`)
    : Array.from({ length: plan.array.rows }, (_, row) => `store_data_${row}`)
  const wires = {
    store: m.wire('store', 1),
    store_address: m.wire('store_address', bankAddress),
    ...(shared ? { store_rotation: m.wire('store_rotation', bankBits(sharedBanks(plan))) } : {}),
    ...readWires,
    ...Object.fromEntries(codes.map((name) => [name, m.wire(name, code)])),
  }
  return {
    stored: Object.fromEntries(Object.entries(wires).map(([name, wire]) => [name, wire.value])),
    merge(control: Ports, arriving: Ports, operands: readonly Node[]): Ports {
      const { lead, vector } = mergeOf(m, plan, control, arriving, operands)
      for (const [name, wire] of Object.entries(readWires)) wire.drive(lead[name]!)
      return vector
    },
    connect(control: Ports, vector: Ports) {
      const ports = shared ? sharedWriterPorts(plan) : writerPorts(plan)
      const layer = connect('layer_', pick(control, 'layer_', Object.keys(ports)))
      const out = m.instance(shared ? arrayWriter(plan) : outputWriter(plan), 'u_writer', {
        ...layer,
        begin_layer: control['begin_layer']!,
        ...vector,
      })
      for (const [name, wire] of Object.entries(wires)) if (!(name in readWires)) wire.drive(out[name]!)
    },
  }
}
