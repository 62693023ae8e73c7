import type { ModelNode } from '../../model.ts'
import type { Lowering } from '../lowering.ts'
import { dense } from './dense.ts'
import { elementwise } from './elementwise.ts'
import { maps } from './maps.ts'
import { quantised } from './quantised.ts'
import { recurrents } from './recurrent.ts'
import { shapes } from './shapes.ts'

/** Makes the layers of one node. What it cannot is an Obstacle. */
export type Rule = (lowering: Lowering, node: ModelNode) => void

/** By operator of ONNX. */
export const rules: Readonly<Record<string, Rule>> = {
  ...dense,
  ...elementwise,
  ...maps,
  ...quantised,
  ...recurrents,
  ...shapes,
}
