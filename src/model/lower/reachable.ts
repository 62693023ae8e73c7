import { usageError } from '../../base/errors.ts'
import type { Model, ModelNode } from '../model.ts'

/** The nodes that outputs depend on, and the inputs that those read. */
export function reachable(model: Model): Model {
  if (model.outputs.length === 0)
    throw usageError(`the model "${model.name}" has no output`, { where: model.name })
  const needed = new Set(model.outputs.map(({ name }) => name))
  const nodes: ModelNode[] = []
  for (const node of [...model.nodes].reverse()) {
    if (!node.outputs.some((name) => name !== '' && needed.has(name))) continue
    nodes.push(node)
    for (const name of node.inputs) needed.add(name)
  }
  return { ...model, nodes: nodes.reverse(), inputs: model.inputs.filter(({ name }) => needed.has(name)) }
}
