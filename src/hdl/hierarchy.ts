import type { MemoryNet, Module } from './netlist.ts'

/** A module with registers of its own or below, and where its instances stand. */
export interface ClockedModule {
  readonly module: Module
  /** Paths of instance names from below the top, in the order in which they were built; the top itself is ''. */
  readonly paths: readonly string[]
}

/** All modules with registers below `top`, the top first: the parts that `shellOf` cuts a design into. */
export function clockedModules(top: Module): readonly ClockedModule[] {
  const found = new Map<string, { module: Module; paths: string[] }>()
  const visit = (module: Module, path: string) => {
    const entry = found.get(module.name)
    if (entry === undefined) found.set(module.name, { module, paths: [path] })
    else entry.paths.push(path)
    for (const { name, module: child } of module.netlist.instances)
      if (child.clocked) visit(child, path === '' ? name : `${path}.${name}`)
  }
  visit(top, '')
  return [...found.values()]
}

/** A memory of one instance of a module. */
export interface PlacedMemory {
  /** Of the instance; '' for the top. */
  readonly path: string
  readonly module: string
  readonly memory: MemoryNet
}

/** All memories below `top`, instance by instance. */
export function memoriesOf(top: Module): readonly PlacedMemory[] {
  const found: PlacedMemory[] = []
  const visit = (module: Module, path: string) => {
    for (const memory of module.netlist.memories) found.push({ path, module: module.name, memory })
    for (const { name, module: child } of module.netlist.instances)
      visit(child, path === '' ? name : `${path}.${name}`)
  }
  visit(top, '')
  return found
}
