import type { ModuleBuilder, Node } from '../../hdl/module.ts'
import type { RowPlan } from '../../plan/row/plan.ts'
import type { Wiring } from './wiring.ts'

export type Ports = Readonly<Record<string, Node>>

/** What the stations of one design share while they are wired. */
export interface Build {
  readonly m: ModuleBuilder
  readonly plan: RowPlan
  readonly wires: Wiring
  readonly control: Ports
  readonly geometry: Node
}

/** The ports of a bundle, by their names without the prefix, under another one. */
export function pick(ports: Ports, prefix: string, names: readonly string[], to = ''): Record<string, Node> {
  return Object.fromEntries(names.map((name) => [to + name, ports[prefix + name]!]))
}
