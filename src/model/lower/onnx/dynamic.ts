import type { Model, ModelNode, ModelTensor } from '../../model.ts'
import { elements } from '../../operators/strided.ts'
import { elementsOf } from '../../tensors.ts'

/** The float operator of one on codes, and the axis of its weights that their scales count. */
const floatOperators: Readonly<Record<string, readonly [operator: string, axis: number]>> = {
  ConvInteger: ['Conv', 0],
  MatMulInteger: ['MatMul', 1],
}

/**
 * A model whose dynamic quantisation is taken away: where products of codes (ConvInteger, MatMulInteger) of a DynamicQuantizeLinear are
 * cast and multiplied by its scale and that of the weights, stands the operator on real values, with the real values of the weights.
 */
export function withoutDynamicScales(model: Model): Model {
  if (!model.nodes.some(({ operator }) => operator === 'DynamicQuantizeLinear')) return model
  const makers = new Map(model.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)))
  const constants = new Map(model.constants)
  let made = 0
  const nodes = model.nodes.map((node) => {
    // nodes may share weights, of which each gets a copy
    if (made > mostValues) return node
    const found = node.operator === 'Mul' ? scaledProducts(node, makers, constants) : undefined
    if (found === undefined) return node
    const { products, image, weights } = found
    const name = `${products.name}.real`
    constants.set(name, weights)
    made += weights.data.length
    const [operator] = floatOperators[products.operator]!
    return { ...products, operator, inputs: [image, name], outputs: node.outputs }
  })
  return { ...model, nodes, constants }
}

/** Real values that are made of weights together: those behind stay as they are, and are refused by name. */
const mostValues = 2 ** 26

interface ScaledProducts {
  readonly products: ModelNode
  /** What is quantised dynamically. */
  readonly image: string
  readonly weights: ModelTensor
}

/** cast(products of codes) * (scale * scale of the weights), the factors in any order. */
function scaledProducts(
  node: ModelNode,
  makers: ReadonlyMap<string, ModelNode>,
  constants: ReadonlyMap<string, ModelTensor>,
): ScaledProducts | undefined {
  for (const [sums, factor] of [node.inputs, [...node.inputs].reverse()]) {
    const cast = makers.get(sums!)
    const products = cast?.operator === 'Cast' ? makers.get(cast.inputs[0]!) : undefined
    const scales = makers.get(factor!)
    if (
      products === undefined ||
      !Object.hasOwn(floatOperators, products.operator) ||
      scales?.operator !== 'Mul'
    )
      continue
    const quantiser = makers.get(products.inputs[0]!)
    if (quantiser?.operator !== 'DynamicQuantizeLinear' || products.inputs[2] !== quantiser.outputs[2])
      continue
    const ofWeights = scales.inputs.find((name) => name !== quantiser.outputs[1])
    if (!scales.inputs.includes(quantiser.outputs[1]!) || ofWeights === undefined) continue
    const given = [products.inputs[1]!, ofWeights, products.inputs[3] ?? ''].map((name) =>
      constants.get(name),
    )
    const weights = realWeights(products, given)
    if (weights !== undefined) return { products, image: quantiser.inputs[0]!, weights }
  }
  return undefined
}

/** (codes - zero point) * scale, by filter or with one pair for all; undefined where that is not how they are given. */
function realWeights(
  { operator, inputs }: ModelNode,
  [codes, scale, zero]: readonly (ModelTensor | undefined)[],
): ModelTensor | undefined {
  const named = (inputs[3] ?? '') !== ''
  if (codes === undefined || scale === undefined || (named && zero === undefined)) return undefined
  const [, axis] = floatOperators[operator]!
  if (operator === 'MatMulInteger' && codes.shape.length !== 2) return undefined
  const filters = codes.shape[axis]!
  const step = elementsOf(codes.shape.slice(axis + 1))
  if (scale.data.length > 1 && !alongFilters(operator, scale.shape, codes.shape.length)) return undefined
  const lists = [scale, zero].map((tensor) =>
    tensor === undefined ? [0] : Array.from(elements(tensor.data)),
  )
  if (lists.some(({ length }) => length !== 1 && length !== filters)) return undefined
  const [ofScale, ofZero] = lists as [number[], number[]]
  const at = (list: readonly number[], i: number) =>
    list[list.length === 1 ? 0 : Math.floor(i / step) % filters]!
  const data = Float32Array.from(elements(codes.data), (code, i) => (code - at(ofZero, i)) * at(ofScale, i))
  return { type: 'float32', shape: codes.shape, data }
}

/** Whether several scales multiply the result by filter: [1, n, 1, 1] of maps, [n] or [1, n] of matrices. */
function alongFilters(operator: string, shape: readonly number[], rank: number): boolean {
  const padded = [...new Array<number>(Math.max(0, rank - shape.length)).fill(1), ...shape]
  const axis = operator === 'MatMulInteger' ? rank - 1 : 1
  return padded.length === rank && padded.every((n, i) => i === axis || n === 1)
}
