import { analyse, checkCircuit } from '../src/hdl/checks.ts'
import type { Module } from '../src/hdl/module.ts'
import { type Contents, operators, type Tally, tallyOf } from './module-tally.ts'

/**
 * Counts the multipliers, adders, registers and memory bits of any netlist (docs/counts.md), module by module. Only what something
 * depends on counts: the rest is not printed.
 */
export function netlistTally(top: Module): Tally {
  return tallyOf(top.name, new Map(checkCircuit(top).map((module) => [module.name, contentsOf(module)])))
}

function contentsOf(module: Module): Contents {
  const { registers, memories, instances } = module.netlist
  const kinds = new Map<string, number>()
  for (const { kind } of analyse(module).order) kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  const children = new Map<string, number>()
  for (const { module: child } of instances) children.set(child.name, (children.get(child.name) ?? 0) + 1)
  const nodes = (...names: string[]) => names.reduce((sum, kind) => sum + (kinds.get(kind) ?? 0), 0)
  return {
    children,
    holds: {
      ...operators(module.name, children, nodes('mul', 'mulSigned'), nodes('add', 'sub')),
      registers:
        registers.reduce((bits, { width }) => bits + width, 0) +
        memories.reduce((bits, { width, reads }) => bits + width * reads.length, 0),
      memoryBits: memories.reduce((bits, { width, depth }) => bits + width * depth, 0),
    },
  }
}
