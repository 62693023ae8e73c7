import { type ModuleCount, type Quantity, quantities, sumOf } from '../src/plan/counts/module-count.ts'
import type { ModuleTally, Tally } from './module-tally.ts'

/** The number of one quantity, or of instances, in one module as two ways count it; undefined where one does not know the module. */
export interface CountDifference {
  readonly module: string
  readonly quantity: Quantity | 'instances'
  readonly left: number | undefined
  readonly right: number | undefined
}

export interface CountComparison {
  /** Numbers compared. */
  readonly compared: number
  readonly differences: readonly CountDifference[]
}

/** The plan's closed form as the other ways count. */
export function planTally(counts: readonly ModuleCount[]): Tally {
  return new Map(
    counts.map((count): [string, ModuleTally] => [
      count.module,
      {
        instances: count.instances,
        holds: Object.fromEntries(
          quantities.map((quantity) => [quantity, sumOf(count[quantity])]),
        ) as ModuleTally['holds'],
      },
    ]),
  )
}

/** Compares module by module: instances, and each quantity in one instance. */
export function compareTallies(left: Tally, right: Tally): CountComparison {
  const modules = [...new Set([...left.keys(), ...right.keys()])]
  const numbers = (tally: ModuleTally | undefined, quantity: Quantity | 'instances') =>
    quantity === 'instances' ? tally?.instances : tally?.holds[quantity]
  const compared = modules.flatMap((module) =>
    (['instances', ...quantities] as const).map((quantity) => ({
      module,
      quantity,
      left: numbers(left.get(module), quantity),
      right: numbers(right.get(module), quantity),
    })),
  )
  return {
    compared: compared.length,
    differences: compared.filter(({ left: a, right: b }) => a !== b),
  }
}
