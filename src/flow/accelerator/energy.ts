import { setImmediate } from 'node:timers/promises'
import { type Activity, type MemoryActivity, recordActivity } from '../../../testbench/activity.ts'
import type { Progress } from '../../base/progress.ts'
import type { Module } from '../../hdl/module.ts'
import type { AnyPlan } from '../../plan/any-plan.ts'
import type { MemoryImages } from '../../plan/images.ts'
import type { MappedModule } from '../../synth/design.ts'
import { type EnergyParts, type ModuleEnergy, measureModule, sumOfParts } from '../../synth/design-energy.ts'
import type { Library } from '../../synth/liberty/library.ts'
import { dramEnergyPerByte, estimateMemory, type Technology } from '../../synth/memory-model.ts'
import type { Stream } from '../../synth/stream.ts'
import { addUp, type Block, type ByBlock } from './blocks.ts'

export interface MemoryEnergy {
  readonly module: string
  readonly name: string
  readonly reads: number
  readonly writes: number
  readonly total: number
}

/** pJ of one inference. */
export interface AcceleratorEnergy {
  /** By layer, with what comes before the first and after the last one. */
  readonly windows: readonly { readonly name: string; readonly cycles: number; readonly blocks: ByBlock }[]
  readonly modules: readonly (Omit<ModuleEnergy, 'windows'> & {
    readonly block: Block
    readonly parts: EnergyParts
  })[]
  /** Empty where the technology is not known. */
  readonly memories: readonly MemoryEnergy[]
  readonly blocks: ByBlock
  readonly total: number
  /** Of the total, since not all instances of a module are simulated. */
  readonly standardError: number
  /** Codes that come from and go to memory outside of the chip; not in the total. */
  readonly outside: { readonly bytes: number; readonly total: number }
}

export interface EnergyOptions {
  readonly library: Library
  readonly technology: Technology | undefined
  /** Instances of a module whose gates are simulated at most. */
  readonly samples: number
  readonly seed: number
  /** ns of a clock cycle, for the share of leakage. */
  readonly period: number
  readonly progress: Progress
  readonly signal: AbortSignal
}

/** Runs an inference of `codes` (in stream order), and simulates the gates of each module of the core on what its instances took. */
export async function acceleratorEnergy(
  design: { readonly plan: AnyPlan; readonly images: MemoryImages; readonly top: Module },
  codes: Uint8Array,
  mapped: readonly MappedModule[],
  blockOf: (module: string) => Block,
  options: EnergyOptions,
): Promise<AcceleratorEnergy> {
  const { progress, samples, seed } = options
  progress.step('run an inference')
  const activity = recordActivity(design, codes, { samples, seed })
  progress.done(`${activity.windows.reduce((sum, { cycles }) => sum + cycles, 0)} cycles`)
  const measured = await measureModules(activity, mapped, options)
  const stored = activity.memories.map((memory) => memoryEnergy(memory, options.technology))
  const windows = activity.windows.map(({ name, cycles }, window) => ({
    name,
    cycles,
    blocks: addUp([
      ...measured.map(({ module, windows: parts }) => ({
        block: blockOf(module),
        amount: sumOfParts(parts[window]!),
      })),
      ...stored.map((memory) => ({ block: 'memories' as const, amount: memory[window]! })),
    ]),
  }))
  const byBlock = addUp(
    windows.flatMap((window) =>
      (Object.entries(window.blocks) as [Block, number][]).map(([block, amount]) => ({ block, amount })),
    ),
  )
  const bytes = design.plan.input.elements + design.plan.output.elements
  return {
    windows,
    modules: measured.map(({ windows: parts, ...rest }) => ({
      ...rest,
      block: blockOf(rest.module),
      parts: {
        internal: parts.reduce((sum, { internal }) => sum + internal, 0),
        switching: parts.reduce((sum, { switching }) => sum + switching, 0),
        leakage: parts.reduce((sum, { leakage }) => sum + leakage, 0),
      },
    })),
    memories: options.technology === undefined ? [] : memoriesTogether(activity.memories, stored),
    blocks: byBlock,
    total: Object.values(byBlock).reduce((sum, amount) => sum + amount, 0),
    standardError: Math.hypot(...measured.map(({ standardError }) => standardError)),
    outside: { bytes, total: bytes * dramEnergyPerByte },
  }
}

async function measureModules(
  { modules, resetEdges, windows }: Activity,
  mapped: readonly MappedModule[],
  { library, period, progress, signal }: EnergyOptions,
): Promise<readonly ModuleEnergy[]> {
  const parts = new Map(mapped.map((part) => [part.module.name, part]))
  const measurable = modules.filter(({ module }) => parts.get(module.name)!.mapping.netlist.gates.length > 0)
  progress.step(
    'simulate gates',
    measurable.reduce((sum, { samples }) => sum + samples.length, 0),
  )
  const found: ModuleEnergy[] = []
  let simulated = 0
  for (const { module, samples } of measurable) {
    const steps = measureModule(
      parts.get(module.name)!,
      samples.map(({ path, ports }) => streamOf(path, ports, resetEdges)),
      library,
      { method: 'events', period, windows: windows.map(({ cycles }) => cycles) },
    )
    let step = steps.next()
    while (step.done !== true) {
      progress.update(++simulated)
      await setImmediate()
      signal.throwIfAborted()
      step = steps.next()
    }
    found.push(step.value)
  }
  progress.done(`${simulated} instances of ${measurable.length} modules`)
  return found
}

/** What an instance took, from the last edge in reset on: that one sets the state. */
function streamOf(
  path: string,
  ports: Activity['modules'][number]['samples'][number]['ports'],
  resetEdges: number,
): Stream {
  const values = ports.map(({ name, values: all }) => [name, all.slice(resetEdges - 1)] as const)
  return { name: path, length: values[0]?.[1].length ?? 0, ports: Object.fromEntries(values) }
}

/** pJ by window. */
function memoryEnergy(
  { memory, reads, writes }: MemoryActivity,
  technology: Technology | undefined,
): readonly number[] {
  if (technology === undefined) return reads.map(() => 0)
  const { readEnergy, writeEnergy } = estimateMemory(memory.depth, memory.width, technology)
  return reads.map((count, window) => count * readEnergy + writes[window]! * writeEnergy)
}

/** Memories of one name, in all instances of their module. */
function memoriesTogether(
  memories: readonly MemoryActivity[],
  energies: readonly (readonly number[])[],
): readonly MemoryEnergy[] {
  const sum = (numbers: readonly number[]) => numbers.reduce((total, n) => total + n, 0)
  const together = new Map<string, MemoryEnergy>()
  for (const [index, { module, memory, reads, writes }] of memories.entries()) {
    const { name } = memory
    const before = together.get(`${module}.${name}`) ?? { module, name, reads: 0, writes: 0, total: 0 }
    together.set(`${module}.${name}`, {
      ...before,
      reads: before.reads + sum(reads),
      writes: before.writes + sum(writes),
      total: before.total + sum(energies[index]!),
    })
  }
  return [...together.values()]
}
