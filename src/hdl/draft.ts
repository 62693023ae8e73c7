import type { Module, NetNode, OutputNet } from './netlist.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

export type DraftNode = Mutable<Omit<NetNode, 'operands'>> & { operands: DraftNode[] }

export interface DraftRegister {
  name: string
  width: number
  reset: bigint | undefined
  powerUp: boolean
  q: DraftNode
  next: DraftNode
  enable: DraftNode | undefined
}

export interface DraftMemory {
  name: string
  width: number
  depth: number
  init: { file: string; words: (number | bigint)[] } | undefined
  reads: { name: string; address: DraftNode; enable: DraftNode | undefined; data: DraftNode }[]
  write: { enable: DraftNode; address: DraftNode; data: DraftNode } | undefined
}

export interface DraftInstance {
  name: string
  module: Module
  inputs: Record<string, DraftNode>
  outputs: Record<string, DraftNode>
  restart: DraftNode | undefined
}

/** A module's netlist as a copy that may be changed. Nodes keep their numbers; new ones come behind them. */
export interface Draft {
  name: string
  nodes: DraftNode[]
  inputs: DraftNode[]
  outputs: Mutable<Omit<OutputNet, 'value'> & { value: DraftNode }>[]
  registers: DraftRegister[]
  wires: DraftNode[]
  memories: DraftMemory[]
  instances: DraftInstance[]
}

export function draftOf(module: Module, name = module.name): Draft {
  const { netlist } = module
  const nodes = netlist.nodes.map(
    (node): DraftNode => ({ ...node, module: name, operands: [], offsets: undefined }),
  )
  const copy = (node: NetNode): DraftNode => nodes[node.id]!
  const maybe = (node: NetNode | undefined) => (node === undefined ? undefined : copy(node))
  const mapped = (ports: Readonly<Record<string, NetNode>>) =>
    Object.fromEntries(Object.entries(ports).map(([port, node]) => [port, copy(node)]))
  for (const node of netlist.nodes) {
    const own = copy(node)
    own.operands = node.operands.map(copy)
    own.driver = maybe(node.driver) as NetNode | undefined
  }
  const instances = netlist.instances.map((instance): DraftInstance => {
    const own: DraftInstance = {
      name: instance.name,
      module: instance.module,
      inputs: mapped(instance.inputs),
      outputs: mapped(instance.outputs),
      restart: maybe(instance.restart),
    }
    for (const output of Object.values(own.outputs)) output.instance = own as NetNode['instance']
    return own
  })
  return {
    name,
    nodes,
    inputs: netlist.inputs.map(copy),
    outputs: netlist.outputs.map(({ name: port, value }) => ({ name: port, value: copy(value) })),
    registers: netlist.registers.map((r) => ({
      ...r,
      q: copy(r.q),
      next: copy(r.next!),
      enable: maybe(r.enable),
    })),
    wires: netlist.wires.map(copy),
    memories: netlist.memories.map((memory) => ({
      ...memory,
      init: memory.init && { file: memory.init.file, words: [...memory.init.words] },
      reads: memory.reads.map((read) => ({
        ...read,
        address: copy(read.address),
        enable: maybe(read.enable),
        data: copy(read.data),
      })),
      write: memory.write && {
        enable: copy(memory.write.enable),
        address: copy(memory.write.address),
        data: copy(memory.write.data),
      },
    })),
    instances,
  }
}

/** The module of a draft; its ports are those of the module that the draft was made from. */
export function finishDraft(draft: Draft, of: Module): Module {
  const { name, ...netlist } = draft
  return Object.freeze({ ...of, name, netlist }) as Module
}

/** A node behind all others. */
export function appendNode(
  draft: Draft,
  fields: Partial<DraftNode> & Pick<DraftNode, 'kind' | 'width'>,
): DraftNode {
  const node: DraftNode = {
    id: draft.nodes.length,
    module: draft.name,
    operands: [],
    value: 0,
    low: 0,
    name: undefined,
    driver: undefined,
    instance: undefined,
    port: '',
    offsets: undefined,
    ...fields,
  }
  draft.nodes.push(node)
  return node
}
