import { clockedModules, memoriesOf } from '../hdl/hierarchy.ts'
import type { Module } from '../hdl/module.ts'
import { hasLogic, shellOf } from '../hdl/shell.ts'
import type { OpenLibrary } from './libraries.ts'
import { circuitOf, type Mapping, type MappingOptions, mapCircuit } from './mapping.ts'
import { estimateMemory, type MemoryEstimate, type Technology } from './memory-model.ts'

/** A module with registers, without the memories and modules in it that have registers, in cells. */
export interface MappedModule {
  readonly module: Module
  readonly shell: Module
  /** Paths of its instances in the design. */
  readonly paths: readonly string[]
  readonly mapping: Mapping
}

/** Equal memories of a design. */
export interface DesignMemory {
  readonly module: string
  readonly name: string
  readonly words: number
  readonly width: number
  readonly instances: number
  /** Undefined where the technology is not known. */
  readonly estimate: MemoryEstimate | undefined
}

export interface DesignOptions extends MappingOptions {
  /** How many are mapped at a time. */
  readonly jobs: number
  readonly onMapped?: (module: string, mapping: Mapping) => void
}

/**
 * Maps a design module by module, each once, whatever the number of its instances: never flat, so that time grows with what is different in a design, and areas can be
 * told apart. Combinational modules are part of those that they stand in.
 */
export async function mapDesign(
  top: Module,
  library: OpenLibrary,
  { jobs, onMapped, ...options }: DesignOptions,
): Promise<readonly MappedModule[]> {
  const parts = clockedModules(top)
    .map(({ module, paths }) => ({ module, paths, shell: shellOf(module) }))
    .filter(({ shell }) => hasLogic(shell))
  const mapped = new Array<MappedModule>(parts.length)
  let next = 0
  const work = async () => {
    for (let index = next++; index < parts.length; index = next++) {
      const part = parts[index]!
      const mapping = await mapCircuit(circuitOf(part.shell), library, options)
      mapped[index] = { ...part, mapping }
      onMapped?.(part.module.name, mapping)
    }
  }
  await Promise.all(Array.from({ length: Math.min(jobs, parts.length) }, work))
  return mapped
}

/** The memories of a design, equal ones together. */
export function designMemories(top: Module, technology: Technology | undefined): readonly DesignMemory[] {
  const found = new Map<string, DesignMemory>()
  for (const { module, memory } of memoriesOf(top)) {
    const { name, depth: words, width } = memory
    const key = `${module}.${name}`
    const estimate = technology && estimateMemory(words, width, technology)
    const instances = (found.get(key)?.instances ?? 0) + 1
    found.set(key, { module, name, words, width, instances, estimate })
  }
  return [...found.values()]
}
