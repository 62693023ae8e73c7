import { invariant } from '../../src/base/errors.ts'
import type { Module, NetNode, OutputNet } from '../../src/hdl/netlist.ts'

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

/** A new value in a draft. It may feed older nodes: it stands behind a wire, which is exempt from their order. */
export function addNode(
  draft: Draft,
  kind: NetNode['kind'],
  width: number,
  operands: readonly DraftNode[],
  more: { readonly value?: number | bigint; readonly low?: number } = {},
): DraftNode {
  const node = append(draft, {
    kind,
    width,
    operands: [...operands],
    value: more.value ?? 0,
    low: more.low ?? 0,
  })
  return kind === 'constant' ? node : addWire(draft, node)
}

/** A value by another name. */
export function addWire(draft: Draft, driver: DraftNode): DraftNode {
  const name = `fault_${draft.wires.length}`
  const wire = append(draft, {
    kind: 'wire',
    width: driver.width,
    name,
    driver: driver as unknown as NetNode,
  })
  draft.wires.push(wire)
  return wire
}

export function addConstant(draft: Draft, value: number | bigint, width: number): DraftNode {
  const wrapped = BigInt.asUintN(width, BigInt(value))
  return addNode(draft, 'constant', width, [], { value: width > 32 ? wrapped : Number(wrapped) })
}

/** A register that follows a value by one cycle. */
export function addRegister(draft: Draft, next: DraftNode): DraftNode {
  const name = `fault_register_${draft.registers.length}`
  const q = append(draft, { kind: 'register', width: next.width, name })
  draft.registers.push({
    name,
    width: next.width,
    reset: undefined,
    powerUp: false,
    q,
    next,
    enable: undefined,
  })
  return q
}

function append(draft: Draft, fields: Partial<DraftNode> & Pick<DraftNode, 'kind' | 'width'>): DraftNode {
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

/** Instance names from below the top module to a module. */
export type InstancePath = readonly string[]

export function moduleAt(top: Module, path: InstancePath): Module {
  return path.reduce((module, step) => {
    const found = module.netlist.instances.find(({ name }) => name === step)
    invariant(found !== undefined, `${module.name} has an instance ${step}`)
    return found.module
  }, top)
}

/**
 * The hierarchy with one instance changed. That instance and those around it become modules of their own (`_changed`), so that other
 * instances of the same modules stay as they are.
 */
export function changeAt(top: Module, path: InstancePath, edit: (draft: Draft) => void): Module {
  const change = (module: Module, depth: number): Module => {
    const draft = draftOf(module, depth === 0 ? module.name : `${module.name}_changed`)
    if (depth === path.length) edit(draft)
    else {
      const instance = draft.instances.find(({ name }) => name === path[depth])
      invariant(instance !== undefined, `${module.name} has an instance ${path[depth]}`)
      instance.module = change(instance.module, depth + 1)
    }
    return finishDraft(draft, module)
  }
  return change(top, 0)
}
