import type { Model, ModelNode, ModelTensor } from '../model.ts'
import { reachableNodes } from '../reachable.ts'
import { realValues } from './real-values.ts'

/**
 * The model without what only prepares its constants and shapes: weights that are stored as halves or codes and become float32 by a
 * DEQUANTIZE of their own are constants of float32, and what computes the shape of a RESHAPE is left out, since the file states all
 * shapes.
 */
export function simplified(model: Model): Model {
  const constants = new Map(model.constants)
  const given = model.nodes.flatMap((node) => {
    const real = realConstant(model, node)
    if (real !== undefined) constants.set(node.outputs[0]!, real)
    return real === undefined ? [withoutShape(node)] : []
  })
  const outputs = model.outputs.map(({ name }) => name)
  return { ...model, constants, nodes: reachableNodes(given, outputs).nodes }
}

/** A RESHAPE reads its one tensor. */
const withoutShape = (node: ModelNode): ModelNode =>
  node.operator === 'RESHAPE' ? { ...node, inputs: node.inputs.slice(0, 1) } : node

function realConstant({ constants, values }: Model, node: ModelNode): ModelTensor | undefined {
  if (node.operator !== 'DEQUANTIZE' || node.outputs.length !== 1) return undefined
  const name = node.inputs[0] ?? ''
  const constant = constants.get(name)
  const result = values.get(node.outputs[0]!)!
  if (constant === undefined || result.type !== 'float32') return undefined
  if (constant.shape.join() !== result.shape!.join()) return undefined
  if (constant.type === 'float32') return constant
  const { quantisation } = values.get(name)!
  if (quantisation === undefined || (constant.type !== 'int8' && constant.type !== 'uint8')) return undefined
  return { type: 'float32', shape: constant.shape, data: realValues(constant, quantisation) }
}
