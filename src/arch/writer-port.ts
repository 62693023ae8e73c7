import type { ModuleBuilder, Node } from '../hdl/module.ts'
import type { Plan } from '../plan/plan.ts'
import { mergeOf, reads } from './columns.ts'
import { connect, type Ports, pick } from './gates.ts'
import { outputWriter, writerPorts } from './output-writer.ts'

/** The writer stands at the end of the pipeline and feeds the banks at its beginning, so its outputs are declared first. */
export function writerPort(m: ModuleBuilder, plan: Plan) {
  const { code, bankAddress } = plan.widths
  const readWires = reads(plan)
    ? { read: m.wire('operand_read', 1), read_address: m.wire('operand_read_address', bankAddress) }
    : {}
  const wires = {
    store: m.wire('store', 1),
    store_address: m.wire('store_address', bankAddress),
    ...readWires,
    ...Object.fromEntries(
      Array.from({ length: plan.array.rows }, (_, i) => [`store_data_${i}`, m.wire(`store_data_${i}`, code)]),
    ),
  }
  return {
    stored: Object.fromEntries(Object.entries(wires).map(([name, wire]) => [name, wire.value])),
    merge(control: Ports, arriving: Ports, operands: readonly Node[]): Ports {
      const { lead, vector } = mergeOf(m, plan, control, arriving, operands)
      for (const [name, wire] of Object.entries(readWires)) wire.drive(lead[name]!)
      return vector
    },
    connect(control: Ports, vector: Ports) {
      const layer = connect('layer_', pick(control, 'layer_', Object.keys(writerPorts(plan))))
      const out = m.instance(outputWriter(plan), 'u_writer', {
        ...layer,
        begin_layer: control['begin_layer']!,
        ...vector,
      })
      for (const [name, wire] of Object.entries(wires)) if (!(name in readWires)) wire.drive(out[name]!)
    },
  }
}
