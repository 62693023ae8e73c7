import { seededRandom } from '../../src/base/random.ts'
import type { Module } from '../../src/hdl/netlist.ts'
import type { InstancePath } from './draft.ts'
import { type Fault, type FaultKind, faultKinds, faultsOf } from './faults.ts'

/** A fault in one instance of a module. */
export interface PlacedFault {
  readonly module: string
  readonly path: InstancePath
  readonly fault: Fault
}

/**
 * Endless seeded faults of a design. Modules take turns, and so do the kinds of fault that a module can have, so that the small
 * ones get their share; place and instance are drawn. No fault comes twice.
 */
export function* drawFaults(top: Module, seed: number): Generator<PlacedFault, void> {
  const random = seededRandom(seed)
  const pick = <T>(list: readonly T[]): T => list[random.integer(0, list.length - 1)]!
  const shuffled = <T>(list: readonly T[]): T[] =>
    [...random.permutation(list.length)].map((index) => list[index]!)
  const sources = [...instancePaths(top)].map(([module, paths]) => ({ module, paths, left: byKind(module) }))
  for (
    let round = shuffled(sources);
    round.length > 0;
    round = shuffled(round.filter(({ left }) => left.size > 0))
  ) {
    for (const { module, paths, left } of round) {
      if (left.size === 0) continue
      const kinds = [...left.keys()]
      const kind = kinds[0]!
      const faults = left.get(kind)!
      const [fault] = faults.splice(random.integer(0, faults.length - 1), 1)
      // behind the other kinds, or away where it was the last one
      left.delete(kind)
      if (faults.length > 0) left.set(kind, faults)
      yield { module: module.name, path: pick(paths), fault: fault! }
    }
  }

  function byKind(module: Module): Map<FaultKind, Fault[]> {
    const faults = faultsOf(module)
    const groups = shuffled(faultKinds).map(
      (kind) => [kind, faults.filter((fault) => fault.kind === kind)] as const,
    )
    return new Map(groups.filter(([, list]) => list.length > 0))
  }
}

/** Every module below `top`, itself included, with the paths of its instances. */
function instancePaths(top: Module): ReadonlyMap<Module, readonly InstancePath[]> {
  const first = new Map<string, Module>()
  const paths = new Map<Module, InstancePath[]>()
  const visit = (module: Module, path: InstancePath) => {
    // equal modules may have been built twice
    const own = first.get(module.name) ?? module
    first.set(module.name, own)
    paths.set(own, [...(paths.get(own) ?? []), path])
    for (const instance of module.netlist.instances) visit(instance.module, [...path, instance.name])
  }
  visit(top, [])
  return paths
}
