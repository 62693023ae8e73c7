import { isWide } from './javascript.ts'
import type { InstanceNet, MemoryNet, Module, NetNode } from './netlist.ts'

/** How many state slots of each kind: numbers, BigInts, memories. */
export interface Extent {
  readonly narrow: number
  readonly wide: number
  readonly memories: number
}

/** Where the state of one instance of a module lies, relative to the instance's base. */
export interface Layout extends Extent {
  /** The module object whose nodes are the keys here; another object of the same name has equal ones. */
  readonly module: Module
  /** Slot of a register or of a memory read port, among the BigInts where it is wide. */
  readonly slotOf: ReadonlyMap<NetNode, number>
  readonly memoryOf: ReadonlyMap<MemoryNet, number>
  readonly baseOf: ReadonlyMap<InstanceNet, Extent>
}

export function layouts(modules: readonly Module[]): (module: Module) => Layout {
  const known = new Map<string, Layout>()
  for (const module of modules)
    known.set(
      module.name,
      layoutOf(module, (child) => known.get(child.name)!),
    )
  return (module) => known.get(module.name)!
}

function layoutOf(module: Module, of: (module: Module) => Layout): Layout {
  let [narrow, wide, memories] = [0, 0, 0]
  const slotOf = new Map<NetNode, number>()
  const memoryOf = new Map<MemoryNet, number>()
  const baseOf = new Map<InstanceNet, Extent>()
  const { registers, memories: own, instances } = module.netlist
  const place = (node: NetNode) => slotOf.set(node, isWide(node.width) ? wide++ : narrow++)
  for (const register of registers) place(register.q)
  for (const memory of own) {
    memoryOf.set(memory, memories++)
    for (const read of memory.reads) place(read.data)
  }
  for (const instance of instances) {
    baseOf.set(instance, { narrow, wide, memories })
    const below = of(instance.module)
    narrow += below.narrow
    wide += below.wide
    memories += below.memories
  }
  return { module, narrow, wide, memories, slotOf, memoryOf, baseOf }
}
