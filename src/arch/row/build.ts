import type { ModuleBuilder, Node } from '../../hdl/module.ts'
import type { RowPlan } from '../../plan/row/plan.ts'
import type { Ports } from '../gates.ts'
import type { Wiring } from './wiring.ts'

/** What the stations of one design share while they are wired. */
export interface Build {
  readonly m: ModuleBuilder
  readonly plan: RowPlan
  readonly wires: Wiring
  readonly control: Ports
  readonly geometry: Node
}
