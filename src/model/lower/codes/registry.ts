import type { ModelNode } from '../../model.ts'
import type { CodeGraph } from './code-graph.ts'
import { functions } from './functions.ts'
import { movement } from './movement.ts'
import { pooling } from './pooling.ts'
import { products } from './products.ts'
import { quantisers } from './quantisers.ts'

/** Says what of the graph a node's result is. What it cannot is an Obstacle. */
export type CodeRule = (graph: CodeGraph, node: ModelNode) => void

/** By operator of ONNX. */
export const codeRules: Readonly<Record<string, CodeRule>> = {
  ...functions,
  ...movement,
  ...pooling,
  ...products,
  ...quantisers,
}
