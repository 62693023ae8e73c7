import { usageError } from '../base/errors.ts'
import type { Model, ModelNode } from './model.ts'

/** The nodes that outputs depend on, and the inputs that those read. */
export function reachable(model: Model): Model {
  if (model.outputs.length === 0)
    throw usageError(`the model "${model.name}" has no output`, { where: model.name })
  const { nodes, needed } = reachableNodes(
    model.nodes,
    model.outputs.map(({ name }) => name),
  )
  return { ...model, nodes, inputs: model.inputs.filter(({ name }) => needed.has(name)) }
}

/** The nodes that some tensors depend on, in their order, and all tensors that are needed for them. */
export function reachableNodes(
  all: readonly ModelNode[],
  outputs: readonly string[],
): { readonly nodes: readonly ModelNode[]; readonly needed: ReadonlySet<string> } {
  const needed = new Set(outputs)
  const nodes: ModelNode[] = []
  for (const node of [...all].reverse()) {
    if (!node.outputs.some((name) => name !== '' && needed.has(name))) continue
    nodes.push(node)
    for (const name of node.inputs) needed.add(name)
  }
  return { nodes: nodes.reverse(), needed }
}
