import { analyse } from '../../src/hdl/checks.ts'
import type { Draft, DraftNode } from '../../src/hdl/draft.ts'
import { describe, type Module, type NetNode } from '../../src/hdl/netlist.ts'

/** A place in a module where a value is used: it can be read in the module and replaced in a draft of it. */
export interface Place {
  /** What uses the value, in words. */
  readonly text: string
  readonly node: NetNode
  readonly use: Use
  /** A condition that switches something: the select of a choice or an enable. */
  readonly condition: boolean
  readonly address: boolean
  get(draft: Draft): DraftNode
  set(draft: Draft, node: DraftNode): void
}

/** A node in words, and its number where the words fit others too. */
export const textOf = (node: NetNode): string =>
  node.name === undefined && node.kind !== 'constant' ? `${describe(node)} (node ${node.id})` : describe(node)

export type Use = 'operand' | 'register' | 'enable' | 'memory' | 'instance' | 'output'

type Access = Pick<Place, 'get' | 'set'>

/** All uses of values in what is at work in a module, in the order of its nodes and then of its netlist. */
export function placesOf(module: Module): readonly Place[] {
  const { registers, memories, instances, outputs } = module.netlist
  const places: Place[] = []
  const put = (use: Use, text: string, node: NetNode, access: Access, more: Partial<Place> = {}) =>
    places.push({ use, text, node, condition: false, address: false, ...more, ...access })

  const live = [...analyse(module).order].sort((a, b) => a.id - b.id)
  for (const node of live) {
    if (node.kind === 'wire' || node.kind === 'instance') continue
    for (const [index, operand] of node.operands.entries())
      put(
        'operand',
        `operand ${index} of ${textOf(node)}`,
        operand,
        of((d) => d.nodes[node.id]!.operands, index),
        {
          condition: node.kind === 'mux' && index === 0,
        },
      )
  }
  for (const [index, { name, next, enable }] of registers.entries()) {
    put(
      'register',
      `the next value of "${name}"`,
      next!,
      of((d) => d.registers[index]!, 'next'),
    )
    if (enable !== undefined)
      put(
        'enable',
        `the enable of "${name}"`,
        enable,
        of((d) => d.registers[index]!, 'enable'),
        { condition: true },
      )
  }
  for (const [index, { name, reads, write }] of memories.entries()) {
    for (const [port, read] of reads.entries()) {
      const at = (draft: Draft) => draft.memories[index]!.reads[port]!
      put('memory', `the read address of "${name}"`, read.address, of(at, 'address'), { address: true })
      if (read.enable !== undefined)
        put('enable', `the read enable of "${name}"`, read.enable, of(at, 'enable'), { condition: true })
    }
    if (write === undefined) continue
    const at = (draft: Draft) => draft.memories[index]!.write!
    put('memory', `the write address of "${name}"`, write.address, of(at, 'address'), { address: true })
    put('memory', `the data written to "${name}"`, write.data, of(at, 'data'))
    put('enable', `the write enable of "${name}"`, write.enable, of(at, 'enable'), { condition: true })
  }
  for (const [index, { name, inputs, restart }] of instances.entries()) {
    if (restart !== undefined)
      put(
        'enable',
        `the restart of "${name}"`,
        restart,
        of((d) => d.instances[index]!, 'restart'),
        { condition: true },
      )
    for (const [port, node] of Object.entries(inputs))
      put(
        'instance',
        `input "${port}" of "${name}"`,
        node,
        of((d) => d.instances[index]!.inputs, port),
        {
          address: port.includes('address') && node.width > 1,
          condition: node.width === 1,
        },
      )
  }
  for (const [index, { name, value }] of outputs.entries())
    put(
      'output',
      `the output "${name}"`,
      value,
      of((d) => d.outputs[index]!, 'value'),
    )
  return places
}

function of<K extends PropertyKey>(
  owner: (draft: Draft) => { [key in K]?: DraftNode | undefined },
  key: K,
): Access {
  return {
    get: (draft) => owner(draft)[key]!,
    set: (draft, node) => {
      owner(draft)[key] = node as never
    },
  }
}
