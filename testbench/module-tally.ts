import { isAdderModule } from '../src/arith/adder.ts'
import { isCoreModule } from '../src/arith/multiplier.ts'
import type { Quantity } from '../src/plan/counts/module-count.ts'

/** What was counted in one module of a design: contents of one instance, itself only, and how many instances there are. */
export interface ModuleTally {
  readonly instances: number
  readonly holds: Readonly<Record<Quantity, number>>
}

/** By module. */
export type Tally = ReadonlyMap<string, ModuleTally>

/** A module before its instances are known: what it holds, and how often it instantiates each other one. */
export interface Contents {
  readonly holds: Readonly<Record<Quantity, number>>
  readonly children: ReadonlyMap<string, number>
}

/** Multiplies instances down from the top. `modules` stand leaves first or in any order; below the top there are no circles. */
export function tallyOf(top: string, modules: ReadonlyMap<string, Contents>): Tally {
  const instances = new Map<string, number>()
  const order: string[] = []
  const visited = new Set<string>()
  const visit = (name: string) => {
    if (visited.has(name)) return
    visited.add(name)
    for (const child of modules.get(name)!.children.keys()) visit(child)
    order.push(name)
  }
  visit(top)
  instances.set(top, 1)
  for (const name of order.reverse()) {
    for (const [child, count] of modules.get(name)!.children)
      instances.set(child, (instances.get(child) ?? 0) + count * instances.get(name)!)
  }
  return new Map(
    order.map((name) => [name, { instances: instances.get(name)!, holds: modules.get(name)!.holds }]),
  )
}

/** Multipliers and adders of a module with these operators and instances: a core is one multiplier, whatever it is made of. */
export function operators(
  module: string,
  children: ReadonlyMap<string, number>,
  products: number,
  sums: number,
): Pick<Contents['holds'], 'cores' | 'multiplications' | 'adders'> {
  if (isCoreModule(module) || isAdderModule(module)) return { cores: 0, multiplications: 0, adders: 0 }
  const instances = (is: (name: string) => boolean) =>
    [...children].reduce((sum, [name, count]) => sum + (is(name) ? count : 0), 0)
  return {
    cores: instances(isCoreModule),
    multiplications: products,
    adders: sums + instances(isAdderModule),
  }
}
