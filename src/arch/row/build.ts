import type { ModuleBuilder, Node } from '../../hdl/module.ts'
import type { RowEngine } from '../../plan/row/plan.ts'
import type { Ports } from '../gates.ts'
import type { Wiring } from './wiring.ts'

/** What the stations of one design share while they are wired. */
export interface Build<P extends RowEngine = RowEngine> {
  readonly m: ModuleBuilder
  readonly plan: P
  readonly wires: Wiring
  readonly control: Ports
  readonly geometry: Node
}
