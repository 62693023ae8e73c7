import type { Shape } from '../../../net/shapes.ts'
import type { ModelNode, ModelTensor } from '../../model.ts'
import { broadcastTo, elements } from '../../operators/strided.ts'
import { elementsOf } from '../../tensors.ts'
import { type Lowering, Obstacle } from '../lowering.ts'
import type { Rule } from './registry.ts'

const matMul: Rule = (lowering, node) =>
  lowerDense(lowering, node, 0, transposedMatrix(lowering.weight(node, 1)), undefined)

/** [features, units] as the rows of a dense layer: [units, features]. */
export function transposedMatrix({ type, shape, data }: ModelTensor): ModelTensor {
  if (shape.length !== 2)
    throw new Obstacle(`multiplies by weights of shape [${shape.join(', ')}]`, 'One matrix has a layer.')
  const [features, units] = shape as [number, number]
  const from = elements(data)
  const rows = Float32Array.from(
    { length: features * units },
    (_, i) => from[(i % features) * units + Math.floor(i / features)]!,
  )
  return { type, shape: [units, features], data: rows }
}

/** A dense layer over features, or over those of each step of a sequence. */
export function lowerDense(
  lowering: Lowering,
  node: ModelNode,
  input: number,
  rows: ModelTensor,
  bias: Float32Array | undefined,
): void {
  const [units, features] = rows.shape as [number, number]
  const value = lowering.value(node, input)
  const shape = lowering.modelShape(node.inputs[input]!)
  const steps = elementsOf(shape) / features
  if (shape.at(-1) !== features)
    throw new Obstacle(
      `multiplies [${shape.join(', ')}] by ${features} rows`,
      'Multiply by the weights from the right.',
    )
  const [from, to]: [Shape, Shape] =
    steps === 1
      ? [[features], [units]]
      : [
          [steps, features],
          [steps, units],
        ]
  // a map of one position is read as it is
  const single =
    steps === 1 && value.padding === undefined && value.shape.length === 3 && value.shape[0] === features
  lowering.layer(node, { kind: 'dense', units }, [single ? value : lowering.view(value, from)], to, {
    weight: Float32Array.from(elements(rows.data)),
    bias: bias ?? new Float32Array(units),
  })
}

const gemm: Rule = (lowering, node) => {
  const call = lowering.call(node)
  const [alpha, beta] = [call.float('alpha', 1), call.float('beta', 1)]
  if (call.int('transA', 0) !== 0)
    throw new Obstacle('transposes its input (transA)', 'Multiply by the weights from the right.')
  const weight = lowering.weight(node, 1)
  const rows = call.int('transB', 0) !== 0 ? weight : transposedMatrix(weight)
  const units = rows.shape[0]!
  const added = (node.inputs[2] ?? '') === '' ? undefined : lowering.weight(node, 2)
  const bias = added === undefined ? undefined : biasRow(lowering, node, added, units)
  lowerDense(
    lowering,
    node,
    0,
    { ...rows, data: Float32Array.from(elements(rows.data), (w) => alpha * w) },
    bias?.map((b) => beta * b),
  )
}

function biasRow(lowering: Lowering, node: ModelNode, bias: ModelTensor, units: number): Float32Array {
  const shape = lowering.modelShape(node.outputs[0]!)
  if (elementsOf(shape) !== units && elementsOf(bias.shape.slice(0, -1)) !== 1)
    throw new Obstacle(
      `adds a bias of shape [${bias.shape.join(', ')}]`,
      'One value for each unit has a layer.',
    )
  return Float32Array.from(elements(broadcastTo(bias, shape))).slice(0, units)
}

export const dense: Readonly<Record<string, Rule>> = { MatMul: matMul, Gemm: gemm }
