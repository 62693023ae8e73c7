import type { DesignMemory, MappedModule } from '../../synth/design.ts'
import { addUp, type Block, type ByBlock } from './blocks.ts'

export interface ModuleArea {
  readonly module: string
  readonly block: Block
  readonly instances: number
  /** Of one instance. */
  readonly cells: number
  readonly area: number
  readonly delay: number
}

export interface MemoryArea extends Omit<DesignMemory, 'estimate'> {
  readonly kind: 'registers' | 'sram' | null
  /** Of one; null where the technology is not known. */
  readonly area: number | null
}

/** In the library's unit. */
export interface AcceleratorArea {
  readonly modules: readonly ModuleArea[]
  readonly memories: readonly MemoryArea[]
  readonly blocks: ByBlock
  /** Logic and registers alone. */
  readonly logic: number
  /** With memories, where they are estimated. */
  readonly total: number
}

export function acceleratorArea(
  mapped: readonly { readonly part: MappedModule; readonly delay: number }[],
  memories: readonly DesignMemory[],
  blockOf: (module: string) => Block,
): AcceleratorArea {
  const modules = mapped.map(({ part: { module, paths, mapping }, delay }) => ({
    module: module.name,
    block: blockOf(module.name),
    instances: paths.length,
    cells: mapping.netlist.gates.length,
    area: mapping.area,
    delay,
  }))
  const stored = memories.map(({ estimate, ...memory }) => ({
    ...memory,
    kind: estimate?.kind ?? null,
    area: estimate?.area ?? null,
  }))
  const logic = modules.map(({ block, instances, area }) => ({ block, amount: instances * area }))
  const kept = stored.map(({ instances, area }) => ({
    block: 'memories' as const,
    amount: instances * (area ?? 0),
  }))
  const sum = (amounts: readonly { readonly amount: number }[]) =>
    amounts.reduce((total, { amount }) => total + amount, 0)
  return {
    modules,
    memories: stored,
    blocks: addUp([...logic, ...kept]),
    logic: sum(logic),
    total: sum(logic) + sum(kept),
  }
}
