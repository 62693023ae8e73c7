import { analyse } from './checks.ts'
import { type Draft, type DraftNode, draftOf } from './draft.ts'
import type { Module, NetNode, Port } from './netlist.ts'

/**
 * What a module's own logic takes: its inputs, the words that its memories have read, and what its instances with registers give, in this order. Values that
 * nothing depends on are left out.
 */
export function shellInputs(module: Module): readonly NetNode[] {
  const { inputs, memories, instances } = module.netlist
  const alive = new Set(analyse(module).order)
  return [
    ...inputs,
    ...memories.flatMap(({ reads }) => reads.map(({ data }) => data)),
    ...instances
      .filter((instance) => instance.module.clocked)
      .flatMap(({ outputs }) => Object.values(outputs)),
  ].filter((node) => alive.has(node) || node.kind === 'input')
}

/**
 * The module alone: its logic and registers, with combinational instances inside of it, and memories and instances with registers outside. What came from them
 * are inputs of the shell (`shellInputs`), and what went to them are outputs. So a design can be synthesised and measured part by part.
 */
export function shellOf(module: Module): Module {
  const outside = shellInputs(module)
  const draft = draftOf(module)
  const leaving: { name: string; value: DraftNode }[] = []
  for (const memory of draft.memories) {
    const { name, reads, write } = memory
    for (const read of reads) {
      leaving.push({ name: `${read.name}_address`, value: read.address })
      if (read.enable !== undefined) leaving.push({ name: `${read.name}_enable`, value: read.enable })
    }
    for (const [port, value] of Object.entries(write ?? {}))
      leaving.push({ name: `${name}_write_${port}`, value })
  }
  const apart = draft.instances.filter((instance) => instance.module.clocked)
  for (const { name, inputs, restart } of apart) {
    for (const [port, value] of Object.entries(inputs)) leaving.push({ name: `${name}_to_${port}`, value })
    if (restart !== undefined) leaving.push({ name: `${name}_restart`, value: restart })
  }
  for (const { id } of outside) {
    const node = draft.nodes[id]!
    node.kind = 'input'
    node.instance = undefined
  }
  draft.inputs = outside.map(({ id }) => draft.nodes[id]!)
  draft.memories = []
  draft.instances = draft.instances.filter((instance) => !apart.includes(instance))
  draft.outputs = [...draft.outputs, ...leaving.map(({ name, value }) => ({ name: `outer_${name}`, value }))]
  return moduleOf(draft, module)
}

function moduleOf({ name, ...netlist }: Draft, of: Module): Module {
  const clocked = netlist.registers.length > 0
  const reset = netlist.registers.some((register) => register.reset !== undefined)
  const input = (port: string, width = 1): Port => ({ name: port, direction: 'input', width })
  const ports: Port[] = [
    ...(clocked ? [input(of.clockName)] : []),
    ...(reset ? [input(of.resetName)] : []),
    ...netlist.inputs.map((node) => input(node.name!, node.width)),
    ...netlist.outputs.map(
      ({ name: port, value }): Port => ({ name: port, direction: 'output', width: value.width }),
    ),
  ]
  return Object.freeze({ ...of, name, ports, clocked, reset, netlist }) as unknown as Module
}

/** Whether a shell has more in it than wires. */
export const hasLogic = ({ netlist }: Module): boolean =>
  netlist.registers.length > 0 || netlist.instances.length > 0 || netlist.nodes.some(isOperation)

const isOperation = ({ operands }: NetNode) => operands.length > 0
